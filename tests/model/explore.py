"""Visits every state that a small system can be in, and proves the laws of the queue in each of them.

    I1  a job is in one place: put = places + done
    I5  nobody takes from a worker's list but the worker itself, or whoever finds it silent
    I7  a job that came back too often is dead, and no other is dead for that
    I8  no effect happens twice
        no job is lost: it has had its effect, or it is in a list
    I2, I4, I6  from every state, whatever was lost or killed on the way, everything ends well without another blow;
        and where every list belongs to a worker that lives, it ends well without anybody being taken for dead

This file knows states; what may happen is in `system.py`.
"""

import re
from collections import deque
from functools import lru_cache
from typing import NamedTuple

from tests.model.memory import Frozen
from tests.model.system import LIVE, Bounds, State, Step, System

__all__ = ["Broken", "Found", "explore"]

_ID = re.compile(r'^\{"id":"([^"]*)"')


class Broken(AssertionError):
    """A law that does not hold, and the way to the state where it does not."""

    def __init__(self, law: str, way: list[str]) -> None:
        super().__init__(f"{law}\n" + "\n".join(f"{number:3}  {what}" for number, what in enumerate(way, 1)))
        self.law, self.way = law, way


class Found(NamedTuple):
    """What was visited: how many states, steps between them, and ends where nothing is left to do."""

    states: int
    steps: int
    ends: int


class Lists(NamedTuple):
    """Where the bodies are, read from Redis' state without any script."""

    ready: tuple[str, ...]
    later: tuple[str, ...]
    dead: tuple[str, ...]
    held: dict[str, tuple[str, ...]]  # by worker
    counts: dict[str, str]
    crashes: dict[str, str]
    why: dict[str, str]
    heard: dict[str, float]  # workers by their last sign of life

    @classmethod
    @lru_cache(1 << 16)
    def of(cls, redis: Frozen) -> "Lists":
        """Read the state of a Redis."""
        keys = {key.removeprefix("{q}:"): value[1] for key, value in redis}
        return cls(
            keys.get("ready", ()),
            tuple(body for body, _ in keys.get("later", ())),
            tuple(body for body, _ in keys.get("dead", ())),
            {key.removeprefix("work:"): value for key, value in keys.items() if key.startswith("work:")},
            dict(keys.get("counts", ())),
            dict(keys.get("crashes", ())),
            dict(keys.get("why", ())),
            dict(keys.get("workers", ())),
        )

    @property
    def everywhere(self) -> list[str]:
        """The id of every body, once for each place it is in."""
        bodies = [*self.ready, *self.later, *self.dead, *(body for held in self.held.values() for body in held)]
        return [id_of(body) for body in bodies]


def id_of(body: str) -> str:
    found = _ID.match(body)
    assert found, body
    return found[1]


def broken(state: State, bounds: Bounds) -> str:
    """Return the law that does not hold in *state*, or nothing."""
    lists = Lists.of(state.redis)
    ids = lists.everywhere
    put, done = int(lists.counts.get("put", 0)), int(lists.counts.get("done", 0))
    if len(set(ids)) < len(ids):
        return f"I1: a job is in two places: {sorted(ids)}"
    if put != len(ids) + done:
        return f"I1: {put} were put, {len(ids)} are there, {done} are done"
    if len(set(state.effects)) < len(state.effects):
        return f"I8: an effect happened twice: {state.effects}"
    if lost := [f"j{n}" for n in range(state.put) if f"j{n}" in state.rows and f"j{n}" not in ids]:
        return f"lost: {lost}"
    if any(int(deaths) > bounds.max_crashes for deaths in lists.crashes.values()):
        return f"I7: came back too often: {lists.crashes}"
    for body in lists.dead:
        reason = re.search(r"died (\d+) times", lists.why.get(id_of(body), ""))
        if reason and int(reason[1]) != bounds.max_crashes + 1:
            return f"I7: dead after {reason[0]}"
    return ""


def broken_by(before: State, step: Step) -> str:
    """Return the law that *step* breaks, or nothing: I5."""
    if before.redis == step.after.redis:
        return ""
    was, now = Lists.of(before.redis), Lists.of(step.after.redis)
    for worker, bodies in was.held.items():
        gone = set(bodies) - set(now.held.get(worker, ()))
        if gone and worker != step.actor and was.heard.get(worker) == LIVE:
            return f"I5: somebody else took from {worker}, who lives"
    return ""


def ended(state: State, bounds: Bounds) -> bool:
    """Whether nothing is left to do."""
    lists = Lists.of(state.redis)
    at_rest = not any(worker.hand for worker in state.workers) and not state.relay and not state.canceller
    return at_rest and state.put == bounds.jobs and not (lists.ready or lists.later or lists.held)


def in_living_hands(state: State) -> bool:
    """Whether every list belongs to a worker that lives and may wait for nobody's silence."""
    return set(Lists.of(state.redis).held) <= {worker.name for worker in state.workers}


def explore(bounds: Bounds, system: System | None = None) -> Found:
    """Visit everything that *bounds* allow.  Raise :exc:`Broken` with the shortest way to what breaks a law."""
    return _Explorer(bounds, system or System(bounds)).run()


class _Explorer:
    def __init__(self, bounds: Bounds, system: System) -> None:
        self.bounds, self.system = bounds, system
        self.numbers: dict[State, int] = {}
        self.came_by: list[tuple[int, str]] = []  # for each state: from which, and how
        self.back: list[list[tuple[int, str]]] = []  # for each state: from which, by which kind of step
        self.ends: list[int] = []
        self.living: list[int] = []

    def run(self) -> Found:
        frontier: deque[tuple[int, State]] = deque()
        steps = 0
        self._meet(self.system.first(), 0, "", frontier)
        while frontier:
            number, state = frontier.popleft()
            for step in self.system.steps(state):
                steps += 1
                if law := broken_by(state, step):
                    raise Broken(law, [*self._way(number), step.what])
                after = self._meet(step.after, number, step.what, frontier)
                self.back[after].append((number, step.kind))
        self._all_end_well()
        return Found(len(self.numbers), steps, len(self.ends))

    def _meet(self, state: State, before: int, what: str, frontier: "deque[tuple[int, State]]") -> int:
        number = self.numbers.setdefault(state, len(self.numbers))
        if number < len(self.came_by):
            return number
        self.came_by.append((before, what))
        self.back.append([])
        if law := broken(state, self.bounds):
            raise Broken(law, self._way(number))
        if ended(state, self.bounds):
            self.ends.append(number)
        if in_living_hands(state):
            self.living.append(number)
        frontier.append((number, state))
        return number

    def _all_end_well(self) -> None:
        laws = (
            ("stuck: it does not end well any more", range(len(self.numbers)), ("plain", "silence")),
            ("I2: a worker that lives does not read what it holds", self.living, ("plain",)),
        )
        for law, states, kinds in laws:
            if bad := set(states) - self._reach(kinds):
                raise Broken(law, self._way(min(bad)))

    def _reach(self, kinds: tuple[str, ...]) -> set[int]:
        """Return the states from which an end can be reached by steps of these *kinds*."""
        found, left = set(self.ends), list(self.ends)
        while left:
            for before, kind in self.back[left.pop()]:
                if kind in kinds and before not in found:
                    found.add(before)
                    left.append(before)
        return found

    def _way(self, number: int) -> list[str]:
        way = []
        while number:
            number, what = self.came_by[number]
            way.append(what)
        return way[::-1]
