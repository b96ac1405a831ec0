"""Words: every key in both languages, with the same places to fill."""

import re
import string
from pathlib import Path

import pytest

import sandbox
from sandbox.texts import _TEXTS, LANGUAGES, text

PAGES = Path(sandbox.__file__).parent / "pages"


def places(words):
    return {name for _, name, _, _ in string.Formatter().parse(words) if name}


@pytest.mark.parametrize("key", _TEXTS)
def test_both_languages_say_it_with_the_same_places(key):
    english, chinese = _TEXTS[key]
    assert english
    assert re.search("[\u4e00-\u9fff]", chinese)
    assert places(english) == places(chinese)


def test_every_word_that_a_page_wants_is_there_and_every_word_is_wanted():
    source = "".join(path.read_text("utf-8") for path in [*PAGES.glob("*.html"), *PAGES.parent.glob("*.py")])
    wanted = set(re.findall(r"\bt\(\s*[\"']([a-z_.0-9]+)[\"']", source))
    assert wanted <= _TEXTS.keys()
    named = {key for key in _TEXTS if f'"{key}"' in source.replace("'", '"')}
    by_code = {key for key in _TEXTS if re.fullmatch(r"error\.\d+", key)}
    assert _TEXTS.keys() == named | by_code


def test_places_are_filled():
    assert text("en", "mailbox.to", to="<a>") == "To <a>"
    assert text("zh-CN", "mailbox.to", to="<a>") == "致 <a>"
    assert list(LANGUAGES) == ["en", "zh-CN"]
