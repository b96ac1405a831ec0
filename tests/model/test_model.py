"""Every order of events in small systems: the laws hold in each state, and a queue that is broken is found out."""

import pytest

from dada import queue
from tests.model.explore import Broken, explore
from tests.model.system import MEMORY, Bounds, Step, System

# Counting lines makes each of these steps ten times as long; what they run is counted by the tests of the queue.
pytestmark = pytest.mark.usefixtures("uncounted")

SYSTEMS = {
    "a job, two crashes and a lost reply": Bounds(jobs=1, crashes=2, cuts=1),
    "two jobs, a lost reply": Bounds(jobs=2, crashes=0, cuts=1),
    "three jobs, a crash": Bounds(jobs=3, crashes=1, cuts=0),
    "a job, three workers": Bounds(workers=3, jobs=1, crashes=1, cuts=0),
    "two at once": Bounds(jobs=2, batch=2, crashes=1, cuts=0),
    "two at once, done is said with the next claim": Bounds(jobs=2, batch=2, crashes=1, cuts=0, finish="claim"),
    "done is said with the next claim": Bounds(jobs=1, crashes=1, cuts=1, finish="claim"),
    "done is said and not waited for": Bounds(jobs=1, crashes=1, cuts=1, finish="acknowledge"),
    "two at once, done is not waited for": Bounds(jobs=2, batch=2, crashes=1, cuts=0, finish="acknowledge"),
    "a job fails": Bounds(jobs=1, crashes=1, cuts=0, failures=1),
    "the relay is late": Bounds(jobs=1, crashes=1, cuts=1, relays=1),
    "a job is cancelled": Bounds(jobs=1, crashes=1, cuts=0, cancels=1),
    "a command arrives when its worker is no more": Bounds(jobs=1, crashes=1, cuts=0, ghosts=1),
    "workers wait for a bell that a ghost may steal": Bounds(jobs=1, crashes=1, cuts=0, waits=True, ghosts=1),
    "processes look for a list that nobody owns": Bounds(jobs=1, crashes=1, cuts=0, adopts=True, orphan=True),
}


@pytest.mark.parametrize("bounds", SYSTEMS.values(), ids=SYSTEMS)
def test_whatever_happens_the_laws_hold(bounds):
    found = explore(bounds)
    assert found.states > 500
    assert found.ends


# Each is the queue with one line of a script changed: what it was, what it is, the law that the model finds broken.
BROKEN = {
    "who does not hold a job may finish it": (
        "finish", "ARGV[1], -1, body) == 0 then return 0 end", "ARGV[1], -1, body) == 7 then return 0 end",
        Bounds(jobs=1, cuts=1), "I1",
    ),
    "an id is put twice": (
        "put_once", "if redis.call('SET', guard, id_of(body), 'NX') then", "if true then", Bounds(jobs=1), "I1",
    ),
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
    "a lost reply is not noticed": (
        "claim", "if redis.call('LLEN', mine) ~= known then", "if false then", Bounds(jobs=1), "I2",
    ),
    "who claims is not in the register": (
        "claim", "redis.call('ZADD', workers, now, me)", "", Bounds(jobs=1, cuts=0), "I2",
    ),
    "lists without an owner stay so": (
        "adopt", "redis.call('ZADD', q .. 'workers', 'NX', 0, worker)", "",
        Bounds(jobs=1, cuts=0, adopts=True, orphan=True), "stuck",
    ),
    "a job that is cancelled is not taken out of the line": (
        "cancel", "or redis.call('LREM', q .. 'ready', 1, body)", "or 1",
        Bounds(jobs=1, crashes=0, cuts=0, cancels=1), "I1",
    ),
    "who acknowledges all at once acknowledges what he does not hold": (
        "claim", "if all or redis.call('LREM', mine, -1, ARGV[i]) == 1 then", "if true then",
        Bounds(jobs=1, cuts=1, finish="claim"), "I1",
    ),
    "what was taken stays in line": (
        "claim", "redis.call('LTRIM', ready, 0, -#taken - 1)", "", Bounds(jobs=1, batch=2, cuts=0), "I1",
    ),
    "a failure loses the job": (
        "finish", "redis.call('ZADD', q .. 'later', now + tonumber(ARGV[6]), ARGV[5])", "",
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
    assert len(caught.value.way) > 2 or bounds.orphan


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
