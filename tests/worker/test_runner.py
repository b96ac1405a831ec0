"""A runner: what becomes of one job, whatever happens around it."""

import threading
import time

import pytest
from redis.exceptions import ConnectionError  # noqa: A004 the one that a client raises

from dada.queue import Queue
from dada.queue_weights import Weighted
from shop import outbox
from tests.servers import PATIENCE, wait_until
from worker.runner import Runner
from worker.tasks import Task


class Jobs:
    """Tasks that do what the test says."""

    def __init__(self):
        self.begun, self.ran, self.leave = threading.Event(), [], threading.Event()

    def good(self, services, job, *, n=0):
        self.ran.append(n)

    def long(self, services, job):
        self.begun.set()
        while not self.leave.is_set():
            time.sleep(0.001)
        self.ran.append("long")

    def effect(self, services, job):
        with outbox.once(services, job.id):
            self.ran.append(job.id)

    def bad(self, services, job, *, why):
        raise OSError(f"no file \udcff: {why}")  # as the system's names come

    def table(self):
        return {name: Task(getattr(self, name), 2, 30, slow=False) for name in ("good", "long", "effect", "bad")}


@pytest.fixture
def table():
    return Jobs()


@pytest.fixture
def runner(services, table, monkeypatch):
    monkeypatch.setattr("worker.runner.WAIT", 0.05)
    queues = Weighted([(services.queue, 1)], limits={"mail": 20})
    runner = Runner("w1", services, table.table(), queues, threading.Event())
    runner.thread = threading.Thread(target=runner.run)
    yield runner
    table.leave.set()
    runner.stopping.set()
    if runner.thread.ident:
        runner.thread.join(PATIENCE)


def test_a_batch_is_run_in_order_and_each_job_acknowledged_by_itself(runner, services, table):
    services.queue.put_many("good", [{"n": n} for n in range(50)])
    services.queue.put("long")
    services.queue.put("good", n=99)
    runner.thread.start()
    table.begun.wait(PATIENCE)
    wait_until(lambda: services.queue.counts().done == 50, "all before the long one to be done")
    table.leave.set()
    wait_until(lambda: services.queue.check().done == 52, "the rest")
    assert table.ran == [*range(50), "long", 99]


def test_who_is_told_to_stop_finishes_what_he_began_and_gives_back_the_rest(runner, services, table):
    services.queue.put("long")
    services.queue.put_many("good", [{"n": n} for n in range(5)])
    runner.thread.start()
    table.begun.wait(PATIENCE)
    assert services.queue.counts().held == 6
    runner.stopping.set()
    table.leave.set()
    runner.thread.join(PATIENCE)
    assert table.ran == ["long"]
    assert services.queue.check() == (6, 5, 0, 0, 0, 1)


@pytest.mark.usefixtures("uncounted")  # see test_limits: it is stopped
def test_a_running_job_that_is_cancelled_is_stopped_and_dead(runner, services, table):
    job_id = services.queue.put("long")
    runner.thread.start()
    table.begun.wait(PATIENCE)
    runner.beat(services.queue)
    assert services.queue.state(job_id) == "held"
    assert services.queue.cancel(job_id)
    runner.beat(services.queue)
    (dead,) = wait_until(services.queue.dead, "the job to be given up")
    assert (dead.id, dead.error) == (job_id, "cancelled")
    assert services.queue.check() == (1, 0, 0, 0, 1, 0)


@pytest.mark.usefixtures("uncounted")
def test_a_worker_that_was_taken_for_dead_stops_what_it_does_and_leaves_the_job_to_the_other(runner, services, table):
    job_id = services.queue.put("long")
    runner.thread.start()
    table.begun.wait(PATIENCE)
    services.redis.zadd("{mail}:workers", {"w1": 1})
    (job,) = services.queue.claim("w2")
    assert job.id == job_id
    runner.beat(services.queue)
    wait_until(lambda: runner.current is None, "the first to let go")
    assert services.queue.done("w2", job)
    assert table.ran == []
    assert services.queue.check() == (1, 0, 0, 0, 0, 1)


