"""Every reason of the shop is one of a closed set, and the web edge has a status for each."""

import re
from pathlib import Path

import pytest

from dada.problems import TYPES
from handlers.problems import PROBLEMS, WORDS
from shop.errors import REASONS, Refused

ROOT = Path(__file__).parents[2]


def test_a_reason_is_one_of_the_set():
    assert Refused("not-found", "why").detail == "why"
    with pytest.raises(ValueError, match="no such"):
        Refused("no such reason")


def test_every_reason_has_a_status_on_the_wire():
    assert not REASONS - (PROBLEMS.keys() | TYPES.keys())


def test_every_reason_is_used():
    source = "".join(path.read_text() for folder in ("shop", "handlers") for path in (ROOT / folder).glob("*.py"))
    unused = {reason for reason in REASONS if len(re.findall(f'"{reason}"', source)) < 2}
    assert unused == set()


def test_every_word_about_a_field_is_in_two_languages():
    for english, chinese in WORDS.values():
        assert english.isascii()
        assert not chinese.isascii()
