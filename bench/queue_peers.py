"""The queues that the bench compares: for each, how a job is put, and the worker that runs it.

Every job does the same: it writes its number and the time into a file, in one append, so that the bench knows that
each ran once, and when.  Workers run in a process of their own, `python -m bench.queue_peers NAME`, each in the fastest
documented setting that is one process: results off, logs quiet, prefetching as much as it can.
"""

import asyncio
import json
import os
import secrets
import struct
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

__all__ = ["MARK", "PEERS", "Peer", "mark"]

MARK = struct.Struct("<Qd")  # the job's number, and when it ran, by the clock that all processes share
URL = os.environ.get("BENCH_REDIS", "")
_marks: list[int] = []


def mark(number: int) -> None:
    """Do the job."""
    if not _marks:
        _marks.append(os.open(os.environ["BENCH_MARKS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT))
    os.write(_marks[0], MARK.pack(number, time.perf_counter()))


class Peer(NamedTuple):
    """One way to queue: *connect* returns what puts one job, and what puts many, or None; *work* runs jobs for ever."""

    connect: Callable[[str], tuple[Callable[[int], Any], Callable[[range], Any] | None]]
    work: Callable[[], None] | None


def client(url: str) -> "redis.Redis":
    """Return a client that sends everything once."""
    return redis.Redis.from_url(url, retry=Retry(NoBackoff(), 0))


# --- the floor: redis-py and nothing else ---

BODY = '{"id":"0123456789abcdef0123456789abcdef","task":"bench.mark","args":{"number":%d},"tries":0}'


def _floor(url: str) -> Any:
    bare = client(url)
    return lambda n: bare.lpush("q", BODY % n), lambda ns: bare.lpush("q", *[BODY % n for n in ns])


def _json(url: str) -> Any:
    bare = client(url)

    def body(number: int) -> str:
        job = {"id": secrets.token_hex(16), "task": "bench.mark", "args": {"number": number}, "tries": 0}
        return json.dumps(job, separators=(",", ":"))

    return lambda n: bare.lpush("q", body(n)), lambda ns: bare.lpush("q", *map(body, ns))


def _floor_work() -> None:
    bare = client(URL)
    while True:
        body: Any = bare.blmove("q", "work", 1)
        if body:
            mark(json.loads(body)["args"]["number"])
            bare.lrem("work", -1, body)


# --- dada.queue ---


def _dada(url: str) -> Any:
    from dada.queue import Queue

    queue = Queue(client(url), "bench")
    return (
        lambda n: queue.put("bench.mark", number=n),
        lambda ns: queue.put_many("bench.mark", [{"number": n} for n in ns]),
    )


def _dada_work(batch: int, *, together: bool = False) -> Callable[[], None]:
    def work() -> None:
        from dada.queue import Queue

        queue = Queue(client(URL), "bench")
        done: list[Any] = []
        while True:
            jobs = queue.claim("w", batch, 1.0, done=done)
            for job in jobs:
                mark(**job.args)
                if not together:
                    queue.acknowledge("w", job)
            done = jobs if together else []

    return work


# --- peers ---


def _rq(url: str) -> Any:
    from rq import Queue

    queue = Queue("bench", connection=redis.Redis.from_url(url))

    def many(numbers: range) -> Any:
        jobs = [Queue.prepare_data(mark, (n,), result_ttl=0) for n in numbers]
        return queue.enqueue_many(jobs)

    return lambda n: queue.enqueue(mark, n, result_ttl=0), many


def _rq_work() -> None:
    from rq import Queue, SimpleWorker

    connection = redis.Redis.from_url(URL)
    SimpleWorker([Queue("bench", connection=connection)], connection=connection).work(logging_level="ERROR")


def _huey_app(url: str) -> Any:
    from huey import RedisHuey

    app = RedisHuey("bench", url=url, results=False)
    return app, app.task()(mark)


def _huey(url: str) -> Any:
    _, task = _huey_app(url)
    return task, None


def _huey_work() -> None:
    app, _ = _huey_app(URL)
    app.create_consumer(workers=1, periodic=False, initial_delay=0.001, max_delay=0.001).run()


def _dramatiq_app(url: str) -> Any:
    import dramatiq
    from dramatiq.brokers.redis import RedisBroker

    broker = RedisBroker(url=url)
    dramatiq.set_broker(broker)
    return broker, dramatiq.actor(mark, broker=broker, actor_name="mark")


def _dramatiq(url: str) -> Any:
    _, actor = _dramatiq_app(url)
    return actor.send, None


def _dramatiq_work() -> None:
    os.environ["dramatiq_queue_prefetch"] = "100"  # noqa: SIM112 its own spelling
    import dramatiq

    broker, _ = _dramatiq_app(URL)
    dramatiq.Worker(broker, worker_threads=1).start()
    while True:
        time.sleep(1)


def _celery_app(url: str) -> Any:
    from celery import Celery

    app = Celery("bench", broker=url)
    app.conf.update(
        task_ignore_result=True, worker_prefetch_multiplier=100, worker_hijack_root_logger=False,
        broker_connection_retry_on_startup=True,
    )  # fmt: skip
    return app, app.task(mark, name="mark")


def _celery(url: str) -> Any:
    _, task = _celery_app(url)
    return lambda n: task.apply_async((n,)), None


def _celery_work() -> None:
    app, _ = _celery_app(URL)
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel=ERROR"]
    app.worker_main(["worker", "--pool=solo", *quiet])


_loop: list[asyncio.AbstractEventLoop] = []


def _now(awaitable: Any) -> Any:
    if not _loop:
        _loop.append(asyncio.new_event_loop())
    return _loop[0].run_until_complete(awaitable)


def _saq(url: str) -> Any:
    from saq import Queue

    queue = Queue.from_url(url, name="bench")
    return lambda n: _now(queue.enqueue("saq_mark", number=n)), None


async def saq_mark(_: Any, *, number: int) -> None:
    """Do the job, where it must be a coroutine."""
    mark(number)


def _saq_work() -> None:
    from saq import Queue, Worker

    async def work() -> None:
        queue = Queue.from_url(URL, name="bench")
        # With more at once its client runs out of connections, and loses jobs.
        await Worker(queue, functions=[saq_mark], concurrency=20).start()

    asyncio.run(work())


def _taskiq_app(url: str) -> Any:
    from taskiq_redis import RedisStreamBroker

    broker = RedisStreamBroker(url=url)

    @broker.task(task_name="mark")
    async def task(number: int) -> None:
        mark(number)

    return broker, task


def _taskiq(url: str) -> Any:
    broker, task = _taskiq_app(url)
    _now(broker.startup())
    return lambda n: _now(task.kiq(n)), None


def _taskiq_work() -> None:
    import logging

    from taskiq.api import run_receiver_task

    logging.disable(logging.CRITICAL)

    async def work() -> None:
        broker, _ = _taskiq_app(URL)
        broker.is_worker_process = True
        await run_receiver_task(broker, run_startup=True)

    asyncio.run(work())


PEERS = {
    "floor: redis-py LPUSH, BLMOVE + LREM": Peer(_floor, _floor_work),
    "**dada.queue**": Peer(_dada, _dada_work(1)),
    "**dada.queue**, 20 at once": Peer(_dada, _dada_work(20)),
    "**dada.queue**, 20 at once, done together": Peer(_dada, _dada_work(20, together=True)),
    "json.dumps + LPUSH": Peer(_json, None),
    "dramatiq": Peer(_dramatiq, _dramatiq_work),
    "huey (loses on a crash)": Peer(_huey, _huey_work),
    "saq": Peer(_saq, _saq_work),
    "taskiq (stream)": Peer(_taskiq, _taskiq_work),
    "celery (solo)": Peer(_celery, _celery_work),
    "rq (no fork)": Peer(_rq, _rq_work),
}

if __name__ == "__main__":
    from bench import queue_peers  # noqa: PLW0406 by its real name: libraries write down where a function is from

    work = queue_peers.PEERS[sys.argv[1]].work
    assert work
    work()
