"""JOBS: every job on one screen."""

import inspect

from worker import JOBS

EXPECTED = {
    "mail.activation", "mail.reset", "mail.password_changed", "mail.token_reused", "mail.new_device",
    "mail.identity_bound", "mail.identity_unbound",
}  # fmt: skip


def test_the_jobs_are_these_and_no_more():
    assert set(JOBS) == EXPECTED


def test_each_has_a_time_limit_and_a_number_of_retries():
    for task in JOBS.values():
        assert task.retries > 0
        assert 0 < task.seconds <= 60


def test_each_takes_its_arguments_by_name():
    for task in JOBS.values():
        parameters = list(inspect.signature(task.run).parameters.values())
        assert all(parameter.kind is parameter.KEYWORD_ONLY for parameter in parameters[2:])
