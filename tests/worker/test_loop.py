"""The loop: what becomes of a job."""

import logging
import threading
import time

import pytest

from dada.errors import Misuse
from dada.queue_cron import Crontab
from shop import outbox
from shop.errors import Refused
from shop.post import Undeliverable
from tests.servers import PATIENCE, wait_until
from worker.loop import Loop, Schedule, Task
from worker.runner import FIRST_DELAY, LONGEST_DELAY, backoff


class Jobs:
    """A table of jobs that do what the test says."""

    def __init__(self):
        self.ran = []

    def good(self, services, job, *, n=0):
        self.ran.append(n)

    def flaky(self, services, job):
        self.ran.append(job.tries)
        if job.tries < 2:
            raise RuntimeError("not yet")

    def bad(self, services, job):
        raise RuntimeError("never")

    def refused(self, services, job):
        raise Refused("not-found")

    def undeliverable(self, services, job, *, forever):
        raise Undeliverable("answered 550", forever=forever)

    def slow(self, services, job):
        while True:
            time.sleep(0.01)

    def table(self):
        return {
            name: Task(getattr(self, name), retries=2, seconds=0.05 if name == "slow" else 10)
            for name in ("good", "flaky", "bad", "refused", "undeliverable", "slow")
        }


@pytest.fixture
def table():
    return Jobs()


@pytest.fixture
def loop(services, table, monkeypatch):
    monkeypatch.setattr("worker.runner.backoff", lambda tries: 0.0)
    monkeypatch.setattr("worker.runner.WAIT", 0.05)
    return Loop(services, table.table())


def run(loop, services, until):
    """Run the loop in this thread until the queue is as the test wants it."""

    def stop():
        wait_until(until, "the jobs to be settled")
        loop.stop()

    watcher = threading.Thread(target=stop)
    watcher.start()
    loop.run()
    watcher.join()
    return services.queue.check()


def test_jobs_are_run_in_order_and_done(loop, services, table):
    for n in range(3):
        services.queue.put("good", n=n)
    assert run(loop, services, lambda: services.queue.counts().done == 3).done == 3
    assert table.ran == [0, 1, 2]


def test_a_job_that_fails_runs_again_until_it_does_not(loop, services, table):
    services.queue.put("flaky")
    run(loop, services, lambda: services.queue.counts().done == 1)
    assert table.ran == [0, 1, 2]


FATES = {
    "one that always fails": ("bad", {}, "RuntimeError: never", 2),
    "one that is refused": ("refused", {}, "Refused: not-found: refused (shop)", 0),
    "one that can never be delivered": ("undeliverable", {"forever": True}, "answered 550", 0),
    "one that cannot be delivered for now, again and again": ("undeliverable", {"forever": False}, "answered 550", 2),
    "one that takes too long": ("slow", {}, "TooLong: more than 0.05 s", 2),
    "one that nobody knows": ("unknown", {}, "Misuse: task-unknown", 0),
    "one with arguments that do not fit": ("good", {"m": 1}, "TypeError", 0),
}


@pytest.mark.usefixtures("uncounted")  # see test_limits: one of them is stopped
@pytest.mark.parametrize(("task", "args", "error", "tries"), FATES.values(), ids=FATES)
def test_a_job_that_cannot_be_done_is_dead_with_its_reason(loop, services, task, args, error, tries):
    services.queue.put(task, **args)
    run(loop, services, lambda: services.queue.counts().dead == 1)
    (dead,) = services.queue.dead()
    assert dead.tries == tries
    assert error.split(":")[0] in dead.error


def test_each_job_is_one_line_in_the_log(loop, services, caplog):
    with caplog.at_level(logging.INFO, "worker"):
        job_id = services.queue.put("good", n=1)
        run(loop, services, lambda: services.queue.counts().done == 1)
    (line,) = [record for record in caplog.records if record.message == "done"]
    assert (line.job, line.task, line.tries, line.worker) == (job_id, "good", 0, loop.worker)
    assert line.milliseconds >= 0


def test_a_redis_that_comes_back_is_worked_on(loop, services, table, redis_server):
    def interrupt():
        wait_until(lambda: services.queue.counts().done == 1, "the first job")
        redis_server.stop()
        redis_server.start()
        services.queue.put("good", n=2)
        return True

    done = []
    services.queue.put("good", n=1)
    helper = threading.Thread(target=lambda: done.append(interrupt()))
    helper.start()
    run(loop, services, lambda: done and 2 in table.ran)
    helper.join()
    assert table.ran == [1, 2]


