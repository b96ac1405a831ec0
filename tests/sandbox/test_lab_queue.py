"""The queue lab: real lists, real workers, and what becomes of jobs when those die."""

import pytest

from sandbox import lab_queue
from sandbox.lab_queue import QueueLab
from sandbox.labs import BadQuestion, NoSuchThing
from tests.servers import wait_until


class Room:
    """A queue of the lab, and short words for what tests do with it."""

    def __init__(self, lab):
        self.lab, self.id = lab, lab.answer("POST", (), {}, "")["id"]

    def ask(self, method, *path, **body):
        return self.lab.answer(method, (self.id, *path), body, "")

    @property
    def state(self):
        return self.ask("GET")

    def put(self, task, count=1):
        self.ask("POST", "jobs", task=task, count=count)

    def start(self):
        return self.ask("POST", "workers")["name"]

    def worker(self, name):
        return next((worker for worker in self.state["workers"] if worker["name"] == name), None)

    def until(self, condition, what):
        return wait_until(lambda: condition(self.state), what)


@pytest.fixture
def lab(redis_server):
    with redis_server.client() as client:
        client.flushall()
    made = QueueLab(redis_server.url)
    yield made
    made.close()
    with redis_server.client() as client:
        assert client.keys("*lab-*") == []


@pytest.fixture
def room(lab, monkeypatch):
    monkeypatch.setattr(lab_queue, "WORK_SECONDS", 0.1)
    return Room(lab)


def test_jobs_wait_in_line_and_none_runs_without_a_worker(room):
    room.put("work", 3)
    assert [job["task"] for job in room.state["ready"]] == ["work"] * 3
    assert room.state["counts"] == {"put": 3, "ready": 3, "held": 0, "later": 0, "dead": 0, "done": 0}


def test_a_worker_does_them(room):
    room.put("work", 2)
    name = room.start()
    room.until(lambda state: state["counts"]["done"] == 2, "two jobs to be done")
    assert room.worker(name)["alive"]


def test_a_killed_worker_s_job_is_taken_back_and_done_by_another(room, monkeypatch):
    monkeypatch.setattr(lab_queue, "WORK_SECONDS", 30)
    room.put("work")
    first = room.start()
    room.until(lambda state: any(worker["held"] for worker in state["workers"]), "a job to be held")
    assert room.ask("DELETE", "workers", first) == {"held": 1}
    told = room.worker(first)
    assert not told["alive"]
    assert len(told["held"]) == 1
    second = room.start()
    room.until(lambda _: (room.worker(second) or {}).get("held"), "the other to hold it")
    assert room.worker(second)["held"][0]["crashes"] == 1
    assert room.state["counts"]["put"] == 1


def test_one_that_fails_twice_is_done_at_its_third_try(room):
    room.put("flaky")
    room.start()
    room.until(lambda state: state["later"] and state["later"][0]["tries"], "a retry")
    room.until(lambda state: state["counts"]["done"] == 1, "it to be done")


def test_one_that_always_fails_is_buried_with_its_error_and_may_be_revived(room):
    room.put("fail")
    name = room.start()
    [dead] = room.until(lambda state: state["dead"], "it to be given up")
    assert dead["why"] == "failed 3 times"
    assert room.ask("DELETE", "workers", name) == {"held": 0}
    room.ask("POST", "jobs", dead["id"])
    assert [job["id"] for job in room.state["ready"]] == [dead["id"]]
    assert room.state["dead"] == []


def test_poison_kills_two_workers_and_is_buried(room):
    room.put("poison")
    room.start()
    for _ in range(2):
        room.until(lambda state: not any(worker["alive"] for worker in state["workers"]), "the worker to die")
        room.start()
    [dead] = room.until(lambda state: state["dead"], "the job to be given up")
    assert dead["why"] == "its worker died 2 times"


def test_who_is_sent_home_finishes_and_signs_off(room):
    name = room.start()
    room.until(lambda _: room.worker(name)["registered"], "the worker to sign on")
    room.ask("DELETE", "workers", name, "leave")
    room.until(lambda _: room.worker(name) is None, "the worker to sign off")


def test_there_are_bounds(room, monkeypatch):
    monkeypatch.setattr(lab_queue, "MOST_WORKERS", 1)
    room.start()
    with pytest.raises(BadQuestion, match="at most 1 worker"):
        room.start()
    for _ in range(4):
        room.put("fail", 10)
    with pytest.raises(BadQuestion, match="at most"):
        room.put("work", 10)


@pytest.mark.parametrize("body", [{"task": "rm"}, {"task": "work", "count": 0}, {"task": "work", "count": "2"}, {}])
def test_what_is_no_job(room, body):
    with pytest.raises(BadQuestion):
        room.ask("POST", "jobs", **body)


@pytest.mark.parametrize(
    ("method", "path"), [("PUT", ()), ("DELETE", ("workers", "w9")), ("POST", ("jobs", "none")), ("GET", ("x",))]
)
def test_what_there_is_not(room, method, path):
    with pytest.raises(NoSuchThing):
        room.ask(method, *path)


def test_a_queue_that_was_ended_is_gone(room, redis_server):
    room.put("work")
    room.ask("DELETE")
    with pytest.raises(NoSuchThing):
        room.ask("GET")
    with redis_server.client() as client:
        assert client.keys(f"*{room.id}*") == []


def test_the_one_asked_about_longest_ago_makes_room(lab):
    rooms = [Room(lab) for _ in range(lab_queue.MOST_QUEUES)]
    for room in rooms[1:]:
        room.ask("GET")
    last = Room(lab)
    assert last.state["ready"] == []
    with pytest.raises(NoSuchThing):
        rooms[0].ask("GET")
    rooms[1].ask("GET")


def test_idle_queues_are_ended_by_who_makes_the_next(redis_server):
    now = [0.0]
    lab = QueueLab(redis_server.url, clock=lambda: now[0])
    first = Room(lab)
    now[0] = lab_queue.IDLE_SECONDS + 1
    Room(lab)
    with pytest.raises(NoSuchThing):
        first.ask("GET")
    lab.close()
