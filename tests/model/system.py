"""A small system around the queue, as a value: producers, workers, a database, and everything that may happen next.

The queue is the real `dada.queue.Queue` with its real scripts, on a Redis in this process (`memory.py`).  One step is
one call of Redis, one commit of the database, or one blow: a crash, a lost reply, a silence longer than the grace.  A
method of the queue that calls Redis twice is two steps, and anything may happen in between: it is run again from its
beginning with the replies that it had, until it asks for the next.

    worker    claim → effect, with the job's row, in one transaction → done;  or again; it may be killed anywhere, even
              with a command on its way that Redis serves when the worker is no more, be frozen, be taken for dead and
              go on, wait for a bell
    producer  puts its jobs one by one, with ids of its own, and again after a lost reply
    relay     sees a row, and puts its job again, however late
    operator  cancels a job

This file knows what may happen; `explore.py` visits everything, and says what must hold.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from dada.queue import SCRIPTS, Job, Queue
from tests.model.memory import Frozen, Memory

__all__ = ["Bounds", "Lost", "State", "System"]

LIVE, DEAD = 10**12, 1  # the last sign of life of who is heard, and of who is silent
MEMORY = ("_hands", "_adopted")  # all that a Queue remembers between two calls; test_model.py sees to that


class Lost(ConnectionError):
    """The reply did not come."""


class _Pause(BaseException):
    """The call that is run again has no reply for what it asks now."""


class Bounds(NamedTuple):
    """How large the system is, and how many blows it may get."""

    workers: int = 2
    jobs: int = 2
    batch: int = 1  # jobs a worker claims at once
    crashes: int = 1
    cuts: int = 1  # replies that are lost, Redis' or the database's
    failures: int = 0  # runs of a job that fail
    relays: int = 0
    cancels: int = 0
    ghosts: int = 0  # commands that are on their way when their worker is killed
    waits: bool = False  # whether workers wait for the bell
    finish: str = "done"  # or "acknowledge", or "claim": how a worker says that a job is done
    orphan: bool = False  # whether the first job is in a list that nobody owns
    adopts: bool = False  # whether each process looks for lists without an owner when it begins
    max_crashes: int = 1


class Call(NamedTuple):
    """A method of the queue on its way: the memory of its caller when it began, and the replies it had."""

    method: str
    args: tuple[Any, ...]
    memory: Any
    replies: tuple[Any, ...] = ()


class Worker(NamedTuple):
    """A process: its name, its queue's memory, the jobs in its hands, what became of the first, the call it makes."""

    name: str
    memory: Any
    hand: tuple[Job, ...] = ()
    fate: str = ""  # of the first job: "", "done", "again"
    ran: tuple[Job, ...] = ()  # done, and to be said with the next claim
    call: Call | None = None


class State(NamedTuple):
    """Everything, as a value."""

    redis: Frozen
    rows: tuple[str, ...]  # the outbox
    effects: tuple[str, ...]  # ids of jobs whose effect was committed, one for each time
    workers: tuple[Worker, ...]
    ghosts: tuple[Call, ...]  # what was sent by workers that are no more
    put: int  # jobs that the producer put
    relay: str  # the job whose row the relay saw
    canceller: Call | None
    left: Bounds  # what may still happen


class Step(NamedTuple):
    """What happened, the state after it, and of which kind it was: without blows everything must end well."""

    what: str
    after: State
    kind: str = "plain"  # or "silence", "blow"
    actor: str = ""  # the worker


class _Client:
    """Redis as one method call sees it: first the replies it had, then one real one."""

    def __init__(self, memory: Memory) -> None:
        self.redis = memory
        self.replies: list[Any] = []
        self.asked = 0
        self.fresh: Any = None  # how the one real call is made; None if it was made
        self.bell = False  # whether the next call waits for a job

    def execute_command(self, *words: Any) -> Any:
        return self._answer(lambda: self.redis.execute_command(*words), waits=words[0] == "BRPOP")

    def scan_iter(self, match: str, count: int) -> Any:
        return iter(self._answer(lambda: tuple(self.redis.scan_iter(match, count))))

    def _answer(self, ask: Callable[[], Any], *, waits: bool = False) -> Any:
        self.asked += 1
        if self.asked <= len(self.replies):
            return _unlisted(self.replies[self.asked - 1])
        self.bell = waits
        if self.fresh is None:
            raise _Pause
        how, self.fresh = self.fresh, None
        self.bell = False
        if how == "unsent":
            raise Lost
        reply = None if how == "in vain" else ask()
        if how == "lost":
            raise Lost
        self.replies.append(reply)
        return reply


