"""The parts of `Services`, watched: SQL and Redis commands with their times, calls and letters byte by byte, jobs.

Each part does what it did before; what it sent and got is told to the span that runs in this thread.  Without a span
(signs of life, the relay looking around) nothing is told.

This file knows the doors of `shop/`; it does not know what goes through them means.
"""

import hashlib
import re
import smtplib
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import requests
from sqlalchemy import Engine, event

from dada.errors import DadaError
from dada.queue import Job, Queue
from dada.queue_scripts import SCRIPTS
from sandbox.trace_record import Recorder, Span, current
from sandbox.trace_stream import Cause
from shop.database import Database
from shop.http import HTTP, Reply
from shop.letters import Letter
from shop.post import Post

__all__ = ["WatchedHTTP", "WatchedPost", "WatchedQueue", "watch_database", "watch_redis"]

LETTER_SECONDS: Final = 86_400
JOB_SECONDS: Final = 86_400
_SCRIPTS: Final = {hashlib.sha1(text.encode()).hexdigest(): name for name, text in SCRIPTS.items()}  # noqa: S324
_LINK_TOKEN: Final = re.compile(r"/#/[a-z]+/([A-Za-z0-9._~-]{16,})")


# --- SQL -------------------------------------------------------------------------------------------------


def watch_database(database: Database, recorder: Recorder) -> None:
    """Tell every statement of *database*, with its time and the rows it concerned."""
    engine: Engine = database.engine
    began = threading.local()

    @event.listens_for(engine, "before_cursor_execute")
    def _before(*_: Any) -> None:
        began.at = time.perf_counter()

    @event.listens_for(engine, "after_cursor_execute")
    def _after(_: Any, cursor: Any, statement: str, parameters: Any, *__: Any) -> None:
        _sql(recorder, " ".join(statement.split()), parameters, cursor.rowcount, time.perf_counter() - began.at)

    @event.listens_for(engine, "commit")
    def _commit(_: Any) -> None:
        _sql(recorder, "COMMIT", (), -1, 0.0)

    @event.listens_for(engine, "rollback")
    def _rollback(_: Any) -> None:
        _sql(recorder, "ROLLBACK", (), -1, 0.0)


def _sql(recorder: Recorder, text: str, values: Any, rows: int, took: float) -> None:
    if (span := current()) is not None:
        kept = recorder.values(values) if values else ""
        span.event({"kind": "sql", "text": text, "values": kept, "rows": rows}, took)


# --- Redis -----------------------------------------------------------------------------------------------


def watch_redis(client: Any, recorder: Recorder) -> None:
    """Tell every command of *client*, and its reply."""
    original = client.execute_command

    def execute_command(*words: Any, **options: Any) -> Any:
        if (span := current()) is None:
            return original(*words, **options)
        began = time.perf_counter()
        try:
            reply = original(*words, **options)
        except Exception as error:
            span.event(_command(words, recorder) | {"reply": type(error).__name__}, time.perf_counter() - began)
            raise
        span.event(_command(words, recorder) | {"reply": recorder.values(reply)}, time.perf_counter() - began)
        return reply

    client.execute_command = execute_command


def _command(words: tuple[Any, ...], recorder: Recorder) -> dict[str, Any]:
    """Return a command as it is read: a script by its name, and its arguments without the keys that all have."""
    verb, rest = str(words[0]), words[1:]
    script = _SCRIPTS.get(_plain(rest[0])) if verb == "EVALSHA" and rest else None
    if script:
        keys = int(rest[1])
        verb, rest = f"EVALSHA queue.{script}", (rest[2 + keys - 1], *rest[2 + keys :])
    shown = [_plain(word) for word in (rest if recorder.shown else rest[:1])]
    text = " ".join([verb, *(word if len(word) <= 160 else f"{word[:160]}…" for word in shown)])
    return {"kind": "redis", "text": text}


def _plain(word: Any) -> str:
    return word.decode("utf-8", "replace") if isinstance(word, bytes) else str(word)


