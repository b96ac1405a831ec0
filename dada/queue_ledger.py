"""What is where in a queue, whether the sums are right, and what a person may do about one job.

Nothing here is on a job's way; everything here may be asked while workers work.

This file knows what the scripts tell; it does not know producers or workers.
"""

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from dada import queue_jobs
from dada.errors import Malformed, Misuse, Problem
from dada.queue_jobs import Broken, Counts, Dead, Job, Known, text
from dada.queue_line import Lines

__all__ = ["Ledger", "WorkerSeen"]


_MOST: Final = 10**9  # dead jobs of one question


class WorkerSeen(NamedTuple):
    """A worker: how many *seconds* ago it was last heard, and how many jobs it *holds*."""

    name: str
    seconds: float
    holds: int


class Ledger:
    """The books of one queue; what the queue itself inherits."""

    def __init__(self, redis: Any, prefix: str, lines: Lines) -> None:
        self._redis, self._prefix, self._lines, self._run = redis, prefix, lines, lines.run

    def counts(self) -> Counts:
        """Return one moment's figures."""
        return Counts(*map(int, self._run("counts")[:6]))

    def workers(self) -> list[WorkerSeen]:
        """Return who serves this queue, or did and is silent."""
        return [WorkerSeen(text(name), float(ago) / 1000, int(holds)) for name, ago, holds in self._run("counts")[6]]

    def check(self) -> Counts:
        """Return the figures if the law of conservation holds; raise :exc:`Broken` with the ids that break it.

        Walks through every job inside Redis, which serves nobody else meanwhile: about a second for a million.
        """
        self._adopt()
        counts = self.counts()
        twice = sorted(map(text, self._run("find", "")))
        if twice or counts.put != sum(counts[1:]):
            raise Broken(counts, twice)
        return counts

    def _adopt(self) -> None:
        """Register the owners of lists that nobody owns (I6): ghosts of connections that Redis still served."""
        prefix = f"{self._prefix}work:"
        pattern = re.sub(r"([\[\]?*\\])", r"\\\1", prefix) + "*"
        workers = [text(key).removeprefix(prefix) for key in self._redis.scan_iter(match=pattern, count=1000)]
        if workers:
            self._run("adopt", *workers)

    def state(self, id: str) -> str | None:  # noqa: A002
        """Return where a job is: "waiting", "later", "held", "dead"; None if it is done, or was never put."""
        found = self._find(id)
        return found[0] if found else None

    def dead(self, limit: int = 50) -> list[Dead]:
        """Return the jobs that were given up last, the newest first.  Raise :exc:`Misuse` for no number of jobs."""
        if type(limit) is not int or not 0 <= limit <= _MOST:
            raise Misuse([Problem("queue-limit", "limit", ascii(limit)[:60], "this is no number of jobs", "50")])
        told = []
        for body, when, why in self._run("dead", limit) if limit else ():
            try:
                job = queue_jobs.read(body)
            except Malformed:
                job = Job(text(body)[:128], "", {}, 0, "", "")
            told.append(Dead(job.id, job.task, job.args, job.tries, text(why), float(when) / 1000))
        return told

    def revive(self, id: str) -> bool:  # noqa: A002
        """Put a dead job in line again, as if it had never failed; False if it is not dead, or is no job.

        Raise :exc:`Known` if its key has another job by now.
        """
        found = self._find(id)
        if not found or found[0] != "dead":
            return False
        try:
            job = queue_jobs.read(found[2])
        except Malformed:
            return False
        answer = self._run("revive", job.body, queue_jobs.successor(job, 0), job.key)
        if not isinstance(answer, int):
            raise Known(text(answer))
        return bool(answer)

    def cancel(self, id: str) -> bool:  # noqa: A002
        """Cancel a job: one that waits is dead at once, one that runs is asked to stop.  False if there is none."""
        while (found := self._find(id)) and found[0] != "dead":
            if self._run("cancel", *found):
                return True  # else it moved on since it was found
        return False

    def _find(self, job_id: str) -> tuple[str, str, bytes | str] | None:
        """Return a job's place, worker and body; the body as Redis has it, or what is no text would not be found."""
        if not isinstance(job_id, str) or not job_id:
            return None
        found = self._run("find", job_id.encode("utf-8", "replace"))
        return (text(found[0]), text(found[1]), found[2]) if found else None

    def tally(self, figures: Mapping[str, int] | None = None) -> dict[str, int]:
        """Add *figures*, "task:what" → how many, to those of all workers; without any, return the sums."""
        if figures:
            self._run("tally", *[part for pair in figures.items() for part in pair])
            return {}
        told = self._lines.command("HGETALL", f"{self._prefix}tally")
        return {text(name): int(value) for name, value in told.items()}
