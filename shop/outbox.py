"""The outbox: jobs decided on in a transaction, put on the queue after it.

    with services.db.write() as tx:
        …                                                  # what needs the job
        outbox.put(tx, services, "mail.activation", user=7)     # on the queue when this is committed, or never

A row is written with whatever needs the job, so that both are there or neither.  After the commit the job is put on
the queue at once; if that fails, or the process dies in between, `relay` does it later.  The worker deletes the row
when the job's effect is done, and where the effect is in the database, in the same transaction (`once`): a job whose
row is gone was done, and a row whose job is gone is put again.  Redis may be wiped and nothing is lost.

Jobs are put here without a delay and without a key of their own: nothing in the shop asks for one, and what must not be
there twice is a row of the caller's, in the same transaction.

This file knows rows and jobs; it does not know what a job does.
"""

import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from dada import queue_jobs
from dada.errors import DadaError, Misuse
from dada.oauth import new_secret
from shop.services import MAIL, Services
from shop.tables import outbox

__all__ = ["AlreadyDone", "is_due", "once", "push", "put", "relay", "remove", "settle"]

_log = logging.getLogger("shop.outbox")

FRESH_MS = 1_000  # a row this young is being pushed by the one who wrote it
LOST_MS = 300_000  # a row pushed this long ago and still here: its job may have gone with Redis
_AT_ONCE = 500
_ROUNDS = 20


class AlreadyDone(DadaError):
    """The job's effect is there: its row is gone."""


def put(tx: Connection, services: Services, task: str, /, *, queue: str = MAIL, **args: Any) -> str:
    """Write a job into the transaction *tx*, and return its id.  It is on the *queue* after the commit.

    Raise :exc:`Misuse` for what is no job: now, while the transaction can still be rolled back.
    """
    job_id = new_secret()[:32]
    services.queue_named(queue)
    queue_jobs.write(job_id, task, args, 0, f"id:{job_id}")
    tx.execute(
        insert(outbox).values(id=job_id, queue=queue, task=task, args=json.dumps(args), created_at=services.now_ms)
    )
    services.db.after_commit(tx, lambda: push(services, job_id))
    return job_id


def push(services: Services, *job_ids: str) -> None:
    """Put committed jobs on their queues now.  A failure is no failure: `relay` comes later."""
    try:
        _send(services, outbox.c.id.in_(job_ids))
    except Exception as error:  # noqa: BLE001 whatever it is, what was committed stands, and the row is there
        _log.warning("left to the relay: %s", type(error).__name__)


def relay(services: Services) -> int:
    """Put on their queues whatever was left behind, and return how many rows that were.

    Several may do it at once: a job has its row's id, and is not put twice while it waits, runs or is dead.
    """
    now, count = services.now_ms, 0
    left = outbox.c.pushed_at.is_(None) & (outbox.c.created_at < now - FRESH_MS)
    lost = outbox.c.pushed_at < now - LOST_MS
    for _ in range(_ROUNDS):  # not for ever: whoever calls this has more to do
        sent = _send(services, left | lost)
        count += sent
        if sent < _AT_ONCE:
            break
    return count


def _send(services: Services, which: ColumnElement[bool]) -> int:
    # No transaction is open while Redis is asked: it may take its time.
    with services.db.read() as connection:
        rows = connection.execute(select(outbox).where(which).order_by(outbox.c.created_at).limit(_AT_ONCE)).all()
    for name in {row.queue for row in rows}:
        mine = [row for row in rows if row.queue == name]
        try:
            _enqueue(services, name, mine)
        except (Misuse, ValueError):  # one of them is no job: it must not keep the others here
            for row in mine:
                try:
                    _enqueue(services, name, [row])
                except (Misuse, ValueError) as error:
                    _log.error("a row of the outbox is no job: %s", type(error).__name__, extra={"job": row.id})
    if rows:
        with services.db.write() as tx:
            pushed = update(outbox).where(outbox.c.id.in_([row.id for row in rows]))
            tx.execute(pushed.values(pushed_at=services.now_ms))
    return len(rows)


def _enqueue(services: Services, name: str, rows: Sequence[Any]) -> None:
    services.queue_named(name).put_once([(row.id, row.task, json.loads(row.args)) for row in rows])


@contextmanager
def once(services: Services, job_id: str) -> Iterator[Connection]:
    """Give the transaction of a job's effect; the job's row goes in it, so that the effect is there once.

    Raise :exc:`AlreadyDone` if the row is gone: somebody did it before.  Who does it at the same moment is waited for.
    Only for jobs that were put here.
    """
    with services.db.write() as tx:
        if not remove(tx, job_id):
            raise AlreadyDone(job_id)
        yield tx


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
