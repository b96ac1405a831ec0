"""A job queue on Redis lists that loses nothing.

    put ──► ready ──claim──► work:<worker> ──done──► gone
              ▲                   │ again ──► later (due in time) ──► ready
              └── its worker died ┤ bury ──► dead
                                  └ leave ──► ready

The rule that makes it true: a job is always in exactly one list, and a worker's own list is the truth about what
it holds.  Every move is one script (`queue_scripts.py`); Redis' clock decides everything; whoever claims also puts
due jobs in line and takes back what silent workers held.

    I1  put = ready + held + later + dead + done, at every moment         (`counts`, `check`)
    I2  no job is only in a reply: a lost reply is read again from the worker's list   (`claim`)
    I3  one clock, Redis'
    I4  moves are atomic; killing the one who recovers loses nothing
    I5  only the holder finishes: `done`, `again`, `bury` change nothing for a worker that was taken for dead
    I6  nobody is silent for ever: a list without an owner is adopted within a minute
    I7  crashes are counted apart from tries; one too many and the job is dead, not gone
    I8  effects happen once where the caller keeps them in one transaction with an outbox row

A client that retries in silence doubles and loses jobs whatever a queue does: give this one a connection made
without retries.  Its errors pass through; after one, calling again is safe, and `put` is safe with an id of one's own.

This file knows jobs as names with JSON arguments; it does not know what a job does, or what a worker is.
"""

import re
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

from dada import jsontext
from dada.errors import DadaError, Malformed, Misuse, Problem, Rejected
from dada.queue_scripts import SCRIPTS, keys

__all__ = ["Broken", "Counts", "Dead", "Job", "Known", "Queue"]

MAX_BODY: Final = 1 << 20  # bytes of one job: ids, not files
_BULK: Final = 500
_ADOPT_EVERY: Final = 60.0  # seconds
_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")


class Job(NamedTuple):
    """A job as a worker gets it: *tries* is how often it was run before and failed."""

    id: str
    task: str
    args: dict[str, Any]
    tries: int
    key: str
    body: str


class Dead(NamedTuple):
    """A job that was given up: its last *error*, and *when*, in seconds since 1970 by Redis' clock."""

    id: str
    task: str
    args: dict[str, Any]
    tries: int
    error: str
    when: float


class Counts(NamedTuple):
    """How many jobs were put ever, where they are now, and how many are done."""

    put: int
    ready: int
    held: int
    later: int
    dead: int
    done: int


class Known(Rejected):
    """A job with this key waits or runs already; *id* is its name."""

    def __init__(self, id: str) -> None:  # noqa: A002 the word of this module
        super().__init__("known", "a key is for one job at a time", f"job {id} has this key")
        self.id = id


class Broken(DadaError):
    """The law of conservation does not hold: *counts*, and the *ids* that are in more than one place."""

    def __init__(self, counts: Counts, ids: list[str]) -> None:
        super().__init__(counts, ids)
        self.counts, self.ids = counts, ids

    def __str__(self) -> str:
        return f"{self.counts}, twice: {', '.join(self.ids) or 'none'}"


