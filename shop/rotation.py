"""Turning the ring: how its file changes, one safe step at a time.

    create    a new key that verifies and does not sign yet: every process learns it first
    promote   it signs from now on, and the one before it verifies
    retire    a key that verifies goes, when nothing that it signed can be alive

The file is written beside and moved into place, so that a process that reads it sees the old ring or the new one.

This file knows the ring's file; who uses the keys is in `keyring.py`.
"""

import json
import os
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from dada import base64url
from dada.errors import Misuse, Problem
from shop.keyring import new_ring, read_ring

__all__ = ["ALIVE_DAYS", "KeyState", "create", "keys_in", "promote", "retire"]

ALIVE_DAYS: Final = 14  # a refresh token that was given out idles so long at most, and then nothing is alive
_SAFE_SECONDS: Final = 10  # every process looks at the file once a second


class KeyState(NamedTuple):
    """A key of the ring: its name, what it is for, and since when (seconds since 1970; 0 where it is not known)."""

    kid: str
    use: str
    since: int


def keys_in(path: Path) -> list[KeyState]:
    """Return the keys of the ring in *path*, the signing one first.  Raise :exc:`Misuse` for what is no ring."""
    read_ring(path)
    states = [KeyState(str(entry["kid"]), str(entry["use"]), int(entry.get("since", 0))) for entry in _entries(path)]
    return sorted(states, key=lambda state: (state.use, -state.since))


def create(path: Path, now: float, kid: str | None = None, *, sandbox: bool = False) -> KeyState:
    """Add a key that verifies; the first key of a new file signs at once, and gets a lasting secret beside it.

    Raise :exc:`Misuse`.
    """
    name = kid or f"{datetime.fromtimestamp(now, UTC):%Y-%m-%d}-{secrets.token_hex(2)}"
    secret = secrets.token_bytes(32)
    _make_lasting(path.with_name("lasting_secret"))
    if not path.exists():
        ring = new_ring(name, secret, sandbox=sandbox)
        ring["keys"][0]["since"] = int(now)
        _write(path, ring)
        return KeyState(name, "sign", int(now))
    if name in {state.kid for state in keys_in(path)}:
        raise _misuse(name, "a key has this name already", "another name")
    entry = {"kid": name, "secret": base64url.encode(secret), "use": "verify", "since": int(now)}
    _replace(path, [*_entries(path), entry])
    return KeyState(name, "verify", int(now))


def _make_lasting(path: Path) -> None:
    """Make the secret that never rotates, if there is none yet."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(descriptor, "w") as file:
        file.write(base64url.encode(secrets.token_bytes(32)) + "\n")


def promote(path: Path, kid: str, now: float) -> None:
    """Let the key *kid* sign.  Raise :exc:`Misuse` for none, or for one so new that a process may not know it."""
    state = _find(path, kid)
    if state.use == "sign":
        raise _misuse(kid, "it signs already", "dada keys list")
    if now - state.since < _SAFE_SECONDS:
        raise _misuse(kid, "a process may not have read it yet", f"wait {_SAFE_SECONDS} seconds after creating it")
    entries = _entries(path)
    for entry in entries:
        uses = {True: "sign", False: "verify"}[entry["kid"] == kid]
        if entry["use"] != uses:
            entry |= {"use": uses, "since": int(now)}
    _replace(path, entries)


def retire(path: Path, kid: str, now: float, *, at_once: bool = False) -> None:
    """Take the key *kid* out of the ring: whatever it signed fails on its next use.

    at_once  although tokens of it may be alive: for a key that somebody else knows

    Raise :exc:`Misuse` for none, for the one that signs, and for one that stopped signing too lately.
    """
    state = _find(path, kid)
    if state.use == "sign":
        raise _misuse(kid, "it signs", "promote another one first")
    if not at_once and now - state.since < ALIVE_DAYS * 86400:
        why = f"tokens that it signed may live for {ALIVE_DAYS} days after it stopped"
        raise _misuse(kid, why, "wait, or retire it at once (--compromised): who holds them logs in again")
    _replace(path, [entry for entry in _entries(path) if entry["kid"] != kid])


def _find(path: Path, kid: str) -> KeyState:
    for state in keys_in(path):
        if state.kid == kid:
            return state
    raise _misuse(kid, "there is no such key", "dada keys list")


def _misuse(kid: str, why: str, fix: str) -> Misuse:
    return Misuse([Problem("key", kid[:60], "", why, fix)])


def _entries(path: Path) -> list[dict[str, Any]]:
    return list(json.loads(path.read_text())["keys"])


def _replace(path: Path, entries: list[dict[str, Any]]) -> None:
    _write(path, json.loads(path.read_text()) | {"keys": entries})


def _write(path: Path, ring: dict[str, Any]) -> None:
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(ring, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