def test_who_stops_signs_off_and_gives_back_what_he_did_not_begin(loop, services, redis_server):
    loop.stopping.set()
    services.queue.put("good")
    services.queue.claim(loop.worker)
    loop.run()
    assert services.queue.counts().ready == 1
    with redis_server.client() as client:
        assert client.zcard("{mail}:workers") == 0


def test_a_worker_beats_while_it_works(services, table, monkeypatch):
    beaten = threading.Event()
    monkeypatch.setattr(services.queue, "told_to_stop", lambda worker: beaten.set() or frozenset())
    services.queue.grace = 0.03
    run(Loop(services, table.table()), services, beaten.is_set)


def test_delays_grow_and_have_a_bound():
    for tries in range(40):
        assert 0 <= backoff(tries) <= min(LONGEST_DELAY, FIRST_DELAY * 2**tries)
    assert len({backoff(5) for _ in range(10)}) > 1


def test_a_task_that_cannot_be_called_is_misuse(services):
    with pytest.raises(Misuse, match="a task takes the services"):
        Loop(services, {"x": Task(lambda: None, 1, 1)})


# --- the process around the runners -----------------------------------------------------------------------


def test_several_jobs_run_at_once_in_threads(services, monkeypatch):
    monkeypatch.setattr("worker.runner.WAIT", 0.05)
    barrier = threading.Barrier(3)

    def meet(services, job):
        barrier.wait(PATIENCE)  # three must be here at once

    loop = Loop(services, {"meet": Task(meet, 0, 30)}, threads=3)
    services.queue.put_many("meet", [{}] * 3)
    assert run(loop, services, lambda: services.queue.counts().done == 3) == (3, 0, 0, 0, 0, 3)
    assert services.queue.workers() == []


@pytest.mark.usefixtures("uncounted")
def test_a_thread_s_job_that_takes_too_long_is_stopped_too(services, monkeypatch):
    monkeypatch.setattr("worker.runner.WAIT", 0.05)

    def slow(services, job):
        while True:
            time.sleep(0.001)

    loop = Loop(services, {"slow": Task(slow, 0, 0.05)}, threads=2)
    services.queue.put_many("slow", [{}] * 2)
    run(loop, services, lambda: services.queue.counts().dead == 2)
    assert {dead.error for dead in services.queue.dead()} == {"TooLong: more than 0.05 s"}


def test_the_figures_of_all_tasks_are_in_redis(loop, services):
    services.queue.put_many("good", [{}] * 3)
    services.queue.put("refused")
    run(loop, services, lambda: services.queue.counts()[4:] == (1, 3))
    told = services.queue.tally()
    assert (told["good:done"], told["refused:bury"]) == (3, 1)
    assert told["good:milliseconds"] >= 0


def test_what_was_left_behind_is_relayed_and_what_is_due_is_put(services, table, clock, monkeypatch):
    monkeypatch.setattr("worker.runner.WAIT", 0.05)
    monkeypatch.setattr("worker.loop.HOUSE_SECONDS", 0.02)
    with monkeypatch.context() as dying, services.db.write() as tx:
        dying.setattr("shop.outbox.push", lambda *_: None)
        outbox.put(tx, services, "good", n=7)
        clock.advance(2)
    services.queue.fire("daily", Crontab("0 0 * * *"), "good")
    services.redis.hincrby("{mail}:cron", "daily", -86_400_000)
    with monkeypatch.context() as dying:
        dying.setattr("shop.outbox.push", lambda *_: None)
        loop = Loop(services, table.table(), schedules={"daily": Schedule(Crontab("0 0 * * *"), "good")})
        run(loop, services, lambda: sorted(table.ran) == [0, 7])


def test_a_rate_of_the_table_is_told_to_redis(services, table):
    lines = {"good": Task(table.good, 0, 10, per_second=0.001)}
    services.queue.put_many("good", [{"n": 1}, {"n": 2}])
    run(Loop(services, lines), services, lambda: services.queue.counts().later == 1)
    assert table.ran == [1]


def test_a_redis_that_may_evict_is_refused_at_the_start(services, table, redis_server):
    with redis_server.client() as client:
        client.config_set("maxmemory", 100 << 20)
        client.config_set("maxmemory-policy", "allkeys-lru")
        try:
            with pytest.raises(Misuse, match="throw jobs away"):
                Loop(services, table.table()).run()
        finally:
            client.config_set("maxmemory", 0)
            client.config_set("maxmemory-policy", "noeviction")


def test_what_a_power_cut_takes_is_said_at_the_start(loop, services, caplog):
    with caplog.at_level(logging.INFO, "worker"):
        run(loop, services, lambda: "ready" in caplog.text)
    assert "none: whatever Redis holds is gone when it stops" in caplog.text
