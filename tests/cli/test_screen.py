"""What others have written, on a terminal."""

import pytest

from cli.screen import plain

TEXTS = {
    "words": ("a name: 達", "a name: 達"),
    "a colour": ("\x1b[31m", r"\x1b[31m"),
    "a line end": ("a\r\nb", r"a\r\nb"),
    "a turn of direction": ("\u202e", r"\u202e"),
    "half a character": ("\udcff", r"\udcff"),
}


@pytest.mark.parametrize(("text", "shown"), TEXTS.values(), ids=TEXTS)
def test_only_what_is_printable_is_printed(text, shown):
    assert plain(text) == shown
