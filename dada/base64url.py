"""Base64url without padding: how JOSE writes bytes inside a token.

RFC 4648 §5 gives the alphabet, RFC 7515 §2 drops the "=" padding.  Only the spelling that we would
write is read, so equal bytes have equal texts:

    >>> decode("AQ")
    b'\\x01'
    >>> decode("AR")
    Traceback (most recent call last):
    dada.base64url.NotBase64url: spare bits set, at 1 (RFC 4648 §3.5)

"AR" differs from "AQ" only in four bits that belong to no byte.  A lax decoder takes both for one
signature, and a token that was revoked by its text lives on under another spelling.

This file knows bytes and text; it does not know what a token is.
"""

import binascii
import re

from dada.errors import Malformed

__all__ = ["NotBase64url", "decode", "encode"]

_FOREIGN = re.compile(r"[^A-Za-z0-9_-]")
_TO_URL = bytes.maketrans(b"+/", b"-_")
# The library's decoder knows the other alphabet and its padding: what would mean something there, and
# means nothing here, is turned into what means nothing there.
_FROM_URL = bytes.maketrans(b"-_+/=", b"+/\0\0\0")
# The last characters that may end a text whose length is so much over a multiple of four: those whose
# spare bits are zero.  A whole multiple has no spare bits; one over cannot be.
_LAST = {2: "AQgw", 3: "AEIMQUYcgkosw048"}
_PADDING = (b"", b"", b"==", b"=")


class NotBase64url(Malformed):
    """The text spells no byte string."""


def encode(data: bytes) -> str:
    """Return the one spelling of *data* (RFC 7515 §2)."""
    return binascii.b2a_base64(data, newline=False).translate(_TO_URL, b"=").decode()


def decode(text: str) -> bytes:
    """Return the bytes that *text* spells.

    Raise :exc:`NotBase64url`, which tells where the text is wrong but never quotes it.
    """
    over = len(text) % 4
    if over and text[-1] not in _LAST.get(over, ""):
        raise _fault(text)
    try:
        return binascii.a2b_base64(text.encode("ascii").translate(_FROM_URL) + _PADDING[over], strict_mode=True)
    except ValueError:  # not ASCII, or not in the alphabet
        raise _fault(text) from None


def _fault(text: str) -> NotBase64url:
    """Say where *text*, already known to be wrong, goes wrong."""
    if foreign := _FOREIGN.search(text):
        return NotBase64url("not in the alphabet", foreign.start(), "RFC 4648 §3.3")
    if len(text) % 4 == 1:  # six bits left over cannot make a byte
        return NotBase64url("one character too many", len(text) - 1, "RFC 4648 §4")
    return NotBase64url("spare bits set", len(text) - 1, "RFC 4648 §3.5")
