"""Idempotency-Key: a POST that may be sent twice and acts once (draft-ietf-httpapi-idempotency-key-header).

    @repeatable()
    @operation(takes=AddressParts, answers={201: SavedAddress})
    def post(self, request): ...

    the same key and body      the same answer, with Idempotency-Replayed: true
    the same key, another body 422
    while the first one runs   409
    a key that is none         400

A key is one caller's and for one path, for a day; for whoever is not logged in, his address stands in for his name.
"""

import contextlib
import functools
import io
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from dada import idempotency
from dada.app import Answer, Request
from dada.operations import Header, amended
from handlers.callers import maybe_caller
from handlers.limits import address_of
from shop import repeats
from shop.repeats import DAY
from shop.services import OUTAGES, Services

__all__ = ["ANSWER", "KEY", "Keeping", "repeatable"]

KEY = Header(
    "Idempotency-Key",
    "A text of your own, in quotes: sent again with the same body, the request does not act again.",
    example='"8e03978e-40d5-43e8-bc93-6894a57f9324"',
)
REPLAYED = "Idempotency-Replayed"
_PROBLEMS = ("bad-request", "idempotency-mismatch", "idempotency-running")


class Keeping(NamedTuple):
    """What is kept of an answer, and how the answer is made of it again; both get the services."""

    keep: Callable[[Services, Answer], Any]
    again: Callable[[Services, Any], Answer]
    seconds: float = DAY


def _keep(_: Services, answer: Answer) -> Any:
    body = msgspec.json.encode(answer.body).decode() if answer.body is not None else None
    return [answer.status, body, answer.headers, answer.etag]


def _again(_: Services, kept: Any) -> Answer:
    status, body, headers, etag = kept
    raw = None if body is None else msgspec.Raw(body.encode())
    return Answer(status, raw, tuple((name, value) for name, value in headers), etag)


ANSWER = Keeping(_keep, _again)


def repeatable(keeping: Keeping = ANSWER) -> Callable[[Callable[..., Answer]], Callable[..., Answer]]:
    """Return a decorator for a method that reads Idempotency-Key; its declaration says so too."""

    def wrap(method: Callable[..., Answer]) -> Callable[..., Answer]:
        @functools.wraps(method)
        def once(self: Any, request: Request) -> Answer:
            written = request.header("Idempotency-Key")
            return method(self, request) if written is None else _once(self, method, request, written, keeping)

        once.__operation__ = amended(method, headers=(KEY,), sends=(REPLAYED,), problems=_PROBLEMS)  # type: ignore[attr-defined]
        return once

    return wrap


def _once(resource: Any, method: Callable[..., Answer], request: Request, written: str, keeping: Keeping) -> Answer:
    services: Services = resource._services  # noqa: SLF001 where every resource has them
    key, body = idempotency.read_key(written), request.body()
    request.environ["wsgi.input"] = io.BytesIO(body)  # so that it can be read again
    caller = request.identity or maybe_caller(services, request)  # a route for anyone may look at a token, too
    who = caller.user_id if caller else address_of(request, services.settings.trusted_proxies)
    place = f"{request.method} {request.route} {dict(request.params)}"  # as read: a path has several spellings
    mark = repeats.begin(services, f"{who} {place}", key, body)
    if mark.kept is not None:
        answer = keeping.again(services, mark.kept)
        return msgspec.structs.replace(answer, headers=(*answer.headers, (REPLAYED, "true")))
    try:
        answer = method(resource, request)
    except BaseException:
        with contextlib.suppress(*OUTAGES):
            repeats.drop(services, mark)
        raise
    with contextlib.suppress(*OUTAGES):  # it is done, whatever becomes of the note of it
        repeats.finish(services, mark, keeping.keep(services, answer), keeping.seconds)
    return answer
