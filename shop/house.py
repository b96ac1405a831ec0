"""Housekeeping: rows that nobody will ask for again.

This file knows how long a row is of use; it does not know when it is called.
"""

from typing import Final

from sqlalchemy import delete

from shop.services import Services
from shop.tables import one_time_tokens, sessions

__all__ = ["forget_expired"]

_KEPT_MS: Final = 24 * 3_600_000  # after its end a row is kept for a day, for whoever looks into what happened


def forget_expired(services: Services) -> int:
    """Delete tokens of letters and sessions that ended a day ago; return how many rows that were."""
    before = services.now_ms - _KEPT_MS
    with services.db.write() as tx:
        return sum(tx.execute(delete(table).where(table.c.expires_at < before)).rowcount
                   for table in (one_time_tokens, sessions))  # fmt: skip