def test_a_beat_between_two_jobs_stops_nobody(runner, services, table):
    for _ in range(20):
        runner.beat(services.queue)
        services.queue.put("good")
    runner.thread.start()
    while services.queue.counts().done < 20:
        runner.beat(services.queue)
    assert services.queue.check().done == 20


def test_an_effect_that_was_there_before_is_done_and_not_done_again(runner, services, table, caplog):
    with services.db.write() as tx:
        job_id = outbox.put(tx, services, "effect")
    body = services.redis.lindex("{mail}:ready", 0)
    runner.thread.start()
    wait_until(lambda: services.queue.counts().done == 1, "the first run")
    services.redis.lpush("{mail}:ready", body)  # Redis lost its last second, and with it that it was done
    wait_until(lambda: services.queue.counts().done == 2, "the second run")
    assert table.ran == [job_id]


def test_an_error_that_is_no_text_does_not_end_the_worker(runner, services, table):
    services.redis.lpush("{mail}:ready", '{"id":"x","task":"bad","args":{"why":"no file"},"tries":2}')
    services.queue.put("good", n=1)
    runner.thread.start()
    wait_until(lambda: services.queue.counts().done == 1, "the job behind it")
    (dead,) = services.queue.dead()
    assert "udcff" in dead.error


class Mute(Exception):
    def __str__(self):
        raise ValueError("no words")


@pytest.mark.parametrize(
    ("error", "told"),
    [(SystemExit(3), "SystemExit: 3"), (GeneratorExit(), "GeneratorExit: "), (Mute(), "Mute: it does not say what"),
     (OSError("\udcff"), "OSError: \\udcff")],
    ids=["an exit", "an end", "an error without words", "an error that is no text"],
)  # fmt: skip
def test_whatever_a_job_raises_it_fails_alone_and_its_line_is_written(runner, services, table, caplog, error, told):
    def run(services, job):
        raise error

    runner._jobs["raises"] = Task(run, 0, 30, slow=False)
    services.queue.put("raises")
    services.queue.put("good", n=1)
    runner.thread.start()
    wait_until(lambda: services.queue.counts().done == 1, "the job behind it")
    assert [dead.error for dead in services.queue.dead()] == [told]
    assert [record.why for record in caplog.records if record.getMessage() == "bury"] == [told]


def test_a_failed_job_that_is_too_long_when_it_is_written_again_is_dead_and_ends_no_worker(runner, services, table):
    spelled = ",".join(["1e15"] * 150_000)  # 1000000000000000.0 is how we write each
    services.redis.lpush("{mail}:ready", f'{{"id":"x","task":"bad","args":{{"why":[{spelled}]}},"tries":0}}')
    services.queue.put("good", n=1)
    runner.thread.start()
    wait_until(lambda: services.queue.counts().done == 1, "the job behind it")
    assert [dead.id for dead in services.queue.dead()] == ["x"]


def test_a_redis_that_is_away_when_a_job_ends_hears_of_it_later_and_the_job_runs_once(
    runner, services, table, redis_server, monkeypatch
):
    services.queue.put("long")
    runner.thread.start()
    table.begun.wait(PATIENCE)
    real, calls = Queue.acknowledge, []

    def away(queue, worker, job):
        calls.append(job.id)
        if len(calls) < 3:
            raise ConnectionError("cut")
        real(queue, worker, job)

    monkeypatch.setattr(Queue, "acknowledge", away)
    table.leave.set()
    wait_until(lambda: services.queue.counts().done == 1, "it to be told")
    assert (table.ran, len(calls)) == (["long"], 3)


def test_figures_are_kept_for_whoever_watches(runner, services, table):
    services.queue.put_many("good", [{}, {}])
    services.queue.put("nonsense")
    runner.thread.start()
    wait_until(lambda: sum(services.queue.counts()[4:]) == 3, "all to be settled")
    runner.stopping.set()
    runner.thread.join(PATIENCE)
    kept = {name: count for (_, name), count in runner.tally.items() if not name.endswith("milliseconds")}
    assert kept == {"good:done": 2, "unknown:bury": 1}
