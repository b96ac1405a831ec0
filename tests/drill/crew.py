"""A worker of the drill: the project's own loop with one job, whose effect is a row.  `python -m tests.drill.crew`

The settings come from the environment, as a worker's do; the grace is short, so that much happens in little time.
"""

import os
import signal
import sys
import time
from dataclasses import replace
from typing import Any

from sqlalchemy import BigInteger, Column, Integer, MetaData, String, Table, insert

from dada.queue import Job, Queue
from shop import logs, outbox
from shop.services import MAIL, Services, connect
from shop.settings import Settings
from worker import runner
from worker.loop import Loop, Task

__all__ = ["GRACE", "TASK", "effects", "orders", "services_of"]

GRACE = 2.0  # seconds
TASK = "drill.work"

metadata = MetaData()
orders = Table(
    "drill_orders",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("job", String(32)),
)
effects = Table(  # without a key: what happens twice shall be seen
    "drill_effects",
    metadata,
    Column("at", BigInteger),
    Column("number", Integer),
    Column("job", String(32)),
    Column("process", Integer),
)


def work(services: Services, job: Job, *, number: int, pause: float, fails: int) -> None:
    """Do what an order asks for: write a row, with the job's row of the outbox, in one transaction."""
    if job.tries < fails:
        raise RuntimeError("this order fails at first")
    time.sleep(pause)
    with outbox.once(services, job.id) as tx:
        row = {"at": services.now_ms, "number": number, "job": job.id, "process": os.getpid()}
        tx.execute(insert(effects).values(row))


def services_of(environ: Any) -> Services:
    """Return services with the short grace; a job may be near as many crashes as there are."""
    services = connect(Settings.read(environ))
    return replace(services, queue=Queue(services.redis, MAIL, grace=GRACE, max_crashes=10**6))


def main() -> int:
    """Work until told to stop."""
    logs.configure("worker")
    runner.FIRST_DELAY, runner.LONGEST_DELAY = 0.2, 1.0
    task = Task(work, retries=10**6, seconds=30, slow=False)  # so that jobs are claimed in batches
    crew = Loop(services_of(os.environ), {TASK: task}, threads=2)
    signal.signal(signal.SIGTERM, crew.stop)
    crew.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
