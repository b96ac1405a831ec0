"""The threat model: each attack has a defence, and each defence a test that exists."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SECURITY = (ROOT / "SECURITY.md").read_text()
ROWS = re.findall(r"^\| (.+) \| (.+) \| `(tests/[^`]+)` \|$", SECURITY, re.MULTILINE)


def test_the_model_is_a_table_of_some_length():
    assert len(ROWS) >= 50


@pytest.mark.parametrize("named", sorted({test for _, _, test in ROWS}))
def test_a_defence_s_test_is_there(named):
    path, *names = named.split("::")
    source = (ROOT / path).read_text()
    for name in names:
        assert re.search(rf"^\s*(?:def|class) {name}\b", source, re.MULTILINE), name


def test_every_row_has_all_three():
    rows = [line for line in SECURITY.splitlines() if line.startswith("| ") and "`tests/" in line]
    assert len(rows) == len(ROWS)