class Queue:
    """One queue of jobs.

    redis        a client made without retries, of one server, a Sentinel's or a cluster's
    name         letters, digits, ".", "_", "-"
    grace        seconds without a sign of life after which a worker is dead
    max_crashes  how many workers may die holding a job before it is given up

    One thread claims for a worker; any may finish its jobs.  Raise :exc:`Misuse` for what cannot be right.
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
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            problems.append(Problem("queue-name", "name", ascii(name)[:60], "this is no name of a queue", "mail"))
        if not isinstance(grace, (int, float)) or not 0.001 <= grace <= 86400:
            problems.append(
                Problem("queue-grace", "grace", repr(grace)[:40], "this is no such span", "seconds, up to a day")
            )
        if type(max_crashes) is not int or max_crashes < 0:
            problems.append(Problem("queue-crashes", "max_crashes", repr(max_crashes)[:40], "this is no number", "3"))
        if problems:
            raise Misuse(problems)
        self.name = name
        self._redis, self._grace, self._max_crashes = redis, round(grace * 1000), max_crashes
        self._new_id, self._clock = new_id, clock
        self._keys = keys(name)
        self._scripts = {script: redis.register_script(text) for script, text in SCRIPTS.items()}
        self._held: dict[str, dict[str, Job]] = {}  # what each worker was given here and has not finished
        self._adopted = -_ADOPT_EVERY

    def _run(self, script: str, *args: Any) -> Any:
        return self._scripts[script](keys=self._keys, args=args)

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
        self._prove(job_id, delay, key)
        guard = key or (f"id:{id}" if id else "")
        holder = self._run("put", round(delay * 1000), guard, job_id, _body(job_id, task, args, 0, guard))
        if holder and _text(holder) != job_id:
            raise Known(_text(holder))
        return job_id

    def put_many(self, task: str, all_args: Iterable[Mapping[str, Any]], /) -> list[str]:
        """Put a job for each of *all_args*, some hundreds in a round trip, and return their ids."""
        jobs = [(self._new_id(), args) for args in all_args]
        pairs = [part for job_id, args in jobs for part in (job_id, _body(job_id, task, args, 0, ""))]
        for start in range(0, len(pairs), 2 * _BULK):
            self._run("put", 0, "", *pairs[start : start + 2 * _BULK])
        return [job_id for job_id, _ in jobs]

    def _prove(self, job_id: Any, delay: Any, key: Any) -> None:
        problems = []
        if not isinstance(job_id, str) or not _ID.fullmatch(job_id):
            problems.append(Problem("job-id", "id", ascii(job_id)[:60], "this is no id", "letters, digits, . _ : -"))
        if not isinstance(delay, (int, float)) or not 0 <= delay <= 10 * 366 * 86400:
            problems.append(
                Problem("job-delay", "delay", repr(delay)[:40], "this is no such span", "seconds, 0 or more")
            )
        if key is not None and (not isinstance(key, str) or not 0 < len(key) <= 256):
            problems.append(
                Problem("job-key", "key", ascii(key)[:60], "a key is a text of 1 to 256 characters", "order:7")
            )
        if problems:
            raise Misuse(problems)

    # --- workers ---

    def claim(self, worker: str, limit: int = 1, wait: float = 0.0, *, done: Iterable[Job] = ()) -> list[Job]:
        """Return up to *limit* jobs, which *worker* now holds; [] after *wait* seconds without one.

        done  jobs that it has finished, acknowledged in the same round trip

        After a lost connection this returns first what the worker was given without hearing of it.
        """
        if self._clock() - self._adopted >= _ADOPT_EVERY:
            self._adopt()
        until = self._clock() + wait
        while True:
            jobs = self._take(worker, limit, list(done))
            left = until - self._clock()
            if jobs or left <= 0:
                return jobs
            done = ()
            # Only a bell: what it moves is in the worker's list, and read from there.
            self._redis.blmove(self._keys[0], f"{self._keys[-1]}work:{worker}", min(left, 1.0), "RIGHT", "LEFT")

    def _take(self, worker: str, limit: int, done: list[Job]) -> list[Job]:
        held = self._held.setdefault(worker, {})
        known = sum(job.id not in {finished.id for finished in done} for job in held.values()) if done else len(held)
        arguments = (worker, limit, self._grace, self._max_crashes, known)
        _, differs, bodies = self._run("claim", *arguments, *(job.body for job in done))
        for job in done:
            held.pop(job.id, None)
        if differs:  # a reply was lost, or the worker was taken for dead: the list is right, we were not
            listed = {_text(body) for body in bodies}
            for job in [job for job in held.values() if job.body not in listed]:
                del held[job.id]
            known_bodies = {job.body for job in held.values()}
            bodies = [body for body in reversed(bodies) if _text(body) not in known_bodies]
        jobs = []
        for body in bodies:
            try:
                job = _job(body)
            except Malformed as error:  # it would stop every worker: it goes to the dead, with the reason
                self._run("finish", worker, body, "bury", f"unreadable: {error}", "", 0)
                continue
            held[job.id] = job
            jobs.append(job)
        return jobs

    def done(self, worker: str, job: Job) -> bool:
        """Acknowledge *job*; False if *worker* does not hold it any more."""
        return self._finish(worker, job, "done")

    def again(self, worker: str, job: Job, delay: float, error: str) -> bool:
        """Let *job* run again, *delay* seconds from now; False if *worker* does not hold it any more."""
        successor = _body(job.id, job.task, job.args, job.tries + 1, job.key)
        return self._finish(worker, job, "again", error, successor, round(delay * 1000))

    def bury(self, worker: str, job: Job, error: str) -> bool:
        """Give *job* up, with the reason; False if *worker* does not hold it any more."""
        return self._finish(worker, job, "bury", error)

    def _finish(self, worker: str, job: Job, verb: str, error: str = "", successor: str = "", delay: int = 0) -> bool:
        was_held = self._run("finish", worker, job.body, verb, error[:2000], successor, delay)
        self._held.get(worker, {}).pop(job.id, None)
        return bool(was_held)

    def beat(self, worker: str) -> bool:
        """Give a sign of life; False if *worker* was taken for dead: it must stop what it does."""
        return self.told_to_stop(worker) is not None

    def told_to_stop(self, worker: str) -> frozenset[str] | None:
        """Give a sign of life, and return the ids of jobs that were cancelled; None if *worker* was taken for dead."""
        ids = self._run("beat", worker)
        return None if ids is None else frozenset(map(_text, ids))

    def leave(self, worker: str) -> int:
        """Give everything back that *worker* holds, sign off, and return how many jobs that were."""
        given = int(self._run("leave", worker))
        self._held.pop(worker, None)
        return given

    def _adopt(self) -> None:
        """Register the owners of lists that nobody owns (I6): ghosts of connections that Redis still served."""
        self._adopted = self._clock()
        prefix = f"{self._keys[-1]}work:"
        pattern = re.sub(r"([\[\]?*\\])", r"\\\1", prefix) + "*"
        workers = [_text(key).removeprefix(prefix) for key in self._redis.scan_iter(match=pattern, count=1000)]
        if workers:
            self._run("adopt", *workers)

    # --- what is where ---

    def counts(self) -> Counts:
        """Return one moment's figures."""
        return Counts(*map(int, self._run("counts")))

    def check(self) -> Counts:
        """Return the figures if the law of conservation holds; raise :exc:`Broken` with the ids that break it.

        Walks through every job inside Redis, which serves nobody else meanwhile: about a second for a million.
        """
        self._adopt()
        counts = self.counts()
        twice = sorted(map(_text, self._run("find", "")))
        if twice or counts.put != sum(counts[1:]):
            raise Broken(counts, twice)
        return counts

    def state(self, id: str) -> str | None:  # noqa: A002
        """Return where a job is: "waiting", "later", "held", "dead"; None if it is done, or was never put."""
        found = self._find(id)
        return found[0] if found else None

    def dead(self, limit: int = 50) -> list[Dead]:
        """Return the jobs that were given up last, the newest first."""
        told = []
        for body, when, why in self._run("dead", limit):
            try:
                job = _job(body)
            except Malformed:
                job = Job(_text(body)[:128], "", {}, 0, "", "")
            told.append(Dead(job.id, job.task, job.args, job.tries, _text(why), float(when) / 1000))
        return told

    def revive(self, id: str) -> bool:  # noqa: A002
        """Put a dead job in line again, as if it had never failed; False if it is not dead.

        Raise :exc:`Known` if its key has another job by now.
        """
        found = self._find(id)
        if not found or found[0] != "dead":
            return False
        job = _job(found[2])
        answer = self._run("revive", job.body, _body(job.id, job.task, job.args, 0, job.key), job.key)
        if not isinstance(answer, int):
            raise Known(_text(answer))
        return bool(answer)

    def cancel(self, id: str) -> bool:  # noqa: A002
        """Cancel a job: one that waits is dead at once, one that runs is asked to stop.  False if there is none."""
        found = self._find(id)
        return bool(found and found[0] != "dead" and self._run("cancel", found[2], found[0]))

    def _find(self, job_id: str) -> tuple[str, str, str] | None:
        found = self._run("find", job_id) if job_id else []
        return (_text(found[0]), _text(found[1]), _text(found[2])) if found else None


