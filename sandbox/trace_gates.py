"""The gates, watched: where a decision is taken in this process, its steps are told as well.

Each gate of `_GATES` is a function of ours that decides something.  `watch_gates` puts a wrapper in its place, which
calls the very same function, and tells the steps that the same checks give: `audit` beside `open` and `admit`, the
decision's own steps for CORS.  It answers and raises what the function does.  Nobody calls `watch_gates` but the
sandbox (`wsgi.py`, `worker/__main__.py`), so that a process in production has no wrapper, and has never read this
file.

This file knows which functions decide; it does not know where the steps go.
"""

# ruff: noqa: SLF001 a place is that of the very function, whether others may call it or not

import functools
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from dada import bodies, cors_policy, jws, oauth, router
from dada.app import Request
from dada.errors import Rejected
from dada.problems import Invalid
from dada.trace import Step
from sandbox.sources import place
from sandbox.trace_record import current, told
from shop import liveness
from shop.passwords import Hasher

__all__ = ["cors_steps", "fetch_source", "oauth_steps", "token_steps", "watch_gates"]

Told = list[dict[str, Any]]


# --- the same checks, with the place where each stands ---------------------------------------------------


_CORS: Final[dict[str, Callable[..., Any]]] = {
    "kind": cors_policy.Policy._decide,
    "origin": cors_policy.Policy._origin_step,
    "method": cors_policy.Policy._method_step,
    "headers": cors_policy.Policy._headers_step,
    "age": cors_policy.Policy._decide_preflight,
}


def cors_steps(steps: Sequence[Step]) -> Told:
    """Return the steps of a CORS decision."""
    return [told(step, "cors", place(_CORS.get(step.name, cors_policy.Policy._decide))) for step in steps]


def fetch_source(name: str) -> str:
    """Return where the browser's side makes the step *name*."""
    from dada import fetch, fetch_checks

    places: dict[str, Callable[..., Any]] = {
        "cors check": fetch_checks.cors_check,
        "status": fetch_checks.preflight_check,
        "grammar": fetch_checks.preflight_check,
        "method": fetch_checks._method_step,
        "headers": fetch_checks._headers_step,
        "origins": fetch.play,
        "asks first": fetch.play,
    }
    return place(places.get(name, fetch._as_the_browser_takes_it))


def token_steps(opener: jws.Opener, token: str) -> Told:
    """Return every check of *token*: those that `Opener.open` walks through."""
    checks = (*jws.ENVELOPE, *opener.header_checks, *opener.payload_checks)
    return [told(step, "token", place(check.test)) for check, step in zip(checks, opener.audit(token), strict=True)]


def oauth_steps(admission: oauth.Admission) -> Told:
    """Return every check of a browser's return: those that `oauth.admit` makes."""
    steps = oauth.audit(admission)
    return [told(step, "oauth", place(row[3])) for row, step in zip(oauth.RETURN, steps, strict=True)]


# --- the gates -------------------------------------------------------------------------------------------


def _tell(steps: Told, took: float = 0.0) -> None:
    if (span := current()) is not None:
        for step in steps:
            span.event(step, took)


def _cors(original: Callable[..., Any]) -> Callable[..., Any]:
    def decide(policy: cors_policy.Policy, request: cors_policy.Request) -> cors_policy.Decision:
        decision: cors_policy.Decision = original(policy, request)
        _tell(cors_steps(decision.steps))
        return decision

    return decide


def _token(original: Callable[..., Any]) -> Callable[..., Any]:
    def open_(opener: jws.Opener, token: str, /) -> Any:
        if current() is not None:
            _tell(token_steps(opener, token))
        return original(opener, token)

    return open_


def _oauth(original: Callable[..., Any]) -> Callable[..., Any]:
    def admit(admission: oauth.Admission) -> oauth.TokenRequest:
        _tell(oauth_steps(admission))
        request: oauth.TokenRequest = original(admission)
        return request

    return admit


def _route(original: Callable[..., Any]) -> Callable[..., Any]:
    def match(table: router.Router, method: str, path: str) -> Any:
        found = original(table, method, path)
        if isinstance(found, router.NotFound):
            step, where = Step("path", "RFC 9110 §15.5.5", "failed", "no route has this path"), original
        elif isinstance(found, router.MethodNotAllowed):
            told_ = f"{method} is none of {', '.join(found.allow)}"
            step, where = Step("method", "RFC 9110 §15.5.6", "failed", told_), original
        else:
            told_ = f"{method} {found.route.path} leads to {_name(found.handler)}; who may call: {found.who}"
            step, where = Step("path", "RFC 3986 §3.3", "passed", told_), found.handler or original
        _tell([told(step, "route", place(where))])
        return found

    return match


