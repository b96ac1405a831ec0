"""The loop: claim → run → done | again | bury.

One thread runs jobs, one gives signs of life on a connection of its own, so that a long job does not look like a dead
worker.  Whatever goes down, Redis or the database, the loop waits and goes on; whoever stops it waits for the job in
hand and no longer, what was not begun is given back.

This file knows jobs and their fates; what they do is in the files beside it.
"""

import inspect
import logging
import os
import random
import secrets
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final, NamedTuple

from dada.errors import Misuse, Problem, Rejected
from dada.queue import Job
from shop import outbox
from shop.metrics import Metrics
from shop.post import Undeliverable
from shop.services import OUTAGES, Services

__all__ = ["Loop", "Task", "TooLong"]

_log = logging.getLogger("worker")

FIRST_DELAY: Final = 2.0  # seconds before the first retry, at most; doubled each time
LONGEST_DELAY: Final = 3600.0
BEAT_SECONDS: Final = 3.0  # a third of the grace, so that two beats may be lost
_RELAY_EVERY: Final = 1.0
_WAIT: Final = 1.0


class TooLong(Exception):
    """A job took more than its time."""


class Task(NamedTuple):
    """A line of JOBS: what to call, how many failures are forgiven, and how long one run may take."""

    run: Callable[..., None]
    retries: int
    seconds: float


def backoff(tries: int) -> float:
    """Return the seconds to wait after the failure number *tries* + 1: any up to a bound that doubles (full jitter)."""
    return random.uniform(0, min(LONGEST_DELAY, FIRST_DELAY * 2**tries))  # noqa: S311 no secret depends on it


class Loop:
    """Runs the jobs of one queue until it is told to stop.  Raise :exc:`Misuse` for a table that cannot be right."""

    def __init__(self, services: Services, jobs: Mapping[str, Task]) -> None:
        self.worker = f"{socket.gethostname()[:40]}-{os.getpid()}-{secrets.token_hex(4)}"
        self.stopping = threading.Event()
        self._services, self._jobs = services, jobs
        folder = services.settings.metrics_dir
        self._metrics = Metrics(folder) if folder else None
        self._relayed = 0.0
        problems = [
            Problem(
                "task-signature",
                name,
                "",
                "a task takes the services, the job, and keywords",
                "def f(services, job, *, …)",
            )
            for name, task in jobs.items()
            if [parameter.kind for parameter in inspect.signature(task.run).parameters.values()][:2] != [_PLAIN, _PLAIN]
        ]
        if problems:
            raise Misuse(problems)

    def stop(self, *_: Any) -> None:
        """Stop after the job in hand.  Asked twice, stop at once: what is held comes back after the grace."""
        if self.stopping.is_set():
            os._exit(1)
        self.stopping.set()

    def run(self) -> None:
        """Work until told to stop."""
        beat = threading.Thread(target=self._beat, name="beat", daemon=True)
        beat.start()
        _log.info("ready", extra={"worker": self.worker})
        while not self.stopping.is_set():
            try:
                self._relay()
                for job in self._services.queue.claim(self.worker, 1, _WAIT):
                    self._one(job)
            except OUTAGES as error:
                _log.warning("waiting for %s", type(error).__name__, extra={"worker": self.worker})
                self.stopping.wait(random.uniform(0.2, 1.0))  # noqa: S311
        try:
            self._services.queue.leave(self.worker)
        except OUTAGES:
            _log.warning("left without a word: what was held comes back by itself")
        _log.info("stopped", extra={"worker": self.worker})

    def _beat(self) -> None:
        while not self.stopping.wait(BEAT_SECONDS):
            try:
                if not self._services.queue.beat(self.worker):
                    _log.warning("taken for dead", extra={"worker": self.worker})
            except OUTAGES:
                continue  # the loop says so

    def _relay(self) -> None:
        if time.monotonic() - self._relayed >= _RELAY_EVERY:
            self._relayed = time.monotonic()
            if count := outbox.relay(self._services):
                _log.info("relayed %d jobs", count, extra={"worker": self.worker})

    def _one(self, job: Job) -> None:
        """Run one job and decide its fate."""
        began = time.monotonic()
        fate, why = "done", ""
        try:
            self._call(job)
        except Undeliverable as error:
            fate, why = ("bury" if error.forever else "again"), str(error)
        except (Rejected, Misuse, TypeError) as error:
            fate, why = "bury", f"{type(error).__name__}: {error}"
        except Exception as error:  # noqa: BLE001 whatever it is, it must not end the loop
            fate, why = "again", f"{type(error).__name__}: {error}"
        task = self._jobs.get(job.task)
        if fate == "again" and task and job.tries >= task.retries:
            fate = "bury"
        self._settle(job, fate, why)
        seconds = time.monotonic() - began
        if self._metrics:
            self._metrics.job(job.task if task else "unknown", fate, seconds)
        taken = round(seconds * 1000)
        told = {"job": job.id, "task": job.task, "tries": job.tries, "milliseconds": taken, "worker": self.worker}
        _log.log(logging.INFO if fate == "done" else logging.WARNING, fate, extra=told | ({"why": why} if why else {}))

    def _call(self, job: Job) -> None:
        task = self._jobs.get(job.task)
        if task is None:
            raise Misuse([Problem("task-unknown", job.task, "", "no such task", "one of JOBS")])
        with _time_limit(task.seconds):
            task.run(self._services, job, **job.args)

    def _settle(self, job: Job, fate: str, why: str) -> None:
        queue = self._services.queue
        if fate == "done":
            held = queue.done(self.worker, job)
        elif fate == "again":
            held = queue.again(self.worker, job, backoff(job.tries), why)
        else:
            held = queue.bury(self.worker, job, why)
        if not held:
            _log.warning("no longer held", extra={"job": job.id, "worker": self.worker})


_PLAIN = inspect.Parameter.POSITIONAL_OR_KEYWORD


@contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """Raise :exc:`TooLong` inside after *seconds*; only the main thread can be interrupted."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def too_long(_: int, __: FrameType | None) -> None:
        raise TooLong(f"more than {seconds:g} s")

    before = signal.signal(signal.SIGALRM, too_long)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
