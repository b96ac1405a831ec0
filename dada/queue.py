"""A job queue on Redis lists that loses nothing.

    put ──► ready ──claim──► work:<worker> ──done──► gone
              ▲                   │ again ──► later (due in time) ──► ready
              └── its worker died ┤ bury ──► dead
                                  └ leave ──► ready

The rule that makes it true: a job is always in exactly one list, and a worker's own list is the truth about what
it holds.  Every move is one script or one transaction (`queue_scripts.py`); Redis' clock decides everything; whoever
claims also puts due jobs in line and takes back what silent workers held.

    I1  put = ready + held + later + dead + done, at every moment         (`counts`, `check`)
    I2  no job is only in a reply: a lost reply is read again from the worker's list   (`claim`)
    I3  one clock, Redis'
    I4  moves are atomic; killing the one who recovers loses nothing
    I5  only the holder finishes: `done`, `again`, `bury` change nothing for a worker that was taken for dead
    I6  nobody is silent for ever: a list without an owner is adopted within a minute
    I7  crashes are counted apart from tries; one too many and the job is dead, not gone
    I8  effects happen once where the caller keeps them in one transaction with an outbox row

A client that retries in silence doubles and loses jobs whatever a queue does: give this one a connection made
without retries (`examine` refuses others).  Its errors pass through; after one, calling again is safe, and `put` is
safe with an id of one's own.

This file knows jobs as names with JSON arguments; it does not know what a job does, or what a worker is.
"""

import math
import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from dada import queue_jobs
from dada.errors import Malformed, Misuse, Problem
from dada.queue_cron import Crontab
from dada.queue_jobs import Broken, Counts, Dead, Job, Known, text
from dada.queue_ledger import Ledger
from dada.queue_line import Common, Line, Lines
from dada.queue_scripts import SCRIPTS, keys, put_commands
from dada.queue_server import Server, examine

__all__ = ["Broken", "Counts", "Dead", "Job", "Known", "Queue"]

_BULK: Final = 500
_MOST: Final = 5000  # jobs of one claim
_LONGEST: Final = 10 * 366 * 86400  # seconds that a job may be delayed
_ADOPT_EVERY: Final = 60.0  # seconds
_NAP: Final = 1.0  # the longest wait without looking for due jobs and silent workers


class _Hand:
    """What one worker was given here.

    line   its own connection: what it acknowledges there arrives before what it claims next
    held   jobs that it was given and has not finished, by body: that is what its list holds
    sent   bodies that it acknowledged without hearing whether it worked
    sure   whether the last reply arrived; if not, its list is read before anything else is taken
    """

    def __init__(self, line: Line) -> None:
        self.line, self.sure = line, True
        self.held: dict[str, Job] = {}
        self.sent: set[str] = set()


