"""The outbox: jobs decided on in a transaction, put on the queue after it.

A row is written with whatever needs the job, so that both are there or neither.  `push` puts it on the queue at once;
if that fails, or the process dies in between, `relay` does it later.  The worker deletes the row when the job's effect
is done: a job whose row is gone was done, and a row whose job is gone is put again.  Redis may be wiped and nothing
is lost.

This file knows rows and jobs; it does not know what a job does.
"""

import json
import logging
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from dada.oauth import new_secret
from shop.services import MAIL, OUTAGES, Services
from shop.tables import outbox

__all__ = ["is_due", "push", "put", "relay", "remove", "settle"]

_log = logging.getLogger("shop.outbox")

FRESH_MS = 1_000  # a row this young is being pushed by the one who wrote it
LOST_MS = 300_000  # a row pushed this long ago and still here: its job may have gone with Redis
_AT_ONCE = 100


def put(tx: Connection, services: Services, task: str, **args: Any) -> str:
    """Write a job into the transaction *tx*, and return its id, for `push` after the commit."""
    job_id = new_secret()[:32]
    tx.execute(
        insert(outbox).values(id=job_id, queue=MAIL, task=task, args=json.dumps(args), created_at=services.now_ms)
    )
    return job_id


def push(services: Services, *job_ids: str) -> None:
    """Put committed jobs on the queue now.  A failure is no failure: `relay` comes later."""
    if not job_ids:
        return
    try:
        _send(services, outbox.c.id.in_(job_ids))
    except OUTAGES as error:
        _log.warning("left to the relay: %s", type(error).__name__)


def relay(services: Services) -> int:
    """Put on the queue whatever was left behind, and return how many jobs that were.

    Several may do it at once: a job has its row's id, and is not put twice while it waits or runs.
    """
    now = services.now_ms
    left = outbox.c.pushed_at.is_(None) & (outbox.c.created_at < now - FRESH_MS)
    lost = outbox.c.pushed_at < now - LOST_MS
    return _send(services, left | lost)


def _send(services: Services, which: ColumnElement[bool]) -> int:
    # No transaction is open while Redis is asked: it may take its time.
    with services.db.read() as connection:
        rows = connection.execute(select(outbox).where(which).order_by(outbox.c.created_at).limit(_AT_ONCE)).all()
    for row in rows:
        services.queue.put(row.task, id=row.id, **json.loads(row.args))
    if rows:
        with services.db.write() as tx:
            pushed = update(outbox).where(outbox.c.id.in_([row.id for row in rows]))
            tx.execute(pushed.values(pushed_at=services.now_ms))
    return len(rows)


def is_due(services: Services, job_id: str) -> bool:
    """Whether the job is still to be done: its row is there."""
    with services.db.read() as connection:
        return connection.execute(select(outbox.c.id).where(outbox.c.id == job_id)).first() is not None


def remove(tx: Connection, job_id: str) -> bool:
    """Delete the job's row in the transaction of its effect; False if somebody did it before: then roll back."""
    return tx.execute(delete(outbox).where(outbox.c.id == job_id)).rowcount == 1


def settle(services: Services, job_id: str) -> None:
    """Delete the row of a job whose effect is outside the database, and done."""
    with services.db.write() as tx:
        remove(tx, job_id)