# --- jobs ------------------------------------------------------------------------------------------------


class WatchedQueue(Queue):
    """The queue; what a request put is linked to the run of it, by its id."""

    def watch(self, recorder: Recorder) -> "WatchedQueue":
        """Tell *recorder*; return the queue."""
        self._recorder, self._spans = recorder, dict[str, Span]()
        run = self._run

        def watched_run(script: str, *args: Any) -> Any:
            if (span := current()) is None:
                return run(script, *args)
            began = time.perf_counter()
            reply = run(script, *args)
            command = _command((f"EVALSHA queue.{script}", self._prefix, *args), recorder)
            span.event(command | {"reply": recorder.values(reply)}, time.perf_counter() - began)
            return reply

        self._run = watched_run
        return self

    def put(self, task: str, /, **options: Any) -> str:
        if (span := current()) is None:
            return super().put(task, **options)
        options["id"] = options.get("id") or self._new_id()
        self._lead(span, options["id"])
        began = time.perf_counter()
        job_id = super().put(task, **options)
        self._tell(span, job_id, task, began)
        return job_id

    def put_once(self, jobs: Iterable[tuple[str, str, Mapping[str, Any]]], /) -> int:
        put = list(jobs)
        if (span := current()) is None:
            return super().put_once(put)
        for job_id, _, _ in put:
            self._lead(span, job_id)
        began = time.perf_counter()
        count = super().put_once(put)
        for job_id, task, _ in put:
            self._tell(span, job_id, task, began)
        return count

    def _lead(self, span: Span, job_id: str) -> None:
        """Let the job's run be led to by *span*; said before it is put, since a worker may have it at once."""
        self._recorder.stream.remember(f"job:{job_id}", span.cause, JOB_SECONDS)

    def _tell(self, span: Span, job_id: str, task: str, began: float) -> None:
        span.event({"kind": "put", "job": job_id, "task": task, "queue": self.name}, time.perf_counter() - began)

    def claim(self, worker: str, limit: int = 1, wait: float = 0.0, *, done: Iterable[Job] = ()) -> list[Job]:
        jobs = super().claim(worker, limit, wait, done=done)
        for job in jobs:
            cause = self._recorder.stream.cause(f"job:{job.id}")
            span = self._recorder.begin("job", ("redis", "worker"), job.task, cause)
            told = {"id": job.id, "task": job.task, "args": job.args, "tries": job.tries, "worker": worker}
            span.record["request"] = self._recorder.message(f"{self.name} → {worker}", [], job.body)
            span.record["job"] = told
            self._recorder.running(span)
            self._spans[job.id] = span
        return jobs

    def acknowledge(self, worker: str, job: Job) -> None:
        super().acknowledge(worker, job)
        self._settled(job, "done", "", lambda: True)

    def done(self, worker: str, job: Job) -> bool:
        return self._settled(job, "done", "", lambda: super(WatchedQueue, self).done(worker, job))

    def again(self, worker: str, job: Job, delay: float, error: str) -> bool:
        return self._settled(job, "again", error, lambda: super(WatchedQueue, self).again(worker, job, delay, error))

    def bury(self, worker: str, job: Job, error: str) -> bool:
        return self._settled(job, "buried", error, lambda: super(WatchedQueue, self).bury(worker, job, error))

    def _settled(self, job: Job, fate: str, why: str, settle: Callable[[], bool]) -> bool:
        held = settle()
        if (span := self._spans.pop(job.id, None)) is not None:
            verdict = {"done": "good", "again": "odd", "buried": "bad"}[fate] if held else "odd"
            self._recorder.end(span, fate if held else "no longer held", verdict, job=span.record["job"] | {"why": why})
        return held


# --- calls to other services -----------------------------------------------------------------------------