class Queue(Ledger):
    """One queue of jobs.

    redis        a client made without retries, of one server, a Sentinel's or a cluster's
    name         letters, digits, ".", "_", "-"
    grace        seconds without a sign of life after which a worker is dead
    max_crashes  how many workers may die holding a job before it is given up

    One thread claims and acknowledges for a worker; any may finish its jobs.  Raise :exc:`Misuse` for what cannot
    be right.
    """

    def __init__(
        self,
        redis: Any,
        name: str,
        *,
        grace: float = 10.0,
        max_crashes: int = 3,
        new_id: Callable[[], str] = lambda: secrets.token_hex(16),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        problems = []
        if not isinstance(name, str) or not queue_jobs.NAME.fullmatch(name):
            problems.append(Problem("queue-name", "name", ascii(name)[:60], "this is no name of a queue", "mail"))
        if not isinstance(grace, (int, float)) or not 0.001 <= grace <= 86400:
            why, fix = "this is no such span", "seconds, up to a day"
            problems.append(Problem("queue-grace", "grace", repr(grace)[:40], why, fix))
        if type(max_crashes) is not int or max_crashes < 0:
            problems.append(Problem("queue-crashes", "max_crashes", repr(max_crashes)[:40], "this is no number", "3"))
        if problems:
            raise Misuse(problems)
        self.name, self.grace = name, grace
        self._max_crashes, self._new_id, self._clock = max_crashes, new_id, clock
        (prefix,) = keys(name)
        super().__init__(redis, prefix, Lines(Common(redis, prefix, SCRIPTS, clock)))
        self._hands: dict[str, _Hand] = {}
        self._adopted = -_ADOPT_EVERY

    def examine(self) -> list[Server]:
        """Return what this queue's Redis tells of itself; raise :exc:`Misuse` if no queue can be kept there."""
        return examine(self._redis)

    # --- producers ---

    def put(
        self,
        task: str,
        /,
        *,
        id: str | None = None,  # noqa: A002
        delay: float = 0.0,
        key: str | None = None,
        **args: Any,
    ) -> str:
        """Put a job, and return its id.

        id     a name of one's own: put again while the job is not done, or is dead, it is not put twice
        delay  seconds before it may run
        key    at most one job with this key waits or runs: raise :exc:`Known`
        args   JSON values

        Raise :exc:`Misuse` for what is no job.
        """
        job_id = self._new_id() if id is None else id
        if id is None and key is None and not delay:
            self._run("put", queue_jobs.write(job_id, task, args))
            return job_id
        _prove(delay, key)
        own = f"id:{id}" if id else ""
        guard = key or own
        body = queue_jobs.write(job_id, task, args, 0, guard)
        if not guard:
            self._run("put_later", round(delay * 1000), body)
            return job_id
        second = own if key else ""
        holder = text(self._run("put_once", round(delay * 1000), second, guard, body)[0])
        if holder not in ("", job_id):
            raise Known(holder)
        return job_id

    def put_many(self, task: str, all_args: Iterable[Mapping[str, Any]], /) -> list[str]:
        """Put a job for each of *all_args*, and return their ids.

        Some hundreds go in a round trip, together or not at all: an error in the middle leaves those before it put.
        """
        ids, bodies = queue_jobs.write_many(self._new_id(), task, all_args)
        for start in range(0, len(bodies), _BULK):
            some = bodies[start : start + _BULK]
            if self._lines.common.pool is None:  # a cluster
                self._run("put", *some)
            else:
                self._lines.transaction(put_commands(self._prefix, some))
        return ids

    def put_once(self, jobs: Iterable[tuple[str, str, Mapping[str, Any]]], /) -> int:
        """Put jobs with ids of one's own, (id, task, arguments) each; return how many were not there before."""
        pairs: list[str] = []
        for job in queue_jobs.every(jobs):
            try:
                job_id, task, args = job
            except (TypeError, ValueError):
                raise _misuse(
                    "job", job, "a job is its id, its task and its arguments", '("7", "mail.send", {})'
                ) from None
            pairs += (f"id:{job_id}", queue_jobs.write(job_id, task, args, 0, f"id:{job_id}"))
        put = 0
        for start in range(0, len(pairs), 2 * _BULK):
            put += sum(not holder for holder in self._run("put_once", 0, "", *pairs[start : start + 2 * _BULK]))
        return put

    def fire(self, name: str, when: Crontab, task: str, /, **args: Any) -> str | None:
        """Put the job of a schedule if its last slot is over and nobody did it yet; return its id, or None.

        Whoever serves the queue calls this every few seconds: one of them puts the job, and none leads.  Slots that
        went by while nobody called come to one job.
        """
        if not isinstance(name, str) or not queue_jobs.NAME.fullmatch(name):
            raise _misuse("schedule", name, "this is no name of a schedule", "forget_expired")
        now, _ = self._lines.command("TIME")
        slot = when.latest(int(now))
        job_id = f"cron:{name}:{slot}"
        body = queue_jobs.write(job_id, task, args)
        return job_id if self._run("fire", name, (slot or 0) * 1000, body) else None

    def limit(self, task: str, per_second: float | None, burst: int = 1) -> None:
        """Let *task* start at most so often, *burst* of them at once; None lifts the limit.

        It holds for all workers together.  What comes too early waits in `later` for its turn.
        """
        if not isinstance(task, str) or not queue_jobs.NAME.fullmatch(task):
            raise _misuse("task", task, "this is no name of a task", "mail.activation")
        if per_second is None:
            self._lines.command("HDEL", f"{self._prefix}rates", task)
            return
        if (
            not isinstance(per_second, (int, float))
            or not 1e-6 <= per_second <= 1e6
            or type(burst) is not int
            or not 1 <= burst <= 10**9
        ):
            told = f"{per_second!r}, {burst!r}"[:40]
            raise Misuse([Problem("queue-rate", "per_second", told, "this is no rate", "5 a second, 10 at once")])
        self._lines.command("HSET", f"{self._prefix}rates", task, f"{1000 / per_second!r} {burst}")

    # --- workers ---

    def claim(self, worker: str, limit: int = 1, wait: float = 0.0, *, done: Iterable[Job] = ()) -> list[Job]:
        """Return up to *limit* jobs, which *worker* now holds; [] after *wait* seconds without one.

        done  jobs that it has finished, acknowledged in the same round trip

        After a lost connection this returns first what the worker was given without hearing of it.
        """
        if type(limit) is not int or not 1 <= limit <= _MOST:
            raise _misuse("limit", limit, "this is no number of jobs", f"1 to {_MOST}")
        if not isinstance(wait, (int, float)) or not (wait <= _LONGEST or wait == math.inf):
            raise _misuse("wait", wait, "this is no such span", "seconds")
        if self._clock() - self._adopted >= _ADOPT_EVERY:
            self._adopted = self._clock()
            self._adopt()
        while True:
            jobs = self._take(worker, limit, done)
            if jobs is None:  # its list was read instead, and held nothing new
                jobs = self._take(worker, limit, ()) or []
            if jobs or wait <= 0:
                return jobs
            done = ()
            wait -= self.rest(worker, wait)

    def rest(self, worker: str, wait: float, others: Sequence["Queue"] = ()) -> float:
        """Wait until there may be a job here, or in the *others*, a second at most; return how long that took.

        What wakes is a bell: it holds no job, and may be lost.
        """
        began, line = self._clock(), self._hand(worker).line
        bells = [keys(queue.name)[0] + "bell" for queue in (self, *others)]
        if others and self._lines.common.pool is None:  # a cluster's hang in different houses: listen to one for a bit
            bells, wait = bells[:1], min(wait, 0.1)
        line.command("BRPOP", *bells, f"{max(min(wait, _NAP, line.patience), 0.001):.3f}")
        return max(self._clock() - began, 0.001)

    def _hand(self, worker: str) -> _Hand:
        hand = self._hands.get(worker) if isinstance(worker, str) else None
        if hand is None:
            _prove_worker(worker)
            hand = self._hands[worker] = _Hand(self._lines.line())
        return hand

    def _take(self, worker: str, limit: int, done: Iterable[Job]) -> list[Job] | None:
        hand = self._hand(worker)
        finished = []
        for job in done:
            hand.held.pop(job.body, None)
            finished.append(job.body)
        hand.sent.update(finished)
        finished.reverse()  # the newest first, as in its list
        known, hand.sure = len(hand.held) if hand.sure else -1, False
        grace = round(self.grace * 1000)
        differs, bodies = hand.line.run("claim", worker, limit, grace, self._max_crashes, known, "\n".join(finished))
        if differs:
            bodies = self._reread(worker, hand, [_octets(body) for body in reversed(bodies)])
        hand.sent.clear()
        hand.sure = True
        jobs = []
        for body in bodies:
            try:
                job = queue_jobs.read(body)
            except Malformed as error:  # it would stop every worker: it goes to the dead, with the reason
                hand.line.run("finish", worker, body, "bury", f"unreadable: {error}", "", 0)
                continue
            hand.held[job.body] = job
            jobs.append(job)
        return None if differs and not jobs else jobs

    def _reread(self, worker: str, hand: _Hand, listed: list[bytes]) -> list[bytes]:
        """Believe the worker's list: a reply was lost, or the worker was taken for dead.  Return what is new there.

        What is no text stays as it is, or it could not be named to Redis and would be read for ever.
        """
        there = set(listed)
        hand.held = {body: job for body, job in hand.held.items() if body.encode() in there}
        known, sent = ({body.encode() for body in bodies} for bodies in (hand.held, hand.sent))
        for body in sent & there:  # what it acknowledged did not arrive
            hand.line.run("finish", worker, body, "done", "", "", 0)
        return [body for body in listed if body not in known and body not in sent]

    def acknowledge(self, worker: str, job: Job) -> None:
        """Acknowledge *job* without waiting for the reply: for the thread that claims, and before its next claim.

        Once sent it arrives, even if this process is killed; if the connection is cut, the next claim sends it again.
        """
        hand = self._hand(worker)
        hand.held.pop(job.body, None)
        hand.sent.add(job.body)
        try:
            hand.line.send("finish", worker, job.body, "done", "", "", 0)
        except BaseException:
            hand.sure = False
            raise

    def done(self, worker: str, job: Job) -> bool:
        """Acknowledge *job*; False if *worker* does not hold it any more."""
        return self._finish(worker, job, "done")

    def again(self, worker: str, job: Job, delay: float, error: str) -> bool:
        """Let *job* run again, *delay* seconds from now; False if *worker* does not hold it any more.

        Raise :exc:`Misuse` for a delay that is none, and for a job that is too long when it is written again.
        """
        _prove(delay, None)
        body = queue_jobs.successor(job, job.tries + 1)
        return self._finish(worker, job, "again", error, body, round(delay * 1000))

    def bury(self, worker: str, job: Job, error: str) -> bool:
        """Give *job* up, with the reason; False if *worker* does not hold it any more."""
        return self._finish(worker, job, "bury", error)

    def _finish(self, worker: str, job: Job, verb: str, error: str = "", successor: str = "", delay: int = 0) -> bool:
        _prove_worker(worker)
        hand = self._hands.get(worker)
        told = str(error)[:2000].encode("utf-8", "backslashreplace")  # an error may quote what is no text
        try:
            was_held = self._run("finish", worker, job.body, verb, told, successor, delay)
        except BaseException:
            if hand:
                hand.sure = False
            raise
        if hand:
            hand.held.pop(job.body, None)
        return bool(was_held)

    def beat(self, worker: str) -> bool:
        """Give a sign of life; False if *worker* was taken for dead: it must stop what it does."""
        return self.told_to_stop(worker) is not None

    def told_to_stop(self, worker: str) -> frozenset[str] | None:
        """Give a sign of life, and return the ids of jobs that were cancelled; None if *worker* was taken for dead."""
        _prove_worker(worker)
        ids = self._run("beat", worker)
        return None if ids is None else frozenset(map(text, ids))

    def leave(self, worker: str) -> int:
        """Give everything back that *worker* holds, sign off, and return how many jobs that were."""
        hand = self._hand(worker)
        for body in hand.sent:  # once more, and waited for: what is done must not be given back
            hand.line.run("finish", worker, body, "done", "", "", 0)
        given = int(hand.line.run("leave", worker))
        del self._hands[worker]
        return given


def _misuse(what: str, value: object, why: str, fix: str) -> Misuse:
    return Misuse([Problem(f"queue-{what}", what, ascii(value)[:60], why, fix)])


def _prove_worker(worker: Any) -> None:
    if not isinstance(worker, str) or not queue_jobs.ID.fullmatch(worker):
        raise _misuse("worker", worker, "this is no name of a worker", "letters, digits, . _ : -")


def _octets(body: bytes | str) -> bytes:
    return body.encode() if isinstance(body, str) else body


def _prove(delay: Any, key: Any) -> None:
    problems = []
    if not isinstance(delay, (int, float)) or not 0 <= delay <= _LONGEST:
        problems.append(Problem("job-delay", "delay", repr(delay)[:40], "this is no such span", "seconds, 0 or more"))
    if key is not None and (not isinstance(key, str) or not 0 < len(key) <= 256):
        why = "a key is a text of 1 to 256 characters"
        problems.append(Problem("job-key", "key", ascii(key)[:60], why, "order:7"))
    if problems:
        raise Misuse(problems)
