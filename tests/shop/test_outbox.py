"""The outbox: a job and what decided it are both there, or neither."""

import threading

import pytest
from sqlalchemy import delete, insert, select, update

from dada.errors import Misuse
from shop import outbox
from shop.tables import addresses, looks, users
from shop.tables import outbox as rows
from tests.servers import PATIENCE
from tests.shop.people import register


def pushed(services):
    with services.db.read() as connection:
        return [row.pushed_at for row in connection.execute(select(rows)).all()]


def put(services, **args):
    with services.db.write() as tx:
        return outbox.put(tx, services, "mail.activation", **args)


@pytest.fixture
def dying(monkeypatch):
    """Processes that die between their commit and the push."""
    monkeypatch.setattr(outbox, "push", lambda *_: None)


def test_a_job_is_on_the_queue_under_its_row_s_id_after_the_commit(services):
    with services.db.write() as tx:
        job_id = outbox.put(tx, services, "mail.activation", user=7)
        assert services.queue.counts().put == 0
    (job,) = services.queue.claim("w")
    assert (job.id, job.task, job.args) == (job_id, "mail.activation", {"user": 7})
    assert pushed(services) != [None]


def test_what_is_rolled_back_puts_nothing(services):
    with pytest.raises(ZeroDivisionError), services.db.write() as tx:
        outbox.put(tx, services, "mail.activation", user=7)
        1 / 0  # noqa: B018
    assert pushed(services) == []
    assert services.queue.counts().put == 0


@pytest.mark.parametrize(
    ("task", "options"),
    [("a b", {}), (None, {}), ("t" * 65, {}), ("t", {"x": float("nan")}), ("t", {"x": {1}}), ("t", {"x": "\ud800"}),
     ("t", {"x": "x" * (1 << 20)}), ("t", {"queue": "a b"}), ("t", {"queue": None})],
)  # fmt: skip
def test_what_is_no_job_is_misuse_while_the_transaction_can_be_rolled_back(services, task, options):
    with pytest.raises(Misuse), services.db.write() as tx:
        outbox.put(tx, services, task, **options)
    assert pushed(services) == []


@pytest.mark.parametrize(
    "wrong", [{"task": "a b"}, {"args": "{"}, {"args": "[1]"}, {"queue": "a b"}], ids=["task", "args", "list", "queue"]
)
def test_a_row_that_is_no_job_keeps_no_other_from_the_queue(services, clock, dying, wrong, caplog):
    bad = put(services, user=1)
    good = put(services, user=2)
    with services.db.write() as tx:
        tx.execute(update(rows).where(rows.c.id == bad).values(**wrong))
    clock.advance(2)
    assert outbox.relay(services) == 2
    assert [job.id for job in services.queue.claim("w", 9)] == [good]
    assert [record.job for record in caplog.records if record.levelname == "ERROR"] == [bad]
    assert None not in pushed(services)  # it is looked at again when it is taken for lost


def test_a_job_goes_to_the_queue_that_it_names(services):
    with services.db.write() as tx:
        outbox.put(tx, services, "house.forget", queue="house")
    assert services.queue.counts().put == 0
    assert [job.task for job in services.queue_named("house").claim("w")] == ["house.forget"]
    assert services.queue_named("house") is services.queue_named("house")
    assert services.queue_named("mail") is services.queue


def test_a_process_that_dies_between_commit_and_push_loses_nothing(services, clock, dying):
    put(services, user=7)
    assert services.queue.counts().put == 0
    assert outbox.relay(services) == 0  # too young: whoever wrote it is pushing it
    clock.advance(2)
    assert outbox.relay(services) == 1
    assert outbox.relay(services) == 0
    assert services.queue.counts().ready == 1


def test_an_outage_s_many_jobs_are_relayed_in_one_go(services, clock, dying):
    with services.db.write() as tx:
        for user in range(1203):
            outbox.put(tx, services, "mail.activation", user=user)
    clock.advance(2)
    assert outbox.relay(services) == 1203
    assert services.queue.check() == (1203, 1203, 0, 0, 0, 0)


def test_two_relays_at_once_put_nothing_twice(services, clock, dying):
    for user in range(20):
        put(services, user=user)
    clock.advance(2)
    threads = [threading.Thread(target=outbox.relay, args=(services,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert services.queue.check() == (20, 20, 0, 0, 0, 0)


def test_a_redis_without_memory_lets_the_transaction_stand_and_the_relay_try_again(services, clock, redis_server):
    with redis_server.client() as client:
        client.config_set("maxmemory", 1)
        try:
            job_id = put(services, user=7)
            assert pushed(services) == [None]
        finally:
            client.config_set("maxmemory", 0)
    clock.advance(2)
    assert outbox.relay(services) == 1
    assert services.queue.state(job_id) == "waiting"


# --- the effect, once -------------------------------------------------------------------------------------


def effects(services):
    with services.db.read() as connection:
        return [row.detail for row in connection.execute(select(addresses)).all()]


def take_effect(services, job_id, what="done", wait=None):
    with outbox.once(services, job_id) as tx:
        tx.execute(insert(addresses).values(user_id=1, receiver="a", phone="1", detail=what, created_at=1))
        if wait:
            wait()


@pytest.fixture
def user(services):
    assert register(services).id
    with services.db.write() as tx:
        tx.execute(delete(looks))  # a number that others refer to cannot be changed
        tx.execute(update(users).values(id=1))
        tx.execute(delete(rows))


def test_i8_an_effect_and_its_row_go_together_and_once(services, user):
    job_id = put(services, user=7)
    take_effect(services, job_id)
    with pytest.raises(outbox.AlreadyDone):
        take_effect(services, job_id)
    assert effects(services) == ["done"]


def test_i8_an_effect_that_fails_leaves_the_row_for_the_next_run(services, user):
    job_id = put(services, user=7)
    with pytest.raises(ZeroDivisionError):
        take_effect(services, job_id, wait=lambda: 1 / 0)
    assert effects(services) == []
    assert outbox.is_due(services, job_id)
    take_effect(services, job_id)
    assert effects(services) == ["done"]


def test_i8_of_two_that_run_it_at_the_same_moment_one_has_the_effect(services, user):
    """A worker was taken for dead and was not: both run the job."""
    job_id = put(services, user=7)
    inside, told = threading.Event(), []

    def second():
        inside.wait(PATIENCE)
        try:
            take_effect(services, job_id, "second")
        except outbox.AlreadyDone:
            told.append("already done")

    thread = threading.Thread(target=second)
    thread.start()
    take_effect(services, job_id, "first", wait=lambda: (inside.set(), thread.join(0.2)))
    thread.join(PATIENCE)
    assert (effects(services), told) == (["first"], ["already done"])


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