def _name(handler: Any) -> str:
    return getattr(handler, "__qualname__", "OPTIONS itself")


def _body(original: Callable[..., Any]) -> Callable[..., Any]:
    def read(data: bytes, kind: Any, *more: Any, **named: Any) -> Any:
        try:
            value = original(data, kind, *more, **named)
        except Invalid as error:
            wrong = ", ".join(f"{field.pointer}: {field.code}" for field in error.errors)
            _tell([told(Step("fields", "RFC 8259 §4", "failed", wrong), "body", place(bodies.validate))])
            raise
        except Rejected as error:
            _tell([told(Step("json", error.clause, "failed", error.detail), "body", place(original))])
            raise
        found = f"{len(data)} bytes are a {kind.__name__}"
        _tell([told(Step("fields", "RFC 8259 §4", "passed", found), "body", place(original))])
        return value

    return read


def _version(original: Callable[..., Any]) -> Callable[..., Any]:
    def must_mean(request: Request, etag: str) -> None:
        written = request.header("If-Match")
        try:
            original(request, etag)
        except Rejected:
            found = f"If-Match is {written or 'missing'}, and the version is {etag}"
            _tell([told(Step("version", "RFC 9110 §13.1.1", "failed", found), "precondition", place(original))])
            raise
        found = f"If-Match {written} means the version {etag}"
        _tell([told(Step("version", "RFC 9110 §13.1.1", "passed", found), "precondition", place(original))])

    return must_mean


def _session(original: Callable[..., Any]) -> Callable[..., Any]:
    def find(*args: Any, **named: Any) -> Any:
        alive = original(*args, **named)
        found = f"it lives, and is {alive.username}'s" if alive else "it has ended"
        verdict = Step("alive", "RFC 6750 §3.1", "passed" if alive else "failed", found)
        _tell([told(verdict, "session", place(original))])
        return alive

    return find


def _password(original: Callable[..., Any]) -> Callable[..., Any]:
    def verify(hasher: Hasher, hashed: str | None, password: str) -> bool:
        began = time.perf_counter()
        same: bool = original(hasher, hashed, password)
        found = "argon2id gives the same hash" if same else "argon2id gives another hash, or there is no such account"
        step = Step("hash", "", "passed" if same else "failed", found)
        _tell([told(step, "password", place(original))], time.perf_counter() - began)
        return same

    return verify


def _hash(original: Callable[..., Any]) -> Callable[..., Any]:
    def hash_(hasher: Hasher, password: str) -> str:
        began = time.perf_counter()
        hashed: str = original(hasher, password)
        step = Step("hash", "", "passed", "argon2id made a hash; nothing else of the password is kept")
        _tell([told(step, "password", place(original))], time.perf_counter() - began)
        return hashed

    return hash_


_GATES: Final[tuple[tuple[Any, str, Callable[[Callable[..., Any]], Callable[..., Any]]], ...]] = (
    (cors_policy.Policy, "decide", _cors),
    (router.Router, "match", _route),
    (jws.Opener, "open", _token),
    (liveness, "find", _session),
    (bodies, "read", _body),
    (Request, "must_mean", _version),
    (Hasher, "verify", _password),
    (Hasher, "hash", _hash),
    (oauth, "admit", _oauth),
)


def watch_gates() -> Callable[[], None]:
    """Watch every gate of this process, and return what takes the wrappers off again."""
    originals = [(owner, name, getattr(owner, name)) for owner, name, _ in _GATES]
    for (owner, name, wrap), (_, _, original) in zip(_GATES, originals, strict=True):
        if not hasattr(original, "__wrapped__"):  # watched already
            setattr(owner, name, functools.wraps(original)(wrap(original)))

    def leave() -> None:
        for owner, name, original in originals:
            setattr(owner, name, original)

    return leave


def watched() -> Iterator[str]:
    """Yield the names of the gates that are watched."""
    for owner, name, _ in _GATES:
        if hasattr(getattr(owner, name), "__wrapped__"):
            yield f"{owner.__name__}.{name}"
