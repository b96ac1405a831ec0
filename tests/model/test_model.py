"""Every order of events in small systems: the laws hold in each state, and a queue that is broken is found out."""

import pytest

from dada import queue
from tests.model.explore import Broken, explore
from tests.model.system import MEMORY, Bounds, Step, System

SYSTEMS = {
    "two jobs, a crash and a lost reply": Bounds(jobs=2, crashes=1, cuts=1),
    "two jobs, two crashes": Bounds(jobs=2, crashes=2, cuts=0),
    "three jobs, a crash": Bounds(jobs=3, crashes=1, cuts=0),
    "three jobs, a lost reply": Bounds(jobs=3, crashes=0, cuts=1),
    "three jobs, three workers": Bounds(workers=3, jobs=1, crashes=1, cuts=0),
    "two at once": Bounds(jobs=2, batch=2, crashes=1, cuts=0),
    "a job fails": Bounds(jobs=1, crashes=1, cuts=1, failures=1),
    "the relay is late": Bounds(jobs=1, crashes=1, cuts=1, relays=1),
    "a job is cancelled": Bounds(jobs=1, crashes=1, cuts=1, cancels=1),
    "workers wait, and leave ghosts": Bounds(jobs=1, crashes=1, cuts=0, waits=True),
    "processes look for lists that nobody owns": Bounds(jobs=1, crashes=1, cuts=1, adopts=True),
}


@pytest.mark.parametrize("bounds", SYSTEMS.values(), ids=SYSTEMS)
def test_whatever_happens_the_laws_hold(bounds):
    found = explore(bounds)
    assert found.states > 1000
    assert found.ends


# Each is the queue with one line of a script changed: what it was, what it is, the law that the model finds broken.
BROKEN = {
    "who does not hold a job may finish it": (
        "finish", "if redis.call('LREM', mine, -1, body) == 0 then return 0 end", "redis.call('LREM', mine, -1, body)",
        Bounds(jobs=1, cuts=1), "I1",
    ),
    "an id is put twice": ("put", "if key ~= '' and not", "if false and not", Bounds(jobs=1, cuts=1), "I1"),
    "what a dead worker held is thrown away": (
        "claim", "else redis.call('RPUSH', ready, body) end", "end", Bounds(jobs=1), "I1",
    ),
    "the living are taken for dead": (
        "claim", "'-inf', now - grace, 'LIMIT'", "'-inf', now, 'LIMIT'", Bounds(jobs=1), "I5",
    ),
    "a job is given up too early": ("claim", "deaths > allowed", "deaths >= allowed", Bounds(jobs=1), "I7"),
    "a job is given up too late": (
        "claim", "deaths > allowed", "deaths > allowed + 1", Bounds(jobs=1, crashes=2), "I7",
    ),
    "a lost reply is not noticed": ("claim", "if held ~= known then", "if false then", Bounds(jobs=1), "I2"),
    "who claims is not in the register": (
        "claim", "redis.call('ZADD', workers, now, me)", "", Bounds(jobs=1, cuts=0), "I2",
    ),
    "lists without an owner stay so": (
        "adopt", "redis.call('ZADD', workers, 'NX', 0, worker)", "", Bounds(jobs=1, cuts=0, waits=True), "stuck",
    ),
    "a job that is cancelled is not taken out of the line": (
        "cancel", "if gone == 1 then", "if true then", Bounds(jobs=1, crashes=0, cuts=0, cancels=1), "I1",
    ),
    "a failure loses the job": (
        "finish", "redis.call('ZADD', later, now + tonumber(ARGV[6]), ARGV[5])", "",
        Bounds(jobs=1, cuts=0, failures=1), "I1",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("script", "was", "now", "bounds", "law"), BROKEN.values(), ids=BROKEN)
def test_a_broken_queue_is_found_out(monkeypatch, script, was, now, bounds, law):
    text = queue.SCRIPTS[script]
    assert text.count(was) == 1
    monkeypatch.setitem(queue.SCRIPTS, script, text.replace(was, now))
    with pytest.raises(Broken) as caught:
        explore(bounds)
    assert caught.value.law.startswith(law), caught.value
    assert len(caught.value.way) > 2


def test_an_effect_that_does_not_look_for_its_row_happens_twice(monkeypatch):
    def effect(state, worker, now):
        job_id = worker.hand[0].id
        rows = tuple(row for row in state.rows if row != job_id)
        after = state._replace(rows=rows, effects=tuple(sorted((*state.effects, job_id))))
        yield Step(f"{worker.name}: runs {job_id}", now(after, fate="done"))

    monkeypatch.setattr(System, "_effect", staticmethod(effect))
    with pytest.raises(Broken, match="I8") as caught:
        explore(Bounds(jobs=1, cuts=0))
    assert any("kill -9" in what or "grace" in what for what in caught.value.way)


def test_the_model_knows_everything_that_a_queue_remembers():
    system = System(Bounds(jobs=1))
    before = {name: value for name, value in vars(system.queue).items() if name not in MEMORY}
    known = {name: repr(value) for name, value in before.items()}
    explore(system.bounds, system)
    after = {name: value for name, value in vars(system.queue).items() if name not in MEMORY}
    assert {name: repr(value) for name, value in after.items()} == known
