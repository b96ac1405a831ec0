"""The sandbox's secrets: made on the first run, in a folder that git ignores, readable by their owner only.

    keys.json             the ring that tokens are signed with, marked as the sandbox's
    lasting_secret        what never rotates: the chain of events is made with it
    weibo_client_secret   what the look-alike knows us by; it begins with "sandbox-", and no other process takes it
    world.json            the same for the look-alike, and the token of its switches
    valkey                the password of the embedded Valkey

This file knows files; what the secrets are for is not its business.
"""

import json
import secrets
from pathlib import Path
from typing import Final

from dada import base64url
from shop.keyring import new_ring

__all__ = ["APP_KEY", "make_secrets"]

APP_KEY: Final = "1000000721"  # as Weibo's look: digits


def make_secrets(folder: Path, redirect_uri: str) -> Path:
    """Make what is missing in *folder*, and return it."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    app_secret = f"sandbox-{secrets.token_hex(16)}"
    world = {
        "weibo_app_key": APP_KEY,
        "weibo_app_secret": app_secret,
        "weibo_redirect_uri": redirect_uri,
        "admin_token": secrets.token_hex(16),
    }
    if (folder / "world.json").exists():  # the page may have another port today
        world = json.loads((folder / "world.json").read_text()) | {"weibo_redirect_uri": redirect_uri}
    _write(folder / "world.json", json.dumps(world), again=True)
    _write(folder / "weibo_client_secret", world["weibo_app_secret"], again=True)
    _write(folder / "keys.json", json.dumps(new_ring("sandbox-1", secrets.token_bytes(32), sandbox=True)))
    _write(folder / "lasting_secret", base64url.encode(secrets.token_bytes(32)))
    _write(folder / "valkey", secrets.token_hex(16))
    return folder


def _write(path: Path, text: str, *, again: bool = False) -> None:
    if path.exists() and not again:
        return
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(text)
