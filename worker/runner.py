"""A runner: one thread that does one job after the other.

    claim → run → done | again | bury

Each has a name of its own in the register of workers, so that it is alive or dead by itself.  Whatever goes down,
Redis or the database, it waits and goes on; what it had in hand when it is told to stop it finishes, what it had not
begun it gives back.

This file knows jobs and their fates; what they do is in the files beside it.
"""

import logging
import random
import threading
import time
from collections import Counter
from collections.abc import Mapping
from typing import Final

from dada.errors import Misuse, Problem, Rejected
from dada.queue import Job, Queue
from dada.queue_weights import Weighted
from shop.metrics import Metrics
from shop.outbox import AlreadyDone
from shop.post import Undeliverable
from shop.services import OUTAGES, Services
from worker.limits import Cancelled, Limit, Stopped, TakenForDead, TooLong
from worker.tasks import Task

__all__ = ["Runner", "backoff"]

_log = logging.getLogger("worker")

FIRST_DELAY: Final = 2.0  # seconds before the first retry, at most; doubled each time
LONGEST_DELAY: Final = 3600.0
WAIT: Final = 1.0


def backoff(tries: int) -> float:
    """Return the seconds to wait after the failure number *tries* + 1: any up to a bound that doubles (full jitter)."""
    return random.uniform(0, min(LONGEST_DELAY, FIRST_DELAY * 2 ** min(tries, 60)))  # noqa: S311 no secret depends on it


def _told(error: BaseException) -> str:
    """Return what *error* says, as a text that can be written: it may quote a file's name, or fail to say anything."""
    try:
        words = str(error)
    except Exception:  # noqa: BLE001 whatever it is
        words = "it does not say what"
    return f"{type(error).__name__}: {words}".encode("utf-8", "backslashreplace").decode()


class Runner:
    """One thread's work: *name* in the register, *queues* by weight, until *stopping*."""

    def __init__(
        self,
        name: str,
        services: Services,
        jobs: Mapping[str, Task],
        queues: Weighted,
        stopping: threading.Event,
        metrics: Metrics | None = None,
    ) -> None:
        self.name, self.stopping, self.limit = name, stopping, Limit()
        self.current: tuple[Queue, Job] | None = None
        self.tally: Counter[tuple[str, str]] = Counter()  # (queue, "task:fate") → how often since it was last read
        self._services, self._jobs, self._queues, self._metrics = services, jobs, queues, metrics

    def run(self) -> None:
        """Work until told to stop, then give back what was not begun."""
        while not self.stopping.is_set():
            try:
                queue, jobs = self._queues.claim(self.name, WAIT)
            except OUTAGES as error:
                self._wait_for(error)
                continue
            for job in jobs:
                if self.stopping.is_set():
                    break
                self._one(queue, job)
        for queue in self._queues.order():
            try:
                queue.leave(self.name)
            except OUTAGES:
                _log.warning("left without a word: what was held comes back by itself")

    def beat(self, queue: Queue) -> None:
        """Give a sign of life, and hear whether the job in hand shall stop; from another thread."""
        current = self.current
        stops = queue.told_to_stop(self.name)
        if current is None or current[0] is not queue or self.current is not current:
            return
        if stops is None:
            self.limit.stop(TakenForDead("its worker was taken for dead"))
        elif current[1].id in stops:
            self.limit.stop(Cancelled("cancelled"))

    def _wait_for(self, error: BaseException) -> None:
        _log.warning("waiting for %s", type(error).__name__, extra={"worker": self.name})
        self.stopping.wait(random.uniform(0.2, 1.0))  # noqa: S311

    def _one(self, queue: Queue, job: Job) -> None:
        """Run one job and decide its fate."""
        began = time.monotonic()
        self.current = (queue, job)
        fate, why = self._fate(job)
        self.current = None
        task = self._jobs.get(job.task)
        if fate == "again" and task and job.tries >= task.retries:
            fate = "bury"
        self._settle(queue, job, fate, why)
        seconds = time.monotonic() - began
        taken = round(seconds * 1000)
        name = job.task if task else "unknown"  # whatever else may stand there is no name of ours
        if self._metrics:
            self._metrics.job(name, fate, seconds)
        self.tally.update({(queue.name, f"{name}:{fate}"): 1, (queue.name, f"{name}:milliseconds"): taken})
        told = {"job": job.id, "task": job.task, "queue": queue.name, "tries": job.tries, "milliseconds": taken}
        told |= {"worker": self.name} | ({"why": why} if why else {})
        _log.log(logging.INFO if fate == "done" else logging.WARNING, fate, extra=told)

    def _fate(self, job: Job) -> tuple[str, str]:
        try:
            self._call(job)
        except (AlreadyDone, TakenForDead) as error:
            return ("done", "its effect was there") if isinstance(error, AlreadyDone) else ("lost", str(error))
        except TooLong:
            return "again", f"TooLong: more than {self._jobs[job.task].seconds:g} s"
        except Stopped as error:
            return "bury", str(error)
        except Undeliverable as error:
            return ("bury" if error.forever else "again"), str(error)
        except (Rejected, Misuse, TypeError) as error:
            return "bury", _told(error)
        except BaseException as error:  # noqa: BLE001 whatever it is, `sys.exit` too, it must not end the loop
            return "again", _told(error)
        return "done", ""

    def _call(self, job: Job) -> None:
        task = self._jobs.get(job.task)
        if task is None:
            raise Misuse([Problem("task-unknown", job.task, "", "no such task", "one of JOBS")])
        self.limit.run(task.seconds, lambda: task.run(self._services, job, **job.args))

    def _settle(self, queue: Queue, job: Job, fate: str, why: str) -> None:
        """Tell the queue, however long Redis is away: a job that is settled twice is settled once."""
        delay = backoff(job.tries)
        while fate != "lost":
            try:
                if fate == "done":
                    queue.acknowledge(self.name, job)
                    return
                held = queue.again(self.name, job, delay, why) if fate == "again" else queue.bury(self.name, job, why)
            except OUTAGES as error:
                if self.stopping.is_set():
                    return
                self._wait_for(error)
                continue
            except Misuse as error:  # it was put by somebody else, in a spelling that ours of it is longer than
                fate, why = "bury", f"{why}; {error}"
                continue
            if not held:
                _log.warning("no longer held", extra={"job": job.id, "worker": self.name})
            return
