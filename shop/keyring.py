"""The ring of keys that tokens are signed with, and a key for each purpose (RFC 5869 §2.3).

The file holds secrets, each with a name: exactly one signs, the others still verify what was signed before, until
nothing of it can be alive.  From each secret a key is derived for each purpose, so that a token of one kind is noise
to every other:

    {"sandbox": false, "keys": [{"kid": "2026-11", "secret": "…", "use": "sign"}, {"kid": …, "use": "verify"}]}

The file is looked at again when it changes: keys rotate without a restart.

This file knows keys and a file; it does not know what the tokens say.
"""

import functools
import json
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

from dada import base64url
from dada.errors import Malformed, Misuse, Problem
from dada.jwk import Key

__all__ = [
    "ACCESS",
    "CURSOR",
    "REFRESH",
    "Keyring",
    "Ring",
    "derive",
    "lasting_key",
    "new_ring",
    "read_ring",
]

_log = logging.getLogger("shop.keyring")

ACCESS: Final = "access token"
REFRESH: Final = "refresh token"
CURSOR: Final = "cursor"
_LOOK_EVERY: Final = 1.0  # seconds


class Ring(NamedTuple):
    """The keys at one moment: the signing secret first."""

    kids: tuple[str, ...]
    secrets: tuple[bytes, ...]

    def keys(self, purpose: str) -> list[Key]:
        """Return a key for *purpose* from each secret, the signing one first."""
        return [Key(derive(secret, purpose), kid=kid) for kid, secret in zip(self.kids, self.secrets, strict=True)]


def derive(secret: bytes, purpose: str) -> bytes:
    """Return 32 bytes for *purpose*: HKDF-Expand, one block (RFC 5869 §2.3); *secret* is random already (§3.3)."""
    return Key(secret).mac(f"dada {purpose}".encode() + b"\x01")


@functools.cache
def lasting_key(lasting_secret: bytes, purpose: str) -> Key:
    """Return the key for *purpose* from the secret that never rotates."""
    return Key(derive(lasting_secret, purpose))


class Keyring:
    """The ring in a file, read again when the file changes.  Raise :exc:`Misuse` for what is no ring."""

    def __init__(self, path: Path, clock: Callable[[], float]) -> None:
        self._path, self._clock = path, clock
        self._lock = threading.Lock()
        self._stamp = self._look()
        self._ring = read_ring(path)
        self._looked = clock()

    @property
    def ring(self) -> Ring:
        """The keys as they are now."""
        if self._clock() - self._looked >= _LOOK_EVERY:
            with self._lock:
                self._looked = self._clock()
                if (stamp := self._look()) != self._stamp:
                    self._stamp = stamp
                    try:
                        self._ring = read_ring(self._path)
                    except Misuse as error:  # half written, or broken: what was good stays in use
                        _log.error("the key ring is not read: %s", error)
        return self._ring

    def _look(self) -> tuple[int, int]:
        try:
            state = self._path.stat()
        except OSError:
            return 0, 0
        return state.st_mtime_ns, state.st_ino


def read_ring(path: Path) -> Ring:
    """Return the ring in *path*.  Raise :exc:`Misuse`; the secrets are never told."""
    try:
        members = json.loads(path.read_text())
        entries = [entry for entry in members["keys"] if entry["use"] in ("sign", "verify")]
        entries.sort(key=lambda entry: str(entry["use"]))
        secrets = tuple(base64url.decode(entry["secret"]) for entry in entries)
        kids = tuple(str(entry["kid"]) for entry in entries)
        signing = sum(entry["use"] == "sign" for entry in entries)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, Malformed) as error:
        why = f"this is no key ring: {type(error).__name__}"
        raise Misuse([Problem("ring", str(path), "", why, "a file made by `dada keys create`")]) from None
    if signing != 1 or len(set(kids)) != len(kids) or any(len(secret) < 32 for secret in secrets):
        why = "exactly one key signs, each has a name of its own, and 32 bytes at least"
        raise Misuse([Problem("ring", str(path), "", why, "dada keys list")])
    return Ring(kids, secrets)


def new_ring(kid: str, secret: bytes, *, sandbox: bool) -> dict[str, Any]:
    """Return the members of a new ring's file."""
    return {"sandbox": sandbox, "keys": [{"kid": kid, "secret": base64url.encode(secret), "use": "sign"}]}
