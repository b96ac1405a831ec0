"""The lines of JOBS and SCHEDULES: what to call, from which queue, how often, how long.

A table is proved when a worker starts: whatever is wrong with it is told at once, and nothing is run.
"""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from dada.errors import Misuse, Problem
from dada.queue_cron import Crontab
from shop.services import MAIL

__all__ = ["BATCH", "Schedule", "Task", "batches", "prove"]

BATCH: Final = 20  # jobs that a worker takes at once from a queue without slow tasks


class Task(NamedTuple):
    """A line of JOBS.

    run         what to call: with the services, the job, and the job's arguments by name
    retries     how many failures are forgiven
    seconds     how long one run may take
    queue       where its jobs are put
    slow        whether others may not wait behind it: then its queue is served one by one, else in batches
    per_second  how often it may start, by all workers together; None: as often as it can
    burst       how many of these may come at once
    """

    run: Callable[..., None]
    retries: int
    seconds: float
    queue: str = MAIL
    slow: bool = True
    per_second: float | None = None
    burst: int = 1


class Schedule(NamedTuple):
    """A line of SCHEDULES: when to put which task, in UTC, as crontab writes it."""

    when: Crontab
    task: str


def batches(jobs: Mapping[str, Task]) -> dict[str, int]:
    """Return, for each queue of *jobs*, how many a worker takes at once."""
    slow = {task.queue for task in jobs.values() if task.slow}
    return {task.queue: 1 if task.queue in slow else BATCH for task in jobs.values()}


def prove(jobs: Mapping[str, Task], weights: Mapping[str, float], schedules: Mapping[str, Schedule]) -> None:
    """Raise :exc:`Misuse` with everything that cannot be right."""
    problems = []
    for name, task in jobs.items():
        kinds = [parameter.kind for parameter in inspect.signature(task.run).parameters.values()]
        if kinds[:2] != [_PLAIN, _PLAIN] or any(kind in (_PLAIN, _REST) for kind in kinds[2:]):
            why, fix = "a task takes the services, the job, and keywords", "def f(services, job, *, …)"
            problems.append(Problem("task-signature", name, "", why, fix))
        if task.retries < 0 or not 0 < task.seconds <= 86400:
            why = "a task has a number of retries, and a limit in seconds"
            problems.append(Problem("task-limits", name, f"{task.retries}, {task.seconds:g}", why, "10 and 30"))
        if task.queue not in weights:
            problems.append(Problem("task-queue", name, task.queue, "nobody serves this queue", "one of QUEUES"))
    for name, schedule in schedules.items():
        if schedule.task not in jobs:
            problems.append(Problem("schedule-task", name, schedule.task, "there is no such task", "one of JOBS"))
    if problems:
        raise Misuse(problems)


_PLAIN: Any = inspect.Parameter.POSITIONAL_OR_KEYWORD
_REST: Any = inspect.Parameter.VAR_POSITIONAL
