"""Which sessions live, as every call asks: in the cache, and in the database behind it.

    {user:<id>}:session:<sid>   what is known of a live session, or "ended"
    {user:<id>}:epoch           the user's epoch, where it counted up lately, or "?" where nobody knows whether it did

Whatever ends a session writes that into the cache before its transaction commits, and what is read from the database
never overwrites it: a token that failed once fails for ever.  All keys outlive the access tokens that they judge; a
wiped cache is filled again from the database, and nobody is logged out by it.

This file knows the cache; what a token looks like is in `tokens.py`.
"""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

from sqlalchemy import Select, select

from shop.services import Services
from shop.tables import sessions, users

__all__ = ["KEPT_SECONDS", "Alive", "counting_up", "find", "forget", "live", "mark_ended"]

KEPT_SECONDS: Final = 660  # an access token's lifetime, and a minute
_ENDED: Final = "ended"
_UNSURE: Final = "?"


class Alive(NamedTuple):
    """What is known of a live session: whose it is, and in which epoch."""

    user_id: int
    epoch: int
    username: str
    key: str


def _session(user_id: object, sid: str) -> str:
    return f"{{user:{user_id}}}:session:{sid}"


def _epoch(user_id: object) -> str:
    return f"{{user:{user_id}}}:epoch"


def live(sid: str) -> Select[Any]:
    """Return the query for a session with its user, if neither ended."""
    columns = (users.c.username, users.c.username_key, users.c.token_epoch)
    alive = (sessions.c.epoch == users.c.token_epoch) & (users.c.state == "active")
    return select(sessions, *columns).join(users, users.c.id == sessions.c.user_id).where(sessions.c.id == sid, alive)


def find(services: Services, user_id: str, sid: str) -> Alive | None:
    """Return what is known of the user's session; None if it ended."""
    kept, counted = services.cache.get_all(_session(user_id, sid), _epoch(user_id))
    if counted == _UNSURE and kept != _ENDED:
        kept, counted = _read(services, user_id, sid), None
    if kept is None:
        kept = _look_up(services, user_id, sid)
    if kept == _ENDED:
        return None
    alive = Alive(*json.loads(kept))
    return None if counted is not None and counted != str(alive.epoch) else alive


def _read(services: Services, user_id: str, sid: str) -> str:
    """Return what the database knows of the session, as it is kept in the cache."""
    with services.db.read() as connection:
        row = connection.execute(live(sid)).first()
    found = row and str(row.user_id) == user_id
    return json.dumps((row.user_id, row.token_epoch, row.username, row.username_key)) if row and found else _ENDED


def _look_up(services: Services, user_id: str, sid: str) -> str:
    text, key = _read(services, user_id, sid), _session(user_id, sid)
    if text == _ENDED:  # not kept: its epoch may be over, and it be renewed the next moment
        return text
    if services.cache.set(key, text, KEPT_SECONDS, if_new=True):
        return text
    return services.cache.get(key) or _ENDED  # somebody wrote meanwhile, and knows better


def mark_ended(services: Services, user_id: int, sids: Iterable[str]) -> None:
    """Let no token of these sessions pass any more."""
    for sid in sids:
        services.cache.set(_session(user_id, sid), _ENDED, KEPT_SECONDS)


def forget(services: Services, user_id: int, sid: str) -> None:
    """Let the session be looked up again, since something about it changed; unless somebody ended it meanwhile."""
    services.cache.forget_unless(_session(user_id, sid), _ENDED)


@contextmanager
def counting_up(services: Services, user_id: int, epoch: int) -> Iterator[None]:
    """Let no token of an earlier epoch pass; if what is inside does not succeed, the database decides of each.

    It may have committed, and its word of that was lost.

    Entered inside the transaction that counted up, when it holds the user's row, and left after it: then the marks come
    in the order of the epochs, and nobody takes away another's.
    """
    services.cache.set(_epoch(user_id), str(epoch), KEPT_SECONDS)
    try:
        yield
    except BaseException:
        services.cache.replace_if(_epoch(user_id), str(epoch), _UNSURE, KEPT_SECONDS)
        raise
