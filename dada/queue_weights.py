"""Several queues, served by one worker: by weight, or strictly one before the other.

A job's urgency is the queue it is put on.  By weight, the order is drawn anew for every claim: with {"mail": 3,
"slow": 1} three of four claims look into mail first, and neither can starve the other.  Strictly, the first queue is
always looked into first, and the last one may wait for ever: that is for whoever asks for it.

In a cluster queues live on different servers; nothing here needs them together.

This file knows queues; it does not know what is in them.
"""

import random
from collections.abc import Callable, Mapping, Sequence

from dada.errors import Misuse, Problem
from dada.queue import Queue
from dada.queue_jobs import Job

__all__ = ["Weighted"]


class Weighted:
    """Queues with weights, each a number above 0.

    queues  what to claim from, and how much more often than from the others it comes first
    limits  the most jobs of one claim, by the queue's name; else 1
    strict  look into them in the order given, whatever their weights
    draw    where chance comes from: a number from 0 up to 1

    Raise :exc:`Misuse` for what cannot be right.
    """

    def __init__(
        self,
        queues: Sequence[tuple[Queue, float]],
        *,
        limits: Mapping[str, int] | None = None,
        strict: bool = False,
        draw: Callable[[], float] = random.random,
    ) -> None:
        problems = [
            Problem("queue-weight", queue.name, repr(weight)[:40], "this is no weight", "a number above 0")
            for queue, weight in queues
            if not isinstance(weight, (int, float)) or not 0 < weight <= 1e9
        ]
        if not queues:
            problems.append(Problem("queue-none", "queues", "", "there is nothing to serve", "at least one queue"))
        if problems:
            raise Misuse(problems)
        self._queues, self._limits, self._strict, self._draw = list(queues), dict(limits or {}), strict, draw

    def order(self) -> list[Queue]:
        """Return the queues in the order in which to look into them this time."""
        if self._strict or len(self._queues) == 1:
            return [queue for queue, _ in self._queues]
        # The larger u^(1/w), the earlier: this draws without replacement, in proportion to the weights.
        drawn = [(self._draw() ** (1 / weight), at) for at, (_, weight) in enumerate(self._queues)]
        return [self._queues[at][0] for _, at in sorted(drawn, reverse=True)]

    def claim(self, worker: str, wait: float = 0.0) -> tuple[Queue, list[Job]]:
        """Return jobs, and the queue they are from; none, and any of the queues, after *wait* seconds without one."""
        first, *others = self.order()
        while True:
            for queue in (first, *others):
                if jobs := queue.claim(worker, self._limits.get(queue.name, 1)):
                    return queue, jobs
            if wait <= 0:
                return first, []
            wait -= first.rest(worker, wait, others)
