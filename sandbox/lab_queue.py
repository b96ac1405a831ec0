"""The queue lab: a queue of one's own in the sandbox's Redis, workers that are processes, and a view of every list.

    POST   /labs/queue                            a new queue, under a name of its own: {"id"}
    GET    /labs/queue/<id>                       every list with its jobs, the workers, the counts, the law
    DELETE /labs/queue/<id>                       ends it: workers and keys are gone
    POST   /labs/queue/<id>/jobs                  {"task", "count"}
    POST   /labs/queue/<id>/jobs/<job>            puts a dead job in line again
    POST   /labs/queue/<id>/workers               starts a worker
    DELETE /labs/queue/<id>/workers/<w>           kills it (SIGKILL): {"held"}, the number of jobs it dies with
    DELETE /labs/queue/<id>/workers/<w>/leave     lets it finish and sign off (SIGTERM)

Queues that nobody has asked about for ten minutes are ended by whoever makes the next.

This file knows processes and lists; how jobs move is decided in `dada/queue.py`.
"""

import contextlib
import itertools
import json
import os
import queue as queues
import secrets
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import redis.exceptions

from dada.queue import Known, Queue
from dada.queue_scripts import keys
from sandbox.children import Child, stop_all
from sandbox.lab_worker import CRASHES, GRACE, TASKS
from sandbox.labs import BadQuestion, NoSuchThing, text
from shop.services import redis_client

__all__ = ["QueueLab"]

MOST_QUEUES: Final = 8
MOST_WORKERS: Final = 4
MOST_JOBS: Final = 40
IDLE_SECONDS: Final = 600.0
WORK_SECONDS: Final = 1.5


class _Room:
    """One queue, and its workers."""

    def __init__(self, client: Any, redis_url: str, name: str, now: float) -> None:
        self.name, self.asked, self._client, self._url = name, now, client, redis_url
        self.queue = Queue(client, name, grace=GRACE, max_crashes=CRASHES)
        self._workers: dict[str, Child] = {}
        self._numbers = itertools.count(1)
        self._lines: queues.SimpleQueue[Any] = queues.SimpleQueue()

    def start(self) -> str:
        """Start a worker, and return its name."""
        if sum(child.status() is None for child in self._workers.values()) >= MOST_WORKERS:
            raise BadQuestion(f"at most {MOST_WORKERS} workers")
        name = f"w{next(self._numbers)}"
        command = [sys.executable, "-m", "sandbox.lab_worker", "--queue", self.name, "--name", name]
        env = {key: os.environ[key] for key in ("PATH", "HOME", "PYTHONPATH", "VIRTUAL_ENV") if key in os.environ}
        child = Child(name, command, {**env, "REDIS_URL": self._url}, "", lambda: True)
        child.start(self._lines)
        self._workers[name] = child
        return name

    def worker(self, name: str) -> Child:
        """Return a worker that was started here.  Raise :exc:`NoSuchThing`."""
        if (child := self._workers.get(name)) is None:
            raise NoSuchThing
        return child

    def kill(self, name: str) -> int:
        """Kill a worker that was started here; return the number of jobs in its own list.  Raise :exc:`NoSuchThing`."""
        child = self.worker(name)
        child.tell(signal.SIGKILL)
        child.wait(10)
        (base,) = keys(self.name)
        return int(self._client.llen(f"{base}work:{name}"))

    def state(self) -> dict[str, Any]:
        """Return every list and its jobs, at one moment."""
        (base,) = keys(self.name)
        ready, later, dead, workers, crashes, why = (
            base + name for name in ("ready", "later", "dead", "workers", "crashes", "why")
        )
        known = [name.decode() for name in self._client.zrange(workers, 0, -1)]
        names = sorted({*known, *self._workers})
        with self._client.pipeline(transaction=True) as pipe:
            pipe.time()
            pipe.lrange(ready, 0, -1)
            pipe.zrange(later, 0, -1, withscores=True)
            pipe.zrange(dead, 0, -1, withscores=True)
            pipe.zrange(workers, 0, -1, withscores=True)
            pipe.hgetall(crashes)
            pipe.hgetall(why)
            for name in names:
                pipe.lrange(f"{base}work:{name}", 0, -1)
            (seconds, micros), waiting, due, buried, signs, deaths, errors, *held = pipe.execute()
        now = seconds * 1000 + micros / 1000
        told = _Teller(_decoded(deaths), _decoded(errors))
        silent = {name.decode(): round((now - at) / 1000, 1) for name, at in signs}
        return {
            "ready": [told.job(body) for body in waiting],  # pushed on the left, taken from the right
            "later": [told.job(body) | {"due": round((at - now) / 1000, 1)} for body, at in due],
            "dead": [told.job(body) for body, _ in buried],
            "workers": [
                {
                    "name": name,
                    "alive": name in self._workers and self._workers[name].status() is None,
                    "registered": name in silent,
                    "silent": silent.get(name, 0),
                    "held": [told.job(body) for body in bodies],
                }
                for name, bodies in zip(names, held, strict=True)
                if name in silent or bodies or self._workers[name].status() is None
            ],
            "counts": self.queue.counts()._asdict(),
            "grace": GRACE,
        }

    def close(self) -> None:
        """End the workers, and forget the queue."""
        for child in self._workers.values():
            child.tell(signal.SIGKILL)
        stop_all(list(self._workers.values()))
        with contextlib.suppress(redis.exceptions.RedisError):  # it may have ended before us; the processes are gone
            names = list(self._client.scan_iter(match=f"{{{self.name}}}:*", count=1000))
            if names:
                self._client.delete(*names)


