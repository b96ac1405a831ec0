"""Cursors: where a page of a collection ends, as a text that only its maker can make (RFC 8288 is how it travels).

A cursor holds the position of the last item, and a MAC over it and over the place that it is for: nobody can read
meaning into it, ask for a position that was never shown, or carry it over to another collection.

    >>> from dada.jwk import Key
    >>> key = Key(bytes(range(32)))
    >>> read([key], "addresses of 7", write(key, "addresses of 7", [1700000000000, "x"]))
    [1700000000000, 'x']

This file knows positions and keys; it does not know what is listed.
"""

from collections.abc import Iterable, Sequence
from hmac import compare_digest
from typing import Any, Final

from dada import base64url, jsontext
from dada.errors import Malformed, Rejected
from dada.jwk import Key

__all__ = ["MAX_LENGTH", "BadCursor", "read", "write"]

MAX_LENGTH: Final = 300
_MAC: Final = 16  # bytes: a guess is right once in 2^128 times


class BadCursor(Rejected):
    """The text is no cursor of ours for this place: reason "cursor"."""

    def __init__(self) -> None:
        super().__init__("cursor", "accounts 5.2", "no cursor of this collection")


def write(key: Key, place: str, position: Sequence[int | str]) -> str:
    """Return the cursor for *position* in *place*, a text that goes into a query as it is."""
    told = jsontext.write(list(position))
    return base64url.encode(_mac(key, place, told) + told)


def read(keys: Iterable[Key], place: str, text: str) -> list[Any]:
    """Return the position that was written with one of *keys* for *place*.  Raise :exc:`BadCursor`."""
    try:
        data = base64url.decode(text) if len(text) <= MAX_LENGTH else b""
    except Malformed:
        data = b""
    mac, told = data[:_MAC], data[_MAC:]
    if len(data) <= _MAC or not any(compare_digest(_mac(key, place, told), mac) for key in keys):
        raise BadCursor
    position: list[Any] = jsontext.read(told)
    return position


def _mac(key: Key, place: str, told: bytes) -> bytes:
    return key.mac(place.encode("utf-8", "replace") + b"\0" + told)[:_MAC]
