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

from dada import bodies, cors_policy, idempotency, jws, oauth, router
from dada.app import App, Guard, Request
from dada.errors import Malformed, Rejected
from dada.problems import TYPES, FieldError, Invalid, document
from dada.trace import Step
from sandbox.sources import place
from sandbox.trace_record import current, told
from shop import events, limits, liveness, repeats
from shop.errors import Refused
from shop.limits import TooMany
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
            seen = f"{method} is none of {', '.join(found.allow)}"
            step, where = Step("method", "RFC 9110 §15.5.6", "failed", seen), original
        else:
            seen = f"{method} {found.route.path} leads to {_name(found.handler)}; who may call: {found.who}"
            step, where = Step("path", "RFC 3986 §3.3", "passed", seen), found.handler or original
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
            where = place(bodies.validate)
            _tell([told(Step("fields", "RFC 8259 §4", "failed", _wrong(one)), "body", where) for one in error.errors])
            raise
        except Rejected as error:
            _tell([told(Step("json", error.clause, "failed", error.detail), "body", place(original))])
            raise
        found = f"{len(data)} bytes, read as {kind.__name__}"
        _tell([told(Step("fields", "RFC 8259 §4", "passed", found), "body", place(original))])
        return value

    return read


def _wrong(field: FieldError) -> str:
    [words] = document(TYPES["validation"], "en", "", errors=[field])["errors"]
    if words["detail"] == "is not valid":  # a code of the shop's own, whose words stand at the edge
        return f"{field.pointer} is not valid: {field.code}"
    return f"{field.pointer} {words['detail']}"


def _version(original: Callable[..., Any]) -> Callable[..., Any]:
    def must_mean(request: Request, etag: str) -> None:
        written = request.header("If-Match")
        try:
            original(request, etag)
        except Rejected as refused:
            found = f"If-Match is {written or 'missing'}, and the version is {etag}"
            if refused.clause == "RFC 9110 §13.1.2":
                found = f"If-None-Match is {request.header('If-None-Match')}, and the version is {etag}"
            _tell([told(Step("version", refused.clause, "failed", found), "precondition", place(original))])
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
        step = Step("hash", "RFC 9106 §4", "passed" if same else "failed", found)
        _tell([told(step, "password", place(original))], time.perf_counter() - began)
        return same

    return verify


def _hash(original: Callable[..., Any]) -> Callable[..., Any]:
    def hash_(hasher: Hasher, password: str) -> str:
        began = time.perf_counter()
        hashed: str = original(hasher, password)
        found = "argon2id made a hash, with a salt of its own; nothing else of the password is kept"
        step = Step("made", "RFC 9106 §3.1", "passed", found)
        _tell([told(step, "password", place(original))], time.perf_counter() - began)
        return hashed

    return hash_


def _guards(original: Callable[..., Any]) -> Callable[..., Any]:
    """Who may call: the guards are an application's own, so that they are watched when it is made."""

    def init(app: App, *more: Any, **named: Any) -> None:
        original(app, *more, **named)
        app._guards = {word: guard and _guard(word, guard) for word, guard in app._guards.items()}

    return init


def _guard(word: str, original: Guard) -> Guard:
    def guard(request: Request) -> None:
        where = place(original)
        try:
            original(request)
        except Rejected as error:
            if request.identity is None:
                step = Step("signed in", error.clause, "failed", "nobody is logged in, as far as this request shows")
            else:
                found = f"{request.identity.username} calls, and this is not his: answered as if it were not there"
                step = Step("owner", "RFC 9110 §15.5.5", "failed", found)
            _tell([told(step, "caller", where)])
            raise
        if word == "owner":
            step = Step("owner", "RFC 9110 §15.5.5", "passed", f"{request.identity.username} calls, and this is his")
        else:
            step = Step("signed in", "RFC 6750 §3", "passed", f"{request.identity.username} calls")
        _tell([told(step, "caller", where)])

    return guard


def _quota(original: Callable[..., Any]) -> Callable[..., Any]:
    def take(*args: Any, **named: Any) -> Any:
        try:
            standing = original(*args, **named)
        except TooMany as error:
            near = error.standing
            found = f"{near.name}: all {near.quota} of {near.window} s are used up; again in {near.seconds} s"
            _tell([told(Step("quota", error.clause, "failed", found), "limit", place(original))])
            raise
        if standing is not None:  # nothing is counted for addresses in the sandbox: a class sits behind one of them
            found = f"{standing.name}: {standing.left} of {standing.quota} are left within {standing.window} s"
            _tell([told(Step("quota", "RFC 6585 §4", "passed", found), "limit", place(original))])
        return standing

    return take


def _lock(original: Callable[..., Any]) -> Callable[..., Any]:
    def begin(*args: Any, **named: Any) -> Any:
        try:
            standing = original(*args, **named)
        except TooMany as error:
            found = f"{error.standing.name}: too many were wrong; the pause lasts {error.standing.seconds} s more"
            _tell([told(Step("lock", error.clause, "failed", found), "limit", place(original))])
            raise
        found = f"{standing.name}: {standing.left} more may be wrong before there is a pause"
        _tell([told(Step("lock", "RFC 6585 §4", "passed", found), "limit", place(original))])
        return standing

    return begin


def _key(original: Callable[..., Any]) -> Callable[..., Any]:
    def read_key(text: str) -> str:
        try:
            key: str = original(text)
        except Malformed as error:
            _tell([told(Step("key", error.clause, "failed", str(error)), "repeat", place(original))])
            raise
        found = f"a key of {len(key)} characters"
        _tell([told(Step("key", "RFC 9651 §3.3.3", "passed", found), "repeat", place(original))])
        return key

    return read_key


def _repeat(original: Callable[..., Any]) -> Callable[..., Any]:
    def begin(*args: Any, **named: Any) -> Any:
        try:
            mark = original(*args, **named)
        except Refused as error:
            running = error.reason == "idempotency-running"
            found = "the first one is not done yet" if running else "the key came before, with another body"
            _tell([told(Step("first", "RFC 9110 §9.2.2", "failed", found), "repeat", place(original))])
            raise
        found = "the key is new: this acts" if mark.kept is None else "it came before: it gets the first one's answer"
        _tell([told(Step("first", "RFC 9110 §9.2.2", "passed", found), "repeat", place(original))])
        return mark

    return begin


def _event(original: Callable[..., Any]) -> Callable[..., Any]:
    def write(tx: Any, services: Any, kind: str, user_id: int | None, outcome: str = "ok", **named: Any) -> None:
        original(tx, services, kind, user_id, outcome, **named)
        found = f"the record of events has one more: {kind}, {outcome}"
        _tell([told(Step("written", "", "passed", found), "event", place(original))])

    return write


_GATES: Final[tuple[tuple[Any, str, Callable[[Callable[..., Any]], Callable[..., Any]]], ...]] = (
    (cors_policy.Policy, "decide", _cors),
    (router.Router, "match", _route),
    (jws.Opener, "open", _token),
    (liveness, "find", _session),
    (bodies, "read", _body),
    (Request, "must_mean", _version),
    (App, "__init__", _guards),
    (limits, "take", _quota),
    (limits, "begin", _lock),
    (idempotency, "read_key", _key),
    (repeats, "begin", _repeat),
    (events, "write", _event),
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
