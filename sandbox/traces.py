"""Traces: everything that happens in a process of the sandbox, written down as it happens.

    watch(services, "api")     the same services, each part of which tells what it sent and got, and every gate watched
    Recording(app, recorder)   the same application, each request of which leaves a record

A trace goes on from what led to what: a preflight to the request it was asked for, the request to its jobs, a job to
its letter, a letter's link to the request that brings its token.  `wsgi.py` and `worker/__main__.py` call this in the
sandbox; in production nothing imports it.

This file puts the watching together; how a record looks is in `trace_record.py`.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, Final

from dada.fetch_checks import unsafe_names
from dada.headers import SAFELISTED_METHODS
from sandbox.trace_gates import watch_gates
from sandbox.trace_parts import WatchedHTTP, WatchedPost, WatchedQueue, cause_of_body, watch_database, watch_redis
from sandbox.trace_record import MAX_BODY, Recorder, Span
from sandbox.trace_stream import Cause, TraceStream
from shop.services import MAIL, Services, redis_client
from shop.settings import made_for_the_sandbox

__all__ = ["Recording", "recorder_of", "watch"]

ASKED_SECONDS: Final = 10  # between a preflight and its request
STATE_SECONDS: Final = 600
# What a page may set here, and must ask for: the rest of a request's headers is the browser's own.
_SET_BY_PAGES: Final = ("Authorization", "Content-Type", "Idempotency-Key", "If-Match", "If-None-Match")

StartResponse = Callable[..., Any]


def recorder_of(redis_url: str, process: str, *, shown: bool) -> Recorder:
    """Return a recorder with a connection of its own."""
    return Recorder(TraceStream(redis_client(redis_url)), process, shown=shown)


def watch(services: Services, process: str) -> tuple[Services, Recorder]:
    """Return *services* watched, and what they tell.  Secrets are shown where the keys were made for the sandbox."""
    settings = services.settings
    recorder = recorder_of(settings.redis_url, process, shown=made_for_the_sandbox(settings.keys_file))
    watch_gates()
    watch_database(services.db, recorder)
    watch_redis(services.redis, recorder)
    services.http.close()
    watched = replace(
        services,
        queue=WatchedQueue(services.redis, MAIL).watch(recorder),
        http=WatchedHTTP(recorder),
        post=WatchedPost(settings.smtp_url, settings.mail_from, recorder),
    )
    return watched, recorder


class _Tee:
    """The body of a request, as the application reads it; *seen* is told each time of all that was read so far."""

    def __init__(self, stream: Any, seen: Callable[[bytes], None]) -> None:
        self._stream, self._tell = stream, seen
        self.seen: bytes | None = None

    def read(self, *size: int) -> bytes:
        data: bytes = self._stream.read(*size)
        self.seen = ((self.seen or b"") + data)[: 4 * MAX_BODY]
        self._tell(self.seen)
        return data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class Recording:
    """A WSGI application (PEP 3333) around another: each request leaves a record.

    party  who answers: "api", or "weibo" for the look-alike
    only   says which requests are recorded; None records all
    """

    def __init__(
        self, app: Any, recorder: Recorder, party: str = "api", only: Callable[[dict[str, Any]], bool] | None = None
    ) -> None:
        self._app, self._recorder, self._party, self._only = app, recorder, party, only

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        if self._only is not None and not self._only(environ):
            answer: Iterable[bytes] = self._app(environ, start_response)
            return answer
        target = _target(environ)
        kind = "preflight" if _is_preflight(environ) else "request"
        title = f"{environ['REQUEST_METHOD']} {target.partition('?')[0]}"
        span = self._recorder.begin(kind, ("browser", self._party), title)
        span.record["by"] = "browser" if "HTTP_SEC_FETCH_MODE" in environ or "HTTP_ORIGIN" in environ else "program"
        self._link(span, environ, kind)
        body = _Tee(environ["wsgi.input"], lambda seen: _adopt(span, cause_of_body(self._recorder, seen)))
        environ["wsgi.input"] = body
        said: dict[str, Any] = {"status": "500 ", "headers": []}

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            said.update(status=status, headers=list(headers))
            return start_response(status, headers, exc_info) if exc_info else start_response(status, headers)

        parts: list[bytes] = []
        try:
            answer = self._app(environ, start)
            parts = list(answer)
            getattr(answer, "close", lambda: None)()
            return parts
        finally:
            line = f"{environ['REQUEST_METHOD']} {target} {environ.get('SERVER_PROTOCOL', 'HTTP/1.1')}"
            asked = self._recorder.message(line, _headers(environ), body.seen)
            self._end(span, asked, said, b"".join(parts))

    def _link(self, span: Span, environ: dict[str, Any], kind: str) -> None:
        """Find what led to this request, and keep what it leads to."""
        stream, origin = self._recorder.stream, environ.get("HTTP_ORIGIN", "")
        what = f"asked:{origin} {environ.get('REMOTE_ADDR', '')} {_target(environ)} "
        if kind == "preflight":
            stream.remember(what + environ["HTTP_ACCESS_CONTROL_REQUEST_METHOD"], span.cause, ASKED_SECONDS)
        elif origin and self._party == "api":
            needs = _must_be_asked_for(environ)
            cause = stream.cause(what + environ["REQUEST_METHOD"], once=True) if needs else None
            span.record["asked"] = ("asked" if cause else "remembered") if needs else "simple"
            _adopt(span, cause)
        _adopt(span, _cause_of_query(stream, environ.get("QUERY_STRING", "")))

    def _end(self, span: Span, asked: dict[str, Any], said: dict[str, Any], body: bytes) -> None:
        code = said["status"].partition(" ")[0]
        state = _state_in(body) if code == "200" else ""
        if state:
            self._recorder.stream.remember(f"state:{state}", span.cause, STATE_SECONDS)
        request_id = next((value for name, value in said["headers"] if name == "X-Request-Id"), None)
        answer = self._recorder.message(f"HTTP/1.1 {said['status']}", said["headers"], body or None)
        verdict = "good" if code < "400" else "odd" if code < "500" else "bad"
        self._recorder.end(span, code, verdict, request=asked, answer=answer, request_id=request_id)


def _adopt(span: Span, cause: Cause | None) -> None:
    """Let *span* go on with the trace of *cause*; a preflight led to it in any case, what came later is told beside."""
    if cause is not None and cause.record != span.record["cause"]:
        before = {"came_from": cause.record} if span.record["cause"] else {"cause": cause.record}
        span.record |= before | {"trace": cause.trace}


def _is_preflight(environ: dict[str, Any]) -> bool:
    asks = "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in environ and "HTTP_ORIGIN" in environ
    return asks and environ["REQUEST_METHOD"] == "OPTIONS"


def _must_be_asked_for(environ: dict[str, Any]) -> bool:
    """Whether a browser asks before it sends this (Fetch §4.1): by the method, or a header that a page set."""
    headers = [header for header in _headers(environ) if header[0] in _SET_BY_PAGES]
    return environ["REQUEST_METHOD"] not in SAFELISTED_METHODS or bool(unsafe_names(headers))


def _target(environ: dict[str, Any]) -> str:
    """Return the request target as it stands in the request line."""
    if raw := str(environ.get("RAW_URI") or environ.get("REQUEST_URI") or ""):
        return raw
    query: str = environ.get("QUERY_STRING", "")
    return str(environ.get("PATH_INFO", "/")) + (f"?{query}" if query else "")


def _headers(environ: dict[str, Any]) -> list[tuple[str, str]]:
    """Return a request's headers: WSGI keeps neither their case nor their order (PEP 3333)."""
    named = [(name.removeprefix("HTTP_"), value) for name, value in environ.items() if name.startswith("HTTP_")]
    named += [(name, environ[name]) for name in ("CONTENT_TYPE", "CONTENT_LENGTH") if environ.get(name)]
    return [("-".join(map(str.capitalize, name.split("_"))), str(value)) for name, value in named]


def _cause_of_query(stream: TraceStream, query: str) -> Cause | None:
    state = next((part.removeprefix("state=") for part in query.split("&") if part.startswith("state=")), "")
    return stream.cause(f"state:{state}") if 16 <= len(state) <= 512 else None


def _state_in(body: bytes) -> str:
    return body[:8192].partition(b'"state":"')[2].partition(b'"')[0].decode("ascii", "replace")
