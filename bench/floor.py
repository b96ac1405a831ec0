"""The floor of a token: what no implementation of HS256 can leave out, by the standard library alone, nothing checked.

One definition for the two benches that divide by it: bench/tokens.py (a token), bench/http_apps.py (a request).
"""

import base64
import hmac
import json
from typing import Any

__all__ = ["decode", "encode"]

SECRET = bytes(range(160, 192))
_HEADER = b"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"


def _b64(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def _unb64(text: bytes) -> bytes:
    return base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4))


def encode(claims: dict[str, Any]) -> str:
    """Make a token and check nothing."""
    signed = _HEADER + b"." + _b64(json.dumps(claims, separators=(",", ":")).encode())
    return (signed + b"." + _b64(hmac.digest(SECRET, signed, "sha256"))).decode()


def decode(token: str) -> Any:
    """Take a token apart, read its header, compare its MAC, and check nothing else.  Raise ValueError."""
    signed, _, signature = token.encode().rpartition(b".")
    header, _, payload = signed.partition(b".")
    json.loads(_unb64(header))
    if hmac.digest(SECRET, signed, "sha256") != _unb64(signature):
        raise ValueError
    return json.loads(_unb64(payload))