class System:
    """Says what may happen next."""

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self.memory = Memory(LIVE)
        for text in SCRIPTS.values():
            self.memory.load(text)
        self.client = _Client(self.memory)
        self.queue = Queue(
            self.client, "q", grace=3600, max_crashes=bounds.max_crashes, clock=lambda: 0.6 * self.client.asked
        )
        self._long_ago = self._remember()
        # Many states have the same Redis and the same call: what comes of that is found out once.
        self._asked = lru_cache(1 << 17)(self._one_reply)
        self._waits = lru_cache(1 << 17)(self._is_bell)
        with_time = dict(self._long_ago) | ({} if bounds.adopts else {"_adopted": 0.0})
        self._born = tuple(with_time.items())

    def first(self) -> State:
        """Return the state in which nothing has happened."""
        workers = tuple(Worker(f"{'abc'[number]}0", self._born) for number in range(self.bounds.workers))
        state = State((), (), (), workers, (), 0, "", None, self.bounds)
        if not self.bounds.orphan:
            return state
        after, _, _, _ = self._ask(state, Call("put", (("t",), (("id", "j0"),)), self._born), "real")
        self.memory.thaw(after.redis)
        self.memory.command("LMOVE", "{q}:ready", "{q}:work:x0", "RIGHT", "LEFT")
        return after._replace(redis=self.memory.freeze(), rows=("j0",), put=1)

    # --- the queue's memory in a process ---

    def _remember(self) -> Any:
        hands = tuple(
            (worker, hand.sure, tuple(map(_bare, hand.held.values())), tuple(sorted(hand.sent)))
            for worker, hand in self.queue._hands.items()
            if not (hand.sure and not hand.held and not hand.sent)
        )
        return (("_hands", hands), ("_adopted", self.queue._adopted))

    def _recall(self, memory: Any) -> None:
        (_, hands), (_, self.queue._adopted) = memory
        self.queue._hands.clear()
        for worker, sure, held, sent in hands:
            hand = self.queue._hand(worker)
            hand.sure, hand.held, hand.sent = sure, {job.body: job for job in held}, set(sent)

    # --- one call of Redis ---

    def _ask(self, state: State, call: Call, how: str) -> tuple[State, Any, Call | None, Any]:
        """Let *call* go on by one reply: the state, what it returned, the call if it is not over, and its memory."""
        redis, returned, going_on, memory = self._asked(state.redis, call, how)
        return state._replace(redis=redis), returned, going_on, memory

    def _one_reply(self, redis: Frozen, call: Call, how: str) -> tuple[Frozen, Any, Call | None, Any]:
        returned, going_on = None, None
        try:
            returned = self._again(redis, call, how)
            if call.method == "claim":
                returned = tuple(map(_bare, returned))
        except Lost as lost:
            returned = lost
        except _Pause:
            going_on = call._replace(replies=tuple(map(_listed, self.client.replies)))
        if not self.bounds.waits:  # nobody listens
            self.memory.store.pop("{q}:bell", None)
        return self.memory.freeze(), returned, going_on, self._remember()

    def _is_bell(self, redis: Frozen, call: Call) -> bool:
        try:
            self._again(redis, call, None)
        except _Pause:
            return self.client.bell
        raise AssertionError("a call that is not over asks for something")

    def _again(self, redis: Frozen, call: Call, how: str | None) -> Any:
        """Run *call* from its beginning, with the replies it had, and one more if *how* says how that comes."""
        self.memory.thaw(redis)
        self._recall(call.memory)
        self.client.replies, self.client.asked, self.client.fresh = list(call.replies), 0, how
        return getattr(self.queue, call.method)(*call.args[0], **dict(call.args[1]))

    def _replies(self, state: State, call: Call) -> Iterator[tuple[str, str]]:
        """Give the ways in which the next reply may come."""
        if self._waits(state.redis, call):
            yield "in vain", ""
            if "{q}:bell" in dict(state.redis):
                yield "real", "woken"
        else:
            yield "real", ""
        if state.left.cuts:
            yield "lost", "reply lost"
            yield "unsent", "connection lost"

    # --- what may happen ---

    def steps(self, state: State) -> Iterator[Step]:
        """Give every step that *state* may take."""
        yield from self._producer(state)
        for place, worker in enumerate(state.workers):
            yield from self._worker(state, place, worker)
        yield from self._redis(state)
        if state.left.relays or state.relay:
            yield from self._relay(state)
        if state.left.cancels or state.canceller:
            yield from self._operator(state)

    def _producer(self, state: State) -> Iterator[Step]:
        if state.put == self.bounds.jobs:
            return
        job_id = f"j{state.put}"
        if job_id not in state.rows and job_id not in state.effects:
            yield Step(f"producer: commits the row of {job_id}", state._replace(rows=(*state.rows, job_id)))
            return
        call = Call("put", (("t",), (("id", job_id),)), self._born)
        after, _, _, _ = self._ask(state, call, "real")
        yield Step(f"producer: puts {job_id}", after._replace(put=state.put + 1))
        if state.left.cuts:
            yield Step(f"producer: puts {job_id}, reply lost", _fewer(after, "cuts"), "blow")

    def _relay(self, state: State) -> Iterator[Step]:
        if not state.relay:
            for job_id in state.rows:
                yield Step(f"relay: sees the row of {job_id}", _fewer(state._replace(relay=job_id), "relays"), "blow")
            return
        after, _, _, _ = self._ask(state, Call("put", (("t",), (("id", state.relay),)), self._born), "real")
        yield Step(f"relay: puts {state.relay}", after._replace(relay=""))

    def _operator(self, state: State) -> Iterator[Step]:
        if state.canceller:
            after, _, going_on, _ = self._ask(state, state.canceller, "real")
            yield Step("operator: goes on with cancelling", after._replace(canceller=going_on))
            return
        for number in range(state.put):
            call = Call("cancel", ((f"j{number}",), ()), self._born)
            after, _, going_on, _ = self._ask(_fewer(state, "cancels"), call, "real")
            yield Step(f"operator: cancels j{number}", after._replace(canceller=going_on), "blow")

    def _redis(self, state: State) -> Iterator[Step]:
        for ghost in state.ghosts:
            after, _, _, _ = self._ask(state, ghost, "real")
            ghosts = tuple(call for call in state.ghosts if call is not ghost)
            what = f"redis: serves {_told(ghost)} of a worker that is no more"
            yield Step(what, after._replace(ghosts=ghosts), "blow", ghost.args[0][0])
        silent = _silence(state.redis)
        if silent != state.redis:
            yield Step("time: longer than the grace", state._replace(redis=silent), "silence")
        if self._orphans(state) and not any(worker.call for worker in state.workers):
            looking = tuple(worker._replace(memory=self._looks_again(worker.memory)) for worker in state.workers)
            if looking != state.workers:
                yield Step("time: a minute", state._replace(workers=looking))

    @staticmethod
    def _orphans(state: State) -> bool:
        keys = dict(state.redis)
        register = dict(keys.get("{q}:workers", ("z", ()))[1])
        return any(key.startswith("{q}:work:") and key[9:] not in register for key in keys)

    def _looks_again(self, memory: Any) -> Any:
        return tuple((dict(memory) | {"_adopted": dict(self._long_ago)["_adopted"]}).items())

    # --- a worker ---

    def _worker(self, state: State, place: int, worker: Worker) -> Iterator[Step]:
        def now(after: State, **changed: Any) -> State:
            workers = list(after.workers)
            workers[place] = worker._replace(**changed)
            return after._replace(workers=tuple(workers))

        yield from self._main_thread(state, worker, now)
        yield from self._beat(state, worker, now)
        if state.left.crashes and (worker.hand or worker.call or f"{{q}}:work:{worker.name}" in dict(state.redis)):
            yield self._crash(state, place, worker)
        if state.left.crashes and state.left.ghosts and not (worker.hand and not worker.fate):
            yield self._crash(_fewer(state, "ghosts"), place, worker, worker.call or self._next_call(worker))

    def _main_thread(self, state: State, worker: Worker, now: Callable[..., State]) -> Iterator[Step]:
        call = worker.call
        if call is None and worker.hand and not worker.fate:
            yield from self._effect(state, worker, now)
            return
        if call is None and worker.fate == "done" and self.bounds.finish == "claim":
            worker = worker._replace(hand=worker.hand[1:], fate="", ran=(*worker.ran, worker.hand[0]))
            yield Step(
                f"{worker.name}: keeps it for the next claim", now(state, **worker._asdict()), "plain", worker.name
            )
            return
        if call is None:
            call = self._next_call(worker)
        ways = self._replies(state, call) if call.replies else self._first_replies(state)
        for how, told in ways:
            after, returned, going_on, memory = self._ask(state, call, how)
            after = _fewer(after, "cuts") if how in ("lost", "unsent") else after
            what = f"{worker.name}: {_told(call)}{f', {told}' if told else ''}"
            finished = {"hand": worker.hand[1:], "fate": ""}
            if going_on:
                yield Step(f"{what} …", now(after, call=going_on), "plain", worker.name)
            elif isinstance(returned, Lost):
                # What was acknowledged is the queue's to repeat; whatever else failed is called again.
                changed = finished if call.method == "acknowledge" else {}
                yield Step(what, now(after, call=None, memory=memory, **changed), "blow", worker.name)
            elif call.method == "claim":
                taken = now(after, call=None, memory=memory, hand=returned, ran=())
                yield Step(f"{what} → {_ids(returned)}", taken, "plain", worker.name)
            else:
                yield Step(
                    f"{what} → {returned}", now(after, call=None, memory=memory, **finished), "plain", worker.name
                )

    @staticmethod
    def _first_replies(state: State) -> Iterator[tuple[str, str]]:
        yield "real", ""
        if state.left.cuts:  # a command that never arrived, the first of a call, is as if nobody had called
            yield "lost", "reply lost"

    def _next_call(self, worker: Worker) -> Call:
        if not worker.hand:
            options = (("done", worker.ran),) if worker.ran else ()
            options += (("wait", 0.5),) if self.bounds.waits else ()
            return Call("claim", ((worker.name, self.bounds.batch), options), worker.memory)
        job = worker.hand[0]
        if worker.fate == "done":
            return Call(self.bounds.finish, ((worker.name, job), ()), worker.memory)
        return Call("again", ((worker.name, job, 0.0, "failed"), ()), worker.memory)

    @staticmethod
    def _effect(state: State, worker: Worker, now: Callable[..., State]) -> Iterator[Step]:
        job = worker.hand[0]
        what = f"{worker.name}: runs {job.id}"
        after = state
        if job.id in state.rows:
            rows = tuple(row for row in state.rows if row != job.id)
            after = state._replace(rows=rows, effects=tuple(sorted((*state.effects, job.id))))
        yield Step(f"{what}{'' if after is not state else ', which was done'}", now(after, fate="done"))
        if state.left.cuts and after is not state:
            yield Step(f"{what}, the commit's reply is lost", now(_fewer(after, "cuts"), fate="again"), "blow")
        if state.left.failures:
            yield Step(f"{what}, which fails", now(_fewer(state, "failures"), fate="again"), "blow")

    def _beat(self, state: State, worker: Worker, now: Callable[..., State]) -> Iterator[Step]:
        """Give a sign of life where that changes anything: the worker is silent, or was taken for dead."""
        register = dict(dict(state.redis).get("{q}:workers", ("z", ()))[1])
        if register.get(worker.name) == LIVE or (worker.name not in register and not worker.hand):
            return
        after, told, _, _ = self._ask(state, Call("told_to_stop", ((worker.name,), ()), worker.memory), "real")
        if told is not None:
            yield Step(f"{worker.name}: beat", after)
        elif worker.call is None:
            yield Step(f"{worker.name}: beat, and hears that it was taken for dead", now(after, hand=(), fate=""))

    def _crash(self, state: State, place: int, worker: Worker, ghost: Call | None = None) -> Step:
        after = _fewer(state, "crashes")
        if ghost:
            after = after._replace(ghosts=(*state.ghosts, ghost))
        workers = list(state.workers)
        workers[place] = Worker(f"{worker.name[0]}{int(worker.name[1:]) + 1}", self._born)
        what = f"{worker.name}: kill -9{f' with {_told(ghost)} on its way' if ghost else ''}"
        return Step(what, after._replace(workers=tuple(workers)), "blow")


def _silence(redis: Frozen) -> Frozen:
    return tuple(
        (key, ("z", tuple((name, DEAD if score == LIVE else score) for name, score in value[1])))
        if key == "{q}:workers"
        else (key, value)
        for key, value in redis
    )


def _fewer(state: State, what: str) -> State:
    return state._replace(left=state.left._replace(**{what: getattr(state.left, what) - 1}))


def _ids(jobs: list[Job]) -> str:
    return " ".join(job.id for job in jobs) or "nothing"


def _told(call: Call) -> str:
    """Return a call in words."""
    jobs = [part.id for part in call.args[0] if isinstance(part, Job)]
    jobs += [job.id for job in dict(call.args[1]).get("done", ())]
    return " ".join([call.method, *jobs])


def _listed(reply: Any) -> Any:
    return tuple(_listed(part) for part in reply) if isinstance(reply, list) else reply


def _unlisted(reply: Any) -> Any:
    return [_unlisted(part) for part in reply] if isinstance(reply, tuple) else reply


def _bare(job: Job) -> Job:
    """Return a job that can be hashed: none has arguments here."""
    return job._replace(args=())  # type: ignore[arg-type]
