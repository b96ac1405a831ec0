"""Events: what happened to accounts, who asked for it and how it ended; written once, and never changed.

    id        1, 2, 3 … without a gap
    at        milliseconds since 1970, UTC
    kind      what was asked for: one of KINDS
    outcome   "ok", or the reason of the refusal
    user_id   whose account it is about; None where no account is known
    actor_id  who was logged in; None for nobody
    request   the request's id, as the answer and the logs have it
    network   where from: a prefix, not an address
    agent     the browser: eight hex digits of a hash, enough to tell two apart
    flow      of a log-in elsewhere: eight hex digits of its state's hash, and behind a dot of its code's; "" for none
    mac       HMAC over the row and the row before it

The rows are a chain: whoever changes, takes out or puts in a row without the key breaks it at that place, and whoever
cuts off its end cannot seal the head anew.  The key is in the secrets folder, not in the database.  Two things are seen
only against a mac that was kept elsewhere (each is in the logs; `dada events check --holds`): an older state of both
tables, put back whole, and a chain written anew by who has the key.

A change of an account and its event are one transaction.  A refusal, which changes nothing, has one of its own.

Who asks is known at the edge and of interest here only: it is laid down in a context variable, so that not every
function of the shop has to hand it through.

This file knows rows; what is worth an event is for those to say who do it.
"""

import hashlib
import json
import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Row, insert, select, update

from dada.jwk import Key
from shop.database import Database
from shop.keyring import lasting_key
from shop.services import Services
from shop.tables import event_head, events

__all__ = [
    "KINDS",
    "Break",
    "Origin",
    "asked_by",
    "broken",
    "fingerprint",
    "happened",
    "holds",
    "in_flow",
    "is_new_device",
    "note",
    "of_user",
    "write",
]

_log = logging.getLogger("shop.events")

KINDS: Final = frozenset({
    "access", "activation", "bind", "disable", "enable", "expel", "lock", "login", "limit", "logout", "logout-all",
    "password-change", "password-reset", "refresh", "register", "resend", "reset-asked", "ticket", "token.reuse",
    "unbind",
})  # fmt: skip
_FIELDS: Final = ("id", "at", "kind", "outcome", "user_id", "actor_id", "request", "network", "agent")
_AT_ONCE: Final = 1000
_NUMBERS: Final = re.compile(r"[\d._]+")


class Origin(NamedTuple):
    """Where a request comes from: its id, the network, the browser's own words, and who is logged in."""

    request: str = ""
    network: str = ""
    user_agent: str = ""
    actor_id: int | None = None


_NOBODY: Final = Origin()
_flow: ContextVar[str] = ContextVar("flow", default="")
_asked: ContextVar[Callable[[], Origin]] = ContextVar("asked", default=lambda: _NOBODY)


def asked_by(origin: Callable[[], Origin]) -> None:
    """From now on, in this thread's context, *origin* tells where requests come from; called when it is needed."""
    _asked.set(origin)


@contextmanager
def in_flow(flow: str) -> Iterator[None]:
    """What happens inside belongs to this log-in elsewhere; *flow* is as the events keep it."""
    before = _flow.set(flow)
    try:
        yield
    finally:
        _flow.reset(before)


def fingerprint(user_agent: str) -> str:
    """Return what is kept of a browser's words: the same before and after an update; "" for no words."""
    words = _NUMBERS.sub("", user_agent).encode("utf-8", "replace")
    return hashlib.sha256(words).hexdigest()[:8] if words else ""


def write(
    tx: Connection,
    services: Services,
    kind: str,
    user_id: int | None,
    outcome: str = "ok",
    *,
    actor_id: int | None = None,
    user_agent: str | None = None,
) -> None:
    """Add an event in the transaction *tx*, as its last step: the head of the chain is locked until it commits.

    actor_id, user_agent  where they are known better than the origin tells them
    """
    if kind not in KINDS:
        raise ValueError(kind)
    origin = _asked.get()()
    head = tx.execute(select(event_head).with_for_update()).one()
    row: dict[str, Any] = {
        "id": head.last + 1,
        "at": services.now_ms,
        "kind": kind,
        "outcome": outcome,
        "user_id": user_id,
        "actor_id": origin.actor_id if actor_id is None else actor_id,
        "request": origin.request[:64],
        "network": origin.network[:64],
        "agent": fingerprint(origin.user_agent if user_agent is None else user_agent),
        "flow": _flow.get(),
    }
    key = lasting_key(services.settings.lasting_secret, "events")
    mac = _mac(key, head.mac, row)
    tx.execute(insert(events).values(**row, mac=mac))
    tx.execute(update(event_head).values(last=row["id"], mac=mac, seal=_seal(key, row["id"], mac)))
    _log.info("%s: %s", kind, outcome, extra={"request": origin.request, "event": row["id"], "mac": mac.hex()[:16]})