class WatchedHTTP(HTTP):
    """Calls other services; each call is a record of its own, led to by the request that made it."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__()
        self._recorder = recorder
        self._seen = threading.local()

        def keep(response: requests.Response, *_: Any, **__: Any) -> None:
            self._seen.headers = list(response.headers.items())
            self._seen.reason = response.reason

        self._session.hooks["response"].append(keep)

    def _call(self, request: requests.Request) -> Reply:
        around = current()
        if around is None:
            return super()._call(request)
        prepared = self._session.prepare_request(request)
        line = f"{prepared.method} {prepared.path_url} HTTP/1.1"
        span = self._recorder.begin("call", ("api", "weibo"), f"{prepared.method} {_path(prepared)}", around.cause)
        around.event({"kind": "go", "record": span.record["id"], "to": "weibo"})
        host = str(prepared.url).split("/")[2]
        sent = self._recorder.message(line, [("Host", host), *prepared.headers.items()], prepared.body)
        self._seen.headers, self._seen.reason = [], ""
        try:
            reply = super()._call(request)
        except DadaError as error:
            self._recorder.end(span, type(error).__name__, "bad", request=sent, answer=None)
            raise
        first = f"HTTP/1.1 {reply.status} {self._seen.reason}"
        got = self._recorder.message(first, self._seen.headers, reply.body)
        verdict = "good" if reply.status < 400 else "odd"
        self._recorder.end(span, str(reply.status), verdict, request=sent, answer=got)
        return reply


def _path(prepared: requests.PreparedRequest) -> str:
    return str(prepared.path_url).partition("?")[0]


# --- letters ---------------------------------------------------------------------------------------------


class WatchedPost(Post):
    """The post; each letter is a record with the whole conversation (RFC 5321), and its links lead back to it."""

    def __init__(self, url: str, sender: str, recorder: Recorder) -> None:
        super().__init__(url, sender)
        self._recorder = recorder
        self._talk: list[list[str]] = []

    def send(self, to: str, letter: Letter) -> None:
        around = current()
        if around is None:
            super().send(to, letter)
            return
        self._talk = []
        span = self._recorder.begin("mail", ("worker", "mail"), letter.subject, around.cause)
        around.event({"kind": "go", "record": span.record["id"], "to": "mail"})
        for token in _LINK_TOKEN.findall(letter.text):
            self._recorder.stream.remember(f"token:{token}", span.cause, LETTER_SECONDS)
        try:
            super().send(to, letter)
        except DadaError as error:
            self._recorder.end(span, str(error)[:120], "bad", talk=self._told())
            raise
        kept = next((text for who, text in reversed(self._talk) if who == "<" and "kept as" in text), "250")
        number = re.search(r"kept as (\d+)", kept)
        self._recorder.end(span, "250", letter=int(number[1]) if number else None, talk=self._told())

    def _told(self) -> list[list[str]]:
        return [[who, self._recorder.text(text)] for who, text in self._talk]

    def _connect(self) -> smtplib.SMTP:
        server = super()._connect()
        if current() is not None:
            _overhear(server, self._talk)
        return server


def _overhear(server: Any, talk: list[list[str]]) -> None:
    """Write down what goes to *server* and comes back, from the first command on."""
    send, getreply = server.send, server.getreply

    def overheard_send(data: Any) -> None:
        text = data.decode("utf-8", "replace") if isinstance(data, bytes) else data
        talk.append([">", text.rstrip("\r\n")])
        send(data)

    def overheard_reply() -> Any:
        code, message = getreply()
        talk.append(["<", f"{code} {message.decode('utf-8', 'replace')}"])
        return code, message

    server.send, server.getreply = overheard_send, overheard_reply


def cause_of_body(recorder: Recorder, body: bytes) -> Cause | None:
    """Return the record that the token or the state in a request's body came from, if it is known."""
    for name, value in re.findall(rb'"(token|state)"\s*:\s*"([^"\s]{16,512})"', body[:8192]):
        if cause := recorder.stream.cause(f"{name.decode()}:{value.decode('utf-8', 'replace')}"):
            return cause
    return None
