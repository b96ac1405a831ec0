"""Requests that may come twice: what came of the first is kept, for whoever sends the same again.

    once:<MAC of who, where and the key>   {"print": MAC of the body, "kept": what came of it, or null while it runs}

Names and bodies are kept as MACs, so that whoever reads Redis learns neither a key nor a password out of a body, and
cannot try passwords either.  A request that was refused leaves nothing: it may be sent again, mended.  A process that
dies between its commit and `finish` leaves the mark of a running request, for a minute; after that
it acts again.

This file knows keys and what is kept; it does not know what a request does.
"""

import json
from hmac import compare_digest
from typing import Any, Final, NamedTuple

from shop.errors import Refused
from shop.keyring import lasting_key
from shop.services import Services

__all__ = ["DAY", "Mark", "begin", "drop", "finish"]

DAY: Final = 86_400
_RUNNING_SECONDS: Final = 60


class Mark(NamedTuple):
    """A request under its key.

    kept  what came of it when it came before; None where this is the first time
    """

    name: str
    print: str
    kept: Any


def begin(services: Services, place: str, key: str, body: bytes) -> Mark:
    """Mark a request as running, or find what came of it before.

    place  who asks for what: a key is his own, and for one path

    Raise :exc:`Refused`: idempotency-mismatch where the key came with another body, idempotency-running while the first
    one is not done.
    """
    mac = lasting_key(services.settings.lasting_secret, "idempotency key").mac  # the ring may turn between the two
    name = f"once:{mac(b'name ' + place.encode() + b' ' + key.encode()).hex()}"
    mark = Mark(name, mac(b"body " + body).hex(), None)
    if services.cache.set(name, _written(mark), _RUNNING_SECONDS, if_new=True):
        return mark
    found = json.loads(services.cache.get(name) or "{}")
    if found and not compare_digest(found["print"], mark.print):
        raise Refused("idempotency-mismatch")
    if not found or found["kept"] is None:  # gone between the two looks: it was dropped just now, and may be sent again
        raise Refused("idempotency-running")
    return mark._replace(kept=found["kept"])


def finish(services: Services, mark: Mark, kept: Any, seconds: float = DAY) -> None:
    """Keep what came of the request: a value of JSON, never a token."""
    services.cache.set(mark.name, _written(mark._replace(kept=kept)), seconds)


def drop(services: Services, mark: Mark) -> None:
    """Forget that the request came: nothing came of it."""
    services.cache.forget(mark.name)


def _written(mark: Mark) -> str:
    return json.dumps({"print": mark.print, "kept": mark.kept})