def is_new_device(tx: Connection, user_id: int, user_agent: str) -> bool:
    """Whether a user logged in before, and never from such a browser."""
    before = select(events.c.agent).where(
        events.c.user_id == user_id, events.c.kind == "login", events.c.outcome == "ok"
    )
    known = before.where(events.c.agent == fingerprint(user_agent))
    return tx.execute(before.limit(1)).first() is not None and tx.execute(known.limit(1)).first() is None


def happened(tx: Connection, user_id: int, kind: str) -> bool:
    """Whether this ever happened to a user, and was not refused."""
    mine = (events.c.user_id == user_id) & (events.c.kind == kind) & (events.c.outcome == "ok")
    return tx.execute(select(events.c.id).where(mine).limit(1)).first() is not None


def note(services: Services, kind: str, user_id: int | None, outcome: str, *, actor_id: int | None = None) -> None:
    """Add an event in a transaction of its own: for what was refused."""
    with services.db.write() as tx:
        write(tx, services, kind, user_id, outcome, actor_id=actor_id)


def _seal(key: Key, last: int, mac: bytes) -> bytes:
    """Return what only who has the key can say: that the chain ends here.  A chain without rows needs none."""
    return key.mac(b"head %d " % last + mac) if last else bytes(32)


def _mac(key: Key, previous: bytes, row: dict[str, Any]) -> bytes:
    members = [row[name] for name in _FIELDS] + ([row["flow"]] if row["flow"] else [])  # older rows have none
    told = json.dumps(members, ensure_ascii=False, separators=(",", ":"))
    return key.mac(previous + told.encode())


def of_user(services: Services, user_id: int, limit: int, before: int | None = None) -> list[Row[Any]]:
    """Return the latest *limit* events of a user, the newest first; with *before*, those that are older than it."""
    mine = select(events).where(events.c.user_id == user_id).order_by(events.c.id.desc()).limit(limit)
    if before is not None:
        mine = mine.where(events.c.id < before)
    with services.db.read() as connection:
        return list(connection.execute(mine).all())


class Break(NamedTuple):
    """A place where the chain is broken: the event's number, and what is wrong there."""

    id: int
    why: str


def broken(db: Database, lasting_secret: bytes, told: Callable[[int], None] = lambda _: None) -> Iterator[Break]:
    """Yield every place where the chain is broken; *told* is called with each number that was looked at.

    After a break the chain is followed from the row that was found, so that one change is one break.  Rows that are
    written meanwhile are no break: the head is looked at before the rows and after them.
    """
    key, previous, number = lasting_key(lasting_secret, "events"), bytes(32), 0
    with db.read() as connection:
        before = connection.execute(select(event_head)).one_or_none()
    while rows := _after(db, number):
        for row in rows:
            if row.id != number + 1:
                yield Break(number + 1, f"missing, up to {row.id - 1}" if row.id > number + 2 else "missing")
            elif _mac(key, previous, {name: getattr(row, name) for name in (*_FIELDS, "flow")}) != row.mac:
                yield Break(row.id, "not what was written")
            if before is not None and row.id == before.last and row.mac != before.mac:
                yield Break(row.id, "the head is of another chain")
            previous, number = row.mac, row.id
            told(number)
    with db.read() as connection:
        after = connection.execute(select(event_head)).one_or_none()
    if before is None or after is None:
        yield Break(number, "the head of the chain is missing")
        return
    if number < before.last or number > after.last:
        yield Break(number, f"the chain ends at {number}, and its head says {after.last}")
    if any(head.seal != _seal(key, head.last, head.mac) for head in {before, after}):
        yield Break(after.last, "the head is not sealed by us")


def _after(db: Database, number: int) -> list[Row[Any]]:
    rows = select(events).where(events.c.id > number).order_by(events.c.id).limit(_AT_ONCE)
    with db.read() as connection:
        return list(connection.execute(rows).all())


def holds(db: Database, number: int, mac: str) -> bool:
    """Whether the event *number* still has the mac, or its beginning, that was noted elsewhere."""
    with db.read() as connection:
        kept = connection.execute(select(events.c.mac).where(events.c.id == number)).scalar()
    return kept is not None and len(mac) >= 8 and kept.hex().startswith(mac.lower())
