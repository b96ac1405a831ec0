"""Cursors: where a page ends, as a text that only its maker can make."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dada import base64url, cursors
from dada.jwk import Key

KEY, OLD, OTHER = (Key(bytes([n]) * 32) for n in range(1, 4))
CURSOR = cursors.write(KEY, "addresses of 7", [7, "x"])


def test_what_was_written_is_read_also_with_the_key_before():
    assert cursors.read([KEY], "addresses of 7", CURSOR) == [7, "x"]
    assert cursors.read([OLD, KEY], "addresses of 7", CURSOR) == [7, "x"]


REFUSED = {
    "another place": ([KEY], "addresses of 8", CURSOR),
    "another key": ([OTHER], "addresses of 7", CURSOR),
    "no key": ([], "addresses of 7", CURSOR),
    "another position": (
        [KEY], "addresses of 7", base64url.encode(base64url.decode(CURSOR)[:16] + b'[8,"x"]'),
    ),
    "no position": ([KEY], "addresses of 7", CURSOR[:21]),
    "nothing": ([KEY], "addresses of 7", ""),
    "a number": ([KEY], "addresses of 7", "7"),
    "no base64url": ([KEY], "addresses of 7", CURSOR + "="),
    "too long": ([KEY], "addresses of 7", "A" * 400),
}  # fmt: skip


@pytest.mark.parametrize(("keys", "place", "text"), REFUSED.values(), ids=REFUSED)
def test_whatever_else_is_refused(keys, place, text):
    with pytest.raises(cursors.BadCursor):
        cursors.read(keys, place, text)


@given(st.text(), st.lists(st.integers(-(2**53), 2**53) | st.text("abc"), max_size=5), st.text())
def test_any_position_comes_back_and_any_text_is_refused(place, position, text):
    assert cursors.read([KEY], place, cursors.write(KEY, place, position)) == position
    with pytest.raises(cursors.BadCursor):
        cursors.read([KEY], place, text)
