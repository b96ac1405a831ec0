"""The Idempotency-Key header: a request that may be sent twice and acts once (draft-ietf-httpapi-idempotency-key).

The value is a String of structured fields (RFC 9651 §3.3.3): "8e03978e-40d5-43e8-bc93-6894a57f9324", in quotes.  The
same without quotes is taken too, where it holds nothing that would need them: many clients forget them.

This file knows the header; what is kept under a key, and where, it does not know.
"""

import re
from typing import Final

from dada.errors import Malformed

__all__ = ["MAX_LENGTH", "BadKey", "read_key"]

MAX_LENGTH: Final = 255
_CLAUSE: Final = "RFC 9651 §3.3.3"
_BARE = re.compile(r"[A-Za-z0-9._~:+/=-]+")
_STRING = re.compile(r'"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"')


class BadKey(Malformed):
    """The header's value is no key."""


def read_key(text: str) -> str:
    """Return the key that the header's value spells.  Raise :exc:`BadKey`."""
    text = text.strip(" ")
    if text.startswith('"'):
        found = _STRING.fullmatch(text)
        if found is None:
            raise BadKey("no string of structured fields", 0, _CLAUSE)
        key = re.sub(r"\\(.)", r"\1", found[1])
    elif _BARE.fullmatch(text):
        key = text
    else:
        raise BadKey("no string of structured fields", 0, _CLAUSE)
    if not 0 < len(key) <= MAX_LENGTH:
        raise BadKey(f"a key has 1 to {MAX_LENGTH} characters", 0, _CLAUSE)
    return key
