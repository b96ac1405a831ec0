"""The outbox: a job and what decided it are both there, or neither."""

import pytest
from sqlalchemy import select

from shop import outbox
from shop.tables import outbox as rows
from tests.shop.people import register


def pushed(services):
    with services.db.read() as connection:
        return [row.pushed_at for row in connection.execute(select(rows)).all()]


def put(services, **args):
    with services.db.write() as tx:
        return outbox.put(tx, services, "mail.activation", **args)


def test_a_job_is_on_the_queue_under_its_row_s_id_after_the_push(services):
    job_id = put(services, user=7)
    assert services.queue.counts().put == 0
    outbox.push(services, job_id)
    (job,) = services.queue.claim("w")
    assert (job.id, job.task, job.args) == (job_id, "mail.activation", {"user": 7})
    assert pushed(services) != [None]


def test_what_is_rolled_back_puts_nothing(services):
    with pytest.raises(ZeroDivisionError), services.db.write() as tx:
        outbox.put(tx, services, "mail.activation", user=7)
        1 / 0  # noqa: B018
    assert pushed(services) == []


def test_a_process_that_dies_between_commit_and_push_loses_nothing(services, clock):
    put(services, user=7)
    assert outbox.relay(services) == 0  # too young: whoever wrote it is pushing it
    clock.advance(2)
    assert outbox.relay(services) == 1
    assert outbox.relay(services) == 0
    assert services.queue.counts().ready == 1


def test_a_wiped_redis_loses_nothing(services, clock, redis_server):
    register(services)
    with redis_server.client() as client:
        client.flushall()
    clock.advance(301)
    assert outbox.relay(services) == 1
    assert services.queue.counts().ready == 1


def test_a_job_that_still_waits_or_is_dead_is_not_put_twice(services, clock):
    register(services)
    for _ in range(3):
        clock.advance(301)
        outbox.relay(services)
    assert services.queue.counts() == (1, 1, 0, 0, 0, 0)
    services.queue.bury("w", services.queue.claim("w")[0], "no such address")
    clock.advance(301)
    outbox.relay(services)
    assert services.queue.counts() == (1, 0, 0, 0, 1, 0)


def test_the_row_goes_once(services):
    job_id = put(services, user=7)
    assert outbox.is_due(services, job_id)
    with services.db.write() as tx:
        assert outbox.remove(tx, job_id)
        assert not outbox.remove(tx, job_id)
    assert not outbox.is_due(services, job_id)


def test_a_queue_that_is_down_leaves_it_to_the_relay(services, clock, redis_server, caplog):
    redis_server.stop()
    try:
        register(services)
        assert pushed(services) == [None]
        assert "left to the relay" in caplog.text
    finally:
        redis_server.start()
    clock.advance(2)
    assert outbox.relay(services) == 1
