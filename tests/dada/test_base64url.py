"""RFC 4648 §5 without padding, strictly."""

import base64
import itertools
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dada.base64url import NotBase64url, decode, encode

ALPHABET = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"

PUBLISHED = {
    "RFC 4648 §10, nothing": (b"", ""),
    "RFC 4648 §10, f": (b"f", "Zg"),
    "RFC 4648 §10, fo": (b"fo", "Zm8"),
    "RFC 4648 §10, foo": (b"foo", "Zm9v"),
    "RFC 4648 §10, foob": (b"foob", "Zm9vYg"),
    "RFC 4648 §10, fooba": (b"fooba", "Zm9vYmE"),
    "RFC 4648 §10, foobar": (b"foobar", "Zm9vYmFy"),
    "RFC 7515 appendix C": (bytes([3, 236, 255, 224, 193]), "A-z_4ME"),
}

REFUSED = {
    "padding": ("AQ==", "not in the alphabet", 2),
    "the plain alphabet's plus": ("+A", "not in the alphabet", 0),
    "the plain alphabet's slash": ("A/", "not in the alphabet", 1),
    "a blank": ("AQ ", "not in the alphabet", 2),
    "a newline at the end, which $ in a regex lets through": ("AQ\n", "not in the alphabet", 2),
    "a NUL": ("AQ\0A", "not in the alphabet", 2),
    "a letter of another script": ("AА", "not in the alphabet", 1),
    "a digit of another script": ("A١", "not in the alphabet", 1),
    "half of a surrogate pair": ("A\ud800", "not in the alphabet", 1),
    "junk that a lax decoder drops": ("A!Q!", "not in the alphabet", 1),
    "a lone character": ("A", "one character too many", 0),
    "five characters": ("AAAAA", "one character too many", 4),
    "spare bits of one byte": ("AR", "spare bits set", 1),
    "spare bits of two bytes": ("AAB", "spare bits set", 2),
}


@pytest.mark.parametrize(("data", "text"), PUBLISHED.values(), ids=PUBLISHED)
def test_published_examples_hold_both_ways(data, text):
    assert encode(data) == text
    assert decode(text) == data


@pytest.mark.parametrize(("text", "reason", "at"), REFUSED.values(), ids=REFUSED)
def test_another_spelling_is_refused_and_the_place_is_told(text, reason, at):
    with pytest.raises(NotBase64url) as caught:
        decode(text)
    assert (caught.value.reason, caught.value.at) == (reason, at)
    assert caught.value.clause.startswith("RFC 4648")
    assert text not in str(caught.value)


def test_of_all_texts_of_two_and_of_three_characters_as_many_are_read_as_there_are_byte_strings():
    for size, count in ((2, 256), (3, 65536)):
        read = set()
        for characters in itertools.product(ALPHABET, repeat=size):
            try:
                read.add(decode("".join(characters)))
            except NotBase64url:
                continue
        assert len(read) == count


@given(st.binary())
def test_every_byte_string_comes_back(data):
    assert decode(encode(data)) == data
    assert encode(data) == base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@given(st.one_of(st.text(), st.text(ALPHABET), st.text(ALPHABET + "=+/ \n")))
def test_any_text_is_the_one_spelling_of_its_bytes_or_is_refused(text):
    try:
        data = decode(text)
    except NotBase64url as error:
        assert 0 <= error.at < len(text)
    else:
        assert encode(data) == text