def _text(reply: Any) -> str:
    """Return a reply as text, whether the client decodes replies or not."""
    return reply.decode("utf-8", "replace") if isinstance(reply, bytes) else str(reply)


def _body(job_id: str, task: str, args: Mapping[str, Any], tries: int, key: str) -> str:
    """Return the JSON of a job, the id first.  Raise :exc:`Misuse` for what is none."""
    if not isinstance(task, str) or not _NAME.fullmatch(task):
        raise Misuse([Problem("job-task", "task", ascii(task)[:60], "this is no name of a task", "mail.activation")])
    members = {"id": job_id, "task": task, "args": dict(args), "tries": tries, **({"key": key} if key else {})}
    try:
        body = jsontext.write(members)
    except jsontext.NotJSON as error:
        why, fix = f"arguments are JSON: {error}", "ids and texts, never objects"
        raise Misuse([Problem("job-args", "args", "", why, fix, "RFC 8259 §3")]) from None
    if len(body) > MAX_BODY:
        raise Misuse([Problem("job-size", "args", "", f"{len(body)} bytes are no job", f"at most {MAX_BODY}")])
    return body.decode("utf-8")


def _job(reply: bytes | str) -> Job:
    """Return the job that a body spells.  Raise :exc:`Malformed`."""
    data = reply if isinstance(reply, bytes) else reply.encode("utf-8", "surrogatepass")
    members = jsontext.read(data)
    wanted = {"id": str, "task": str, "args": dict, "tries": int}
    if not isinstance(members, dict) or any(type(members.get(name)) is not kind for name, kind in wanted.items()):
        raise jsontext.NotJSON("this is no job", 0, "RFC 8259 §4")
    key = str(members.get("key", ""))
    return Job(members["id"], members["task"], members["args"], members["tries"], key, data.decode("utf-8"))
