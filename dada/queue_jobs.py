"""A job as a value, and its one spelling: JSON with the id first, which is what the lists of Redis hold.

    {"id":"…","task":"mail.send","args":{"user":7},"tries":0}            and ,"key":"…" where it has one

The order of the members is part of the spelling: a script finds the id without reading the rest, and sees at the end
that a job has no key and never failed.  So is that a body is one line: line ends lie between bodies.  JSON only: a
pickle would make whoever writes to Redis the worker's master.

This file knows values and texts; it does not know Redis.
"""

import re
from collections.abc import Iterable, Mapping
from itertools import chain
from types import NoneType
from typing import Any, Final, NamedTuple

import msgspec

from dada import jsontext
from dada.errors import DadaError, Misuse, Problem, Rejected

__all__ = [
    "ID", "MAX_BODY", "NAME", "Broken", "Counts", "Dead", "Job", "Known",
    "every", "read", "successor", "text", "write", "write_many",
]  # fmt: skip

MAX_BODY: Final = 1 << 20  # bytes of one job: ids, not files
NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_TRIES: Final = 10**9  # nobody tries so often
_DEEPEST: Final = jsontext.MAX_DEPTH - 1  # arguments stand inside a body
# As nearly every body is spelled.  What stands for the arguments is read as JSON, and is too short to be too deep.
_USUAL: Final = re.compile(
    rf'{{"id":"({ID.pattern})","task":"({NAME.pattern})",'
    rf'"args":({{.{{0,{2 * _DEEPEST - 2}}}}}),"tries":(0|[1-9][0-9]{{0,8}})}}'
)
_SCALARS: Final = frozenset({str, int, bool, NoneType})
_encode_lines: Final = msgspec.json.Encoder().encode_lines


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


def write(job_id: str, task: str, args: Mapping[str, Any], tries: int = 0, key: str = "") -> str:
    """Return the body of a job.  Raise :exc:`Misuse` for what is none."""
    if not isinstance(job_id, str) or not ID.fullmatch(job_id):
        raise Misuse([Problem("job-id", "id", ascii(job_id)[:60], "this is no id", "letters, digits, . _ : -")])
    if not isinstance(task, str) or not NAME.fullmatch(task):
        raise Misuse([Problem("job-task", "task", ascii(task)[:60], "this is no name of a task", "mail.activation")])
    try:
        named = dict(args)
    except (TypeError, ValueError):
        why, fix = "arguments have names", '{"user": 7}'
        raise Misuse([Problem("job-args", "args", ascii(args)[:60], why, fix)]) from None
    try:
        told = jsontext.write(named)
        if len(told) > 2 * _DEEPEST and told.count(b"{") + told.count(b"[") > _DEEPEST:
            jsontext.write({"args": args})
        guard = ',"key":' + jsontext.write(key).decode() if key else ""
    except jsontext.NotJSON as error:
        why, fix = f"arguments are JSON: {error}", "ids and texts, never objects"
        raise Misuse([Problem("job-args", "args", "", why, fix, "RFC 8259 §3")]) from None
    if len(told) + len(guard) > MAX_BODY - 256:
        raise Misuse([Problem("job-size", "args", "", f"{len(told)} bytes are no job", f"less than {MAX_BODY}")])
    return f'{{"id":"{job_id}","task":"{task}","args":{told.decode()},"tries":{tries}{guard}}}'


def write_many(stem: str, task: str, all_args: Iterable[Mapping[str, Any]]) -> tuple[list[str], list[str]]:
    """Return ids, *stem* and a number, and the bodies of jobs that differ in nothing else but their arguments.

    Raise :exc:`Misuse` as :func:`write` does.  Arguments of texts and integers are written together, which takes
    a sixth of the time of one after the other; :func:`write` writes, and judges, what is not as plain as that.
    """
    told = every(all_args)
    ids = [f"{stem}-{number}" for number in range(len(told))]
    texts = _write_flat(told)
    if not told or texts is None or not isinstance(task, str) or not NAME.fullmatch(task) or not ID.fullmatch(ids[-1]):
        return ids, [write(job_id, task, args) for job_id, args in zip(ids, told, strict=True)]
    between = f'","task":"{task}","args":'
    bodies = [f'{{"id":"{job_id}{between}{text},"tries":0}}' for job_id, text in zip(ids, texts, strict=True)]
    return ids, bodies


def every(values: Any) -> list[Any]:
    """Return the values of anything that can be gone through.  Raise :exc:`Misuse` for what cannot."""
    if not isinstance(values, Iterable):
        raise Misuse([Problem("jobs", "jobs", ascii(values)[:60], "many jobs come one after the other", "a list")])
    return list(values)


def _write_flat(objects: list[Any]) -> list[str] | None:
    """Return the JSON text of each of *objects*; None unless all are flat, of what any writer of JSON writes alike."""
    try:
        names, values = set().union(*objects), chain.from_iterable(map(dict.values, objects))
        if not {str}.issuperset(map(type, names)) or not _SCALARS.issuperset(map(type, values)):
            return None
        data = _encode_lines(objects)
    except (TypeError, ValueError):  # no dict; half of a surrogate pair
        return None
    text = data.decode()
    if len(data) > MAX_BODY - 512 or jsontext.may_hold_long_number(text):
        return None
    return text.split("\n")[:-1]  # each text ends with a line end, and within one of this writer's stands none


def successor(job: Job, tries: int) -> str:
    """Return the body of *job* for another run."""
    return write(job.id, job.task, job.args, tries, job.key)


def read(reply: bytes | str) -> Job:
    """Return the job that a body spells.  Raise :exc:`~dada.errors.Malformed`."""
    data = reply if isinstance(reply, bytes) else reply.encode("utf-8", "surrogatepass")
    try:
        body = data.decode()
    except UnicodeDecodeError:
        body = ""  # the reader of JSON says so
    if usual := _USUAL.fullmatch(body):
        job_id, task, args, tries = usual.groups()
        return Job(job_id, task, jsontext.read(args.encode()), int(tries), "", body)
    members = jsontext.read(data)
    try:
        job_id, task, args, tries = members["id"], members["task"], members["args"], members["tries"]
        key = members.get("key", "")
    except (KeyError, TypeError, IndexError, AttributeError):
        raise jsontext.NotJSON("this is no job", 0, "RFC 8259 §4") from None
    if "\n" in body:
        raise jsontext.NotJSON("a job is one line", body.index("\n"), "RFC 8259 §2")
    types = [type(part) for part in (job_id, task, key, args, tries)]
    if types == [str, str, str, dict, int] and ID.fullmatch(job_id) and NAME.fullmatch(task) and 0 <= tries < _TRIES:
        return Job(job_id, task, args, tries, key, body)
    raise jsontext.NotJSON("this is no job", 0, "RFC 8259 §4")


def text(reply: Any) -> str:
    """Return a reply of Redis as text, whether the client decodes replies or not."""
    return reply.decode("utf-8", "replace") if isinstance(reply, bytes) else str(reply)