class _Teller:
    """Tells of jobs, with what is known of them beside the lists."""

    def __init__(self, deaths: dict[str, str], errors: dict[str, str]) -> None:
        self._deaths, self._errors = deaths, errors

    def job(self, body: bytes) -> dict[str, Any]:
        """Return a job as the page shows it."""
        members = json.loads(body)
        name = members["id"]
        return {
            "id": name, "task": members["task"], "tries": members["tries"],
            "crashes": int(self._deaths.get(name, 0)), "why": self._errors.get(name, ""),
        }  # fmt: skip


def _decoded(pairs: dict[bytes, bytes]) -> dict[str, str]:
    return {name.decode(): value.decode("utf-8", "replace") for name, value in pairs.items()}


class QueueLab:
    """The lab; *clock* returns seconds from any beginning."""

    def __init__(self, redis_url: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._url, self._clock = redis_url, clock
        self._client = redis_client(redis_url)
        self._lock = threading.Lock()
        self._rooms: dict[str, _Room] = {}
        # A child dies with the thread that started it (prctl(2)): this one lasts as long as the lab.
        self._starter = ThreadPoolExecutor(1, thread_name_prefix="lab-workers")

    def answer(self, method: str, path: tuple[str, ...], body: Mapping[str, Any], _: str) -> Any:
        """See the head of this file."""
        if (method, path) == ("POST", ()):
            return self._new()
        if not path:
            raise NoSuchThing
        with self._lock:
            room = self._rooms.get(path[0])
            if room is None:
                raise NoSuchThing
            room.asked = self._clock()
            return self._within(room, method, path[1:], body)

    def _new(self) -> dict[str, Any]:
        with self._lock:
            now = self._clock()
            idle = [name for name, room in self._rooms.items() if now - room.asked > IDLE_SECONDS]
            most_idle = sorted(self._rooms, key=lambda name: self._rooms[name].asked)[: 1 - MOST_QUEUES or None]
            for name in {*idle, *(most_idle if len(self._rooms) >= MOST_QUEUES else ())}:
                self._rooms.pop(name).close()
            name = secrets.token_hex(6)
            self._rooms[name] = _Room(self._client, self._url, f"lab-{name}", now)
            return {"id": name, "queue": f"lab-{name}", "grace": GRACE}

    def _within(self, room: _Room, method: str, path: tuple[str, ...], body: Mapping[str, Any]) -> Any:
        match method, path:
            case "GET", ():
                return room.state()
            case "DELETE", ():
                self._rooms.pop(room.name.removeprefix("lab-")).close()
            case "POST", ("jobs",):
                _put(room, body)
            case "POST", ("jobs", name):
                _revive(room, name)
            case "POST", ("workers",):
                return {"name": self._starter.submit(room.start).result()}
            case "DELETE", ("workers", name):
                return {"held": room.kill(name)}
            case "DELETE", ("workers", name, "leave"):
                room.worker(name).tell(signal.SIGTERM)
            case _:
                raise NoSuchThing
        return {}

    def close(self) -> None:
        """End every queue."""
        with self._lock:
            for room in self._rooms.values():
                room.close()
            self._rooms.clear()
        self._starter.shutdown()
        self._client.close()


def _put(room: _Room, body: Mapping[str, Any]) -> None:
    task, count = text(body, "task"), body.get("count", 1)
    if task not in TASKS:
        raise BadQuestion(f"task is none of {', '.join(TASKS)}")
    if type(count) is not int or not 1 <= count <= 10:
        raise BadQuestion("count is no number from 1 to 10")
    counts = room.queue.counts()
    if counts.put - counts.done + count > MOST_JOBS:
        raise BadQuestion(f"at most {MOST_JOBS} jobs at once")
    for number in range(counts.put + 1, counts.put + 1 + count):
        room.queue.put(task, id=f"{task}-{number}-{secrets.token_hex(2)}", seconds=WORK_SECONDS)


def _revive(room: _Room, name: str) -> None:
    try:
        if not room.queue.revive(name):
            raise NoSuchThing
    except Known as error:
        raise BadQuestion(f"job {error.id} stands in its place") from None
