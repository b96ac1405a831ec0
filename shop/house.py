"""Housekeeping: rows that nobody will ask for again.

This file knows how long a row is of use; it does not know when it is called.
"""

from typing import Final

from sqlalchemy import ColumnElement, Connection, and_, delete, exists, func, select

from shop import accounts
from shop.services import Services
from shop.tables import one_time_tokens, sessions, users

__all__ = ["forget_expired"]

_DAY_MS: Final = 24 * 3_600_000
_KEPT_MS: Final = _DAY_MS  # after its end a row is kept for a day, for whoever looks into what happened


def forget_expired(services: Services) -> int:
    """Delete tokens of letters and sessions that ended a day ago, and accounts that nobody activated.

    Return how many rows that were.
    """
    before = services.now_ms - _KEPT_MS
    with services.db.write() as tx:
        ended = sum(tx.execute(delete(table).where(table.c.expires_at < before)).rowcount
                    for table in (one_time_tokens, sessions))  # fmt: skip
    for user_id in _abandoned(services):
        with services.db.write() as tx:
            ended += _forget(tx, services, user_id)
    return ended


def _abandoned(services: Services) -> list[int]:
    """Return whose accounts nobody activated.

    The newest account of all stays: SQLite would give its number to the next, and with it its events.
    """
    newest = select(func.max(users.c.id)).scalar_subquery()
    query = select(users.c.id).where(_is_abandoned(services), users.c.id < newest).order_by(users.c.id)
    with services.db.read() as connection:
        return list(connection.execute(query).scalars())


def _is_abandoned(services: Services) -> ColumnElement[bool]:
    """Whoever registered a week ago, and has no letter that could still activate the account."""
    now = services.now_ms
    may_come = exists().where(one_time_tokens.c.user_id == users.c.id, one_time_tokens.c.expires_at > now)
    return and_(users.c.state == "pending", users.c.created_at < now - accounts.PENDING_MS, ~may_come)


def _forget(tx: Connection, services: Services, user_id: int) -> int:
    """Delete an account, unless somebody activated it meanwhile; return how many that were."""
    if accounts.lock(tx, user_id) is None:
        return 0
    return tx.execute(delete(users).where(users.c.id == user_id, _is_abandoned(services))).rowcount
