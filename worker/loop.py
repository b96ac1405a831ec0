"""A worker process: runners, and what they need around them.

    runners   threads that do jobs; the first is the thread that calls `run`
    beat      signs of life, on a connection of its own, so that a long job does not look like a dead worker
    house     every second: the outbox's relay, due schedules, the figures for whoever watches
    watch     time limits; a job that does not listen, and a stop that takes too long, end the process

This file knows threads; what becomes of a job is in `runner.py`.
"""

import logging
import os
import secrets
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final

from dada.queue_weights import Weighted
from shop import outbox
from shop.metrics import Metrics
from shop.services import OUTAGES, Services
from worker import limits
from worker.runner import Runner
from worker.tasks import Schedule, Task, batches, prove

__all__ = ["Loop", "Schedule", "Task"]

_log = logging.getLogger("worker")

HOUSE_SECONDS: Final = 1.0
WATCH_SECONDS: Final = 0.1
STUBBORN_SECONDS: Final = 10.0  # a job that was told to stop and goes on for so long is ended with its process


class Loop:
    """Runs jobs until it is told to stop.

    jobs       the tasks, by name
    weights    the queues to serve, and how much more often one comes first than another
    schedules  tasks that come by themselves
    threads    how many jobs run at once
    stop_seconds  how long a job may go on after the first `stop`

    Raise :exc:`Misuse` for a table that cannot be right, and from `run` for a Redis that cannot keep jobs.
    """

    def __init__(
        self,
        services: Services,
        jobs: Mapping[str, Task],
        weights: Mapping[str, float] | None = None,
        schedules: Mapping[str, Schedule] | None = None,
        *,
        threads: int = 1,
        stop_seconds: float = 25.0,
    ) -> None:
        weights = dict.fromkeys((task.queue for task in jobs.values()), 1) if weights is None else weights
        schedules = schedules or {}
        prove(jobs, weights, schedules)
        self.worker = f"{socket.gethostname()[:40]}-{os.getpid()}-{secrets.token_hex(4)}"
        self.stopping = threading.Event()
        self._ended = threading.Event()
        self._deadline, self._stop_seconds, self._parent = 0.0, stop_seconds, os.getppid()
        self._services, self._jobs, self._schedules = services, jobs, schedules
        self._queues = [services.queue_named(name) for name in weights]
        weighted = Weighted([(queue, weights[queue.name]) for queue in self._queues], limits=batches(jobs))
        names = [self.worker] + [f"{self.worker}.{number}" for number in range(1, threads)]
        folder = services.settings.metrics_dir
        metrics = Metrics(folder) if folder else None
        self._runners = [Runner(name, services, jobs, weighted, self.stopping, metrics) for name in names]
        self._broken: BaseException | None = None

    def stop(self, *_: Any) -> None:
        """Stop after the jobs in hand.  Asked twice, stop at once: what is held comes back after the grace."""
        if self.stopping.is_set():
            os._exit(1)
        self._deadline = time.monotonic() + self._stop_seconds
        self.stopping.set()

    def run(self) -> None:
        """Work until told to stop."""
        first, *others = self._runners
        if threading.current_thread() is threading.main_thread():
            signal.signal(limits.SIGNAL, first.limit.heard)
        self._prepare()
        beats = min(queue.grace for queue in self._queues) / 3
        for name, seconds, work in (
            ("beat", beats, self._beat), ("house", HOUSE_SECONDS, self._house), ("watch", WATCH_SECONDS, self._watch),
        ):  # fmt: skip
            threading.Thread(target=self._repeat, args=(seconds, work), name=name, daemon=True).start()
        threads = [threading.Thread(target=self._run, args=(runner,), name=runner.name) for runner in others]
        for thread in threads:
            thread.start()
        _log.info("ready", extra={"worker": self.worker})
        self._run(first)
        for thread in threads:
            thread.join()
        self._ended.set()
        self._write_figures()
        _log.info("stopped", extra={"worker": self.worker})
        if self._broken:
            raise self._broken

    def _run(self, runner: Runner) -> None:
        try:
            runner.run()
        except BaseException as error:  # noqa: BLE001 told by `run`
            self._broken = error
            self._deadline = time.monotonic() + self._stop_seconds
            self.stopping.set()

    def _prepare(self) -> None:
        """Look at the Redis that keeps the jobs, and tell it the rates; wait for it if it is away."""
        while not self.stopping.is_set():
            try:
                servers = self._queues[0].examine()
                for name, task in self._jobs.items():
                    self._services.queue_named(task.queue).limit(name, task.per_second, task.burst)
            except OUTAGES as error:
                _log.warning("waiting for %s", type(error).__name__, extra={"worker": self.worker})
                self.stopping.wait(0.5)
                continue
            for server in servers:
                keeps = server.persistence.startswith("append-only")
                _log.log(logging.INFO if keeps else logging.WARNING, "redis %s: %s", server.version, server.persistence)
            return

    # --- around the runners ---

    def _repeat(self, seconds: float, work: Callable[[], None]) -> None:
        while not self._ended.wait(seconds):
            try:
                work()
            except OUTAGES:
                continue  # the runners say so
            except Exception:  # noqa: BLE001
                _log.exception("this must not happen, and ends nothing")

    def _beat(self) -> None:
        for runner in self._runners:
            for queue in self._queues:
                runner.beat(queue)

    def _house(self) -> None:
        if os.getppid() != self._parent and not self.stopping.is_set():  # who watched over us was killed
            _log.warning("left alone", extra={"worker": self.worker})
            self.stop()
        self._write_figures()
        for name, schedule in self._schedules.items():
            queue = self._services.queue_named(self._jobs[schedule.task].queue)
            if job_id := queue.fire(name, schedule.when, schedule.task):
                _log.info("due", extra={"job": job_id, "task": schedule.task, "worker": self.worker})
        if count := outbox.relay(self._services):
            _log.info("relayed %d jobs", count, extra={"worker": self.worker})

    def _write_figures(self) -> None:
        for runner in self._runners:
            figures, runner.tally = runner.tally, Counter()
            for queue in self._queues:
                try:
                    queue.tally({name: count for (where, name), count in figures.items() if where == queue.name})
                except OUTAGES:  # another time; what other queues have heard by now is not told twice
                    runner.tally.update({key: count for key, count in figures.items() if key[0] == queue.name})

    def _watch(self) -> None:
        for runner in self._runners:
            if runner.limit.watch() > STUBBORN_SECONDS:
                _log.critical("a job does not stop: its process ends, and it comes back", extra={"worker": runner.name})
                os._exit(1)
        if self.stopping.is_set() and time.monotonic() > self._deadline:
            _log.critical("stopped in the middle of a job: it comes back", extra={"worker": self.worker})
            os._exit(1)
