"""Jobs that keep the house in order."""

from tests.shop.people import join, token_for
from worker import JOBS


def test_rows_that_nobody_will_ask_for_are_forgotten_and_twice_is_once(services, clock):
    token_for(services, join(services).id, "reset")
    clock.advance(400 * 86400)
    queue = services.queue_named("house")
    queue.put("house.forget_expired")
    (job,) = queue.claim("w")
    for _ in range(2):
        JOBS[job.task].run(services, job, **job.args)
    assert queue.done("w", job)
