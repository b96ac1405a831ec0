"""The tables of the worker are proved before anything runs."""

import pytest

from dada.errors import Misuse
from dada.queue_cron import Crontab
from worker import JOBS, QUEUES, SCHEDULES
from worker.tasks import BATCH, Schedule, Task, batches, prove


def good(services, job, *, n=0):
    """A task."""


def test_our_own_tables_are_right():
    prove(JOBS, QUEUES, SCHEDULES)
    assert {task.queue for task in JOBS.values()} == set(QUEUES)


WRONG = {
    "a task that takes nothing": (lambda: None, {}),
    "one that takes its arguments by place": (lambda services, job, n: None, {}),
    "one that takes any number of them": (lambda services, job, *rest: None, {}),
    "retries below zero": (good, {"retries": -1}),
    "no time": (good, {"seconds": 0}),
    "a queue that nobody serves": (good, {"queue": "nobody"}),
}


@pytest.mark.parametrize(("run", "more"), WRONG.values(), ids=WRONG)
def test_a_line_that_cannot_be_right_is_misuse(run, more):
    with pytest.raises(Misuse) as caught:
        prove({"x": Task(**{"run": run, "retries": 1, "seconds": 1} | more)}, {"mail": 1}, {})
    assert len(caught.value.problems) == 1


def test_a_schedule_of_a_task_that_is_none_is_misuse():
    with pytest.raises(Misuse, match="no such task"):
        prove({}, {}, {"daily": Schedule(Crontab("0 0 * * *"), "x")})


def test_a_queue_with_a_slow_task_is_served_one_by_one_and_another_in_batches():
    table = {
        "a": Task(good, 1, 1, queue="fast", slow=False),
        "b": Task(good, 1, 1, queue="fast", slow=False),
        "c": Task(good, 1, 1, queue="mixed", slow=False),
        "d": Task(good, 1, 1, queue="mixed"),
    }
    assert batches(table) == {"fast": BATCH, "mixed": 1}
