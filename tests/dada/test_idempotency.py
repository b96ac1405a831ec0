"""The Idempotency-Key header."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dada.idempotency import BadKey, read_key

GOOD = {
    "a string": ('"8e03978e-40d5"', "8e03978e-40d5"),
    "without quotes": ("8e03978e-40d5", "8e03978e-40d5"),
    "blanks around": (' "a" ', "a"),
    "a blank inside": ('"a b"', "a b"),
    "an escaped quote": (r'"a\"b\\c"', r'a"b\c'),
    "as long as may be": ('"' + "a" * 255 + '"', "a" * 255),
}
BAD = {
    "nothing": "",
    "an empty string": '""',
    "no end": '"a',
    "text after it": '"a"b',
    "parameters": '"a";p=1',
    "two keys": '"a", "b"',
    "another escape": r'"\n"',
    "letters of another script": '"张"',
    "a control character": '"a\tb"',
    "blanks without quotes": "a b",
    "a list without quotes": "a,b",
    "too long": '"' + "a" * 256 + '"',
    "too long without quotes": "a" * 256,
}


@pytest.mark.parametrize(("text", "key"), GOOD.values(), ids=GOOD)
def test_a_key_is_read(text, key):
    assert read_key(text) == key


@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
def test_what_is_no_key_is_refused(text):
    with pytest.raises(BadKey):
        read_key(text)


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=255), st.text())
def test_any_key_can_be_written_and_any_text_is_a_key_or_refused(key, text):
    escaped = key.replace("\\", "\\\\").replace('"', '\\"')
    assert read_key(f'"{escaped}"') == key
    try:
        assert 0 < len(read_key(text)) <= 255
    except BadKey as error:
        assert error.clause == "RFC 9651 §3.3.3"
