"""Figures of what the processes do, for Prometheus: the only door to prometheus-client.

Several processes serve the API and several work.  Each counts into files of its own in one folder (METRICS_DIR, best in
memory: a file is a few KiB and is written to as memory is); who reads adds them up.  Nothing is asked over the network
while a request is answered, and no figure is lost with the process that counted it.

What nobody counts because it lies somewhere, jobs in lists and rows of the outbox, is looked up by whoever reads.

Labels are words of our own: a route as the table has it, a method that is known, a status.  What a stranger sends never
becomes a label, or anybody could fill the memory of the monitoring with names.

This file knows figures; it does not know HTTP.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from sqlalchemy import func, select

from shop.services import MAIL, OUTAGES, Services
from shop.tables import outbox

__all__ = ["Metrics", "read"]

SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"  # how the library is told where; it reads this when a figure is made


class Metrics:
    """The figures of this process, in *folder*, which is made if it is not there."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.environ[_FOLDER] = str(folder)  # before the library is read: it decides then where figures live
        from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

        given: dict[str, Any] = {"registry": CollectorRegistry()}
        lives: dict[str, Any] = {**given, "multiprocess_mode": "livesum"}  # a dead process has nothing in hand
        timed: dict[str, Any] = {**given, "buckets": SECONDS}
        self._requests = Counter("dada_requests", "Requests answered.", ["method", "route", "status"], **given)
        self._seconds = Histogram("dada_request_seconds", "How long answers took.", ["route"], **timed)
        self._preflights = Counter("dada_preflights", "Preflights, by what was decided.", ["allowed"], **given)
        self._running = Gauge("dada_requests_running", "Requests in hand.", **lives)
        self._connections = Gauge("dada_database_connections", "Connections in use.", **lives)
        self._jobs = Counter("dada_jobs", "Jobs run, by what became of them.", ["task", "fate"], **given)
        self._job_seconds = Histogram("dada_job_seconds", "How long jobs took.", ["task"], **timed)
        self._known: dict[tuple[Any, ...], Any] = {}

    def begin(self) -> None:
        """Count a request that arrived."""
        self._running.inc()

    def end(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request that was answered, and arrived *seconds* ago."""
        self._running.dec()
        self._child(self._requests, method, route or "none", str(status)).inc()
        self._child(self._seconds, route or "none").observe(seconds)

    def preflight(self, allowed: bool) -> None:
        """Count a preflight."""
        self._child(self._preflights, "yes" if allowed else "no").inc()

    def job(self, task: str, fate: str, seconds: float) -> None:
        """Count a job that was run."""
        self._child(self._jobs, task, fate).inc()
        self._child(self._job_seconds, task).observe(seconds)

    def connections(self, change: int) -> None:
        """Count a connection of the database's pool that is taken (1) or given back (-1)."""
        self._connections.inc(change)

    def _child(self, figure: Any, *labels: str) -> Any:
        """Return the part of *figure* with these labels, faster than the library finds it."""
        child = self._known.get((figure, labels))
        if child is None:
            child = self._known[figure, labels] = figure.labels(*labels)
        return child


def read(folder: Path, services: Services) -> bytes:
    """Return all figures as Prometheus reads them (text format 0.0.4); what does not answer is told as down."""
    from prometheus_client import CollectorRegistry, generate_latest
    from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for pid in {path.stem.rpartition("_")[2] for path in folder.glob("gauge_live*.db")}:
        if not Path(f"/proc/{pid}").exists():
            mark_process_dead(pid, str(folder))  # type: ignore[no-untyped-call]
    registry = CollectorRegistry()
    MultiProcessCollector(registry, str(folder))  # type: ignore[no-untyped-call]
    registry.register(_Lying(services))
    return generate_latest(registry)


class _Lying:
    """What lies in lists and tables, looked up when it is asked for."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def collect(self) -> Iterator[Any]:
        """Yield the figures."""
        from prometheus_client.core import GaugeMetricFamily

        up = GaugeMetricFamily("dada_part_up", "Whether a part that a request needs answers.", labels=["part"])
        for part, answers in self._services.parts().items():
            up.add_metric([part], float(answers))
        yield up
        jobs = GaugeMetricFamily("dada_queue_jobs", "Jobs on the queue, by where they are.", labels=["queue", "state"])
        rows = GaugeMetricFamily("dada_outbox_rows", "Jobs decided on and not done.")
        age = GaugeMetricFamily("dada_outbox_oldest_seconds", "How long the oldest of them waits.")
        with contextlib.suppress(*OUTAGES):
            counts = self._services.queue.counts()
            for state in ("ready", "held", "later", "dead"):
                jobs.add_metric([MAIL, state], getattr(counts, state))
            yield jobs
        with contextlib.suppress(*OUTAGES), self._services.db.read() as connection:
            count, oldest = connection.execute(select(func.count(), func.min(outbox.c.created_at))).one()
            rows.add_metric([], count)
            age.add_metric([], (self._services.now_ms - oldest) / 1000 if oldest else 0)
            yield from (rows, age)
