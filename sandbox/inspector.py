"""What the page's inspector asks for: the records as they come, and lines of our own sources.

    GET /traces/stream      server-sent events, a record each; ?after= or Last-Event-ID says where to go on
    GET /traces             {"records": […]}: all that are kept, the oldest first
    DELETE /traces          forgets them
    GET /sources?at=…       the function around a place such as dada/jws.py:131

They hold secrets of sandbox accounts, and are for the page alone: its origin is the only one that CORS lets read
(`dada/cors.py`), and only its requests may change anything.

This file knows paths and streams; what a record says is in `trace_record.py`.
"""

import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

import redis
from werkzeug import Request, Response

from dada import jsontext
from dada.cors import Middleware, Policy
from sandbox.sources import excerpt
from sandbox.trace_stream import TraceStream

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

__all__ = ["Inspector", "for_the_page", "json_answer"]

HEARTBEAT_SECONDS: Final = 2.0  # less than a connection to Redis may be silent


def for_the_page(app: "WSGIApplication", page_origin: str) -> "WSGIApplication":
    """Return *app* for the page at *page_origin* alone: others may neither read nor change."""

    def gate(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        foreign = environ.get("HTTP_ORIGIN") not in (None, page_origin)
        if foreign and environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            return json_answer({"error": "only the page may do that"}, 403)(environ, start_response)
        return app(environ, start_response)

    methods = ["PUT", "DELETE"]
    policy = Policy(origins=[page_origin], methods=methods, request_headers=["Content-Type"], max_age=600)
    return Middleware(gate, policy)


def json_answer(value: Any, status: int = 200) -> Response:
    """Return *value* as JSON."""
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return Response(jsontext.write(value), status, headers, content_type="application/json")


class Inspector:
    """A WSGI application: the records in *stream*, and sources."""

    def __init__(self, stream: TraceStream) -> None:
        self._stream = stream

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        request = Request(environ)
        try:
            response = self._answer(request)
        except redis.exceptions.RedisError as error:
            response = json_answer({"error": f"Redis: {type(error).__name__}"}, 503)
        return response(environ, start_response)

    def _answer(self, request: Request) -> Response:
        match request.path, request.method:
            case "/traces/stream", "GET":
                after = request.headers.get("Last-Event-ID") or request.args.get("after") or "0"
                if not _is_id(after):
                    return json_answer({"error": "after is no id of a record"}, 400)
                headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
                return Response(self._events(after), headers=headers, content_type="text/event-stream")
            case "/traces", "GET":
                return json_answer({"records": self._all()})
            case "/traces", "DELETE":
                self._stream.clear()
                return Response(status=204)
            case "/sources", "GET":
                found = excerpt(request.args.get("at", ""))
                return json_answer(found) if found else json_answer({"error": "no such place"}, 404)
        return json_answer({"error": "no such path, or not by this method"}, 404)

    def _all(self) -> list[Any]:
        records, after = [], "0"
        while rows := self._stream.read(after):
            records += [json.loads(text) for _, text in rows]
            after = rows[-1][0]
        return records

    def _events(self, after: str) -> Iterator[bytes]:
        """Yield the records from *after* on, for ever; a comment where none comes, so that a gone reader is noticed."""
        yield b"retry: 1000\n\n"
        while True:
            try:
                rows = self._stream.read(after, HEARTBEAT_SECONDS)
            except redis.exceptions.RedisError:
                return  # the browser asks again by itself, and says where it was
            for number, text in rows:
                yield f"id: {number}\ndata: {text}\n\n".encode("utf-8", "replace")
                after = number
            if not rows:
                yield b": still here\n\n"


def _is_id(text: str) -> bool:
    first, _, second = text.partition("-")
    return all(part.isascii() and part.isdecimal() and len(part) < 21 for part in (first, second or "0"))
