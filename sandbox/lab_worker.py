"""A worker for the queue lab: `python -m sandbox.lab_worker --queue lab-… --name w1`, on REDIS_URL.

It is a process, so that it can be killed.  Its tasks are made to go wrong in the ways that jobs do:

    work     takes its time, and is done
    flaky    fails twice, then is done
    fail     fails for ever: given up after three tries
    poison   kills its worker

This file knows how jobs go wrong; what becomes of them is decided in `dada/queue.py`.
"""

import argparse
import os
import signal
import sys
import threading
from collections.abc import Sequence
from typing import Final

from dada.queue import Job, Queue
from shop.services import redis_client

__all__ = ["CRASHES", "GRACE", "TASKS", "main"]

GRACE: Final = 3.0  # seconds of silence after which a worker is dead: short, for who watches
CRASHES: Final = 1  # workers that may die of one job
TRIES: Final = 2
TASKS: Final = ("work", "flaky", "fail", "poison")
BEAT_SECONDS: Final = 0.5


class _Worker:
    def __init__(self, queue: Queue, name: str) -> None:
        self._queue, self._name = queue, name
        self.stopping = threading.Event()

    def run(self) -> None:
        """Work until told to stop."""
        threading.Thread(target=self._beat, daemon=True).start()
        while not self.stopping.is_set():
            for job in self._queue.claim(self._name, 1, 0.5):
                self._one(job)
        self._queue.leave(self._name)

    def _beat(self) -> None:
        while not self.stopping.wait(BEAT_SECONDS):
            self._queue.beat(self._name)

    def _one(self, job: Job) -> None:
        seconds = job.args.get("seconds")
        self.stopping.wait(min(float(seconds), 30.0) if isinstance(seconds, int | float) else 1.0)
        if job.task == "poison":
            os.kill(os.getpid(), signal.SIGKILL)
        elif job.task == "fail" or (job.task == "flaky" and job.tries < TRIES):
            if job.tries >= TRIES:
                self._queue.bury(self._name, job, f"failed {job.tries + 1} times")
            else:
                self._queue.again(self._name, job, 1.5 * 2**job.tries, "it failed on purpose")
        elif job.task in TASKS:
            self._queue.done(self._name, job)
        else:
            self._queue.bury(self._name, job, "there is no such task")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a worker until a signal ends it; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.lab_worker", description="A worker for the queue lab.")
    parser.add_argument("--queue", required=True)
    parser.add_argument("--name", required=True)
    given = parser.parse_args(arguments)
    client = redis_client(os.environ["REDIS_URL"])
    worker = _Worker(Queue(client, given.queue, grace=GRACE, max_crashes=CRASHES), given.name)
    signal.signal(signal.SIGTERM, lambda *_: worker.stopping.set())
    worker.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
