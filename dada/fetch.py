"""Fetch, the browser's side of CORS: what a browser sends, and what it lets a page read.

How to read this file: `play` is a browser: it takes a page's call, talks to a server, and tells the whole
dialogue with every step; `simulate` plays a call against a policy, so that both sides tell their steps;
`PreflightCache` is what a browser remembers between two calls (Fetch §4.9).  The checks themselves are in
`fetch_checks.py`.

This file knows both halves of one exchange as values; it sends nothing.
"""

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple
from urllib.parse import urlsplit

from dada.cors_policy import Policy, Request
from dada.fetch_checks import (
    CHROMIUM,
    CheckResult,
    Headers,
    combined,
    cors_check,
    get,
    preflight_check,
    readable_headers,
    step,
    unsafe_names,
)
from dada.headers import (
    FORBIDDEN_RESPONSE_HEADERS,
    NON_WILDCARD_REQUEST_HEADERS,
    SAFELISTED_METHODS,
    is_forbidden_method,
    is_forbidden_request_header,
    is_token,
    normalize_method,
    shown,
)
from dada.trace import Step, explain

__all__ = [
    "CHROMIUM", "Answer", "CheckResult", "Dialogue", "Exchange", "FetchCall", "PreflightCache", "cors_check", "play",
    "preflight_check", "readable_headers", "simulate", "unsafe_names",
]  # fmt: skip


@dataclass(frozen=True)
class FetchCall:
    """What a page asks its browser for.

    method           as the page writes it
    url              where to, whole
    origin           the page's own, serialized; "null" for a sandboxed frame
    headers          as the page gives them, in order
    credentials      "omit", "same-origin" (fetch()'s default) or "include"
    body             a text, which brings its own Content-Type, or None
    upload_listener  whether it is an XMLHttpRequest that listens to its upload: then the browser always asks first
    """

    method: str
    url: str
    origin: str
    headers: Headers = ()
    credentials: Literal["omit", "same-origin", "include"] = "omit"
    body: str | None = None
    upload_listener: bool = False


class Answer(NamedTuple):
    """What a server says, and the steps by which it came to that."""

    status: int
    headers: Headers
    steps: tuple[Step, ...] = ()


Server = Callable[[str, Headers], Answer]  # method and headers of a request → answer


class Exchange(NamedTuple):
    """One request and its answer, as far as CORS looks at them."""

    method: str
    request_headers: tuple[tuple[str, str], ...]
    status: int
    response_headers: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Dialogue:
    """A call played to its end: what was sent, whether the page may read, and every step of both sides."""

    preflight: Exchange | None
    actual: Exchange | None
    outcome: Literal["shared", "blocked"]
    readable_headers: frozenset[str]
    steps: tuple[Step, ...]

    def explain(self) -> str:
        """Return the steps as a text, a line each."""
        return explain(self.steps)


class _Request(NamedTuple):
    """A call as the browser takes it: the method and the headers of the page, normalized."""

    method: str
    headers: tuple[tuple[str, str], ...]
    always_asks: bool


class _Permission(NamedTuple):
    """One entry of the cache: what it grants, to calls with or without credentials, and until when."""

    kind: Literal["method", "header"]
    name: str
    credentials: bool
    until: float


class PreflightCache:
    """What a browser remembers of permissions, by page origin and whole URL (Fetch §4.9)."""

    def __init__(self, quirks: Collection[str] = ()) -> None:
        self._quirks = quirks
        self._kept: dict[tuple[str, str], list[_Permission]] = {}

    def remember(self, call: FetchCall, granted: CheckResult, now: float) -> None:
        """Keep what *granted* says for *call*, until *now* + its max_age, both in seconds."""
        credentials, until = call.credentials == "include", now + granted.max_age
        new = [_Permission("method", name, credentials, until) for name in ("", *granted.methods)]  # "": it was asked
        new += [_Permission("header", name, credentials, until) for name in granted.headers]
        renewed = {entry[:3] for entry in new}
        old = [] if "cache-keeps-newest" in self._quirks else self._kept.get((call.origin, call.url), [])
        self._kept[call.origin, call.url] = [entry for entry in old if entry[:3] not in renewed] + new

    def forget(self, call: FetchCall) -> None:
        """Drop what is kept for the page and the URL of *call*."""
        self._kept.pop((call.origin, call.url), None)

    def covers(self, call: FetchCall, request: _Request, names: Iterable[str], now: float) -> bool:
        """Whether *call* may go out unasked: each of its parts is remembered."""
        # An entry made with credentials serves a call without them, not the other way round.
        kept = [
            entry
            for entry in self._kept.get((call.origin, call.url), [])
            if entry.until > now and (entry.credentials or call.credentials != "include")
        ]
        unasked = request.method in SAFELISTED_METHODS and (
            not request.always_asks or ("cache-grants-uploads" in self._quirks and bool(kept))
        )
        return (unasked or self._grants(kept, "method", request.method)) and all(
            self._grants(kept, "header", name) for name in names
        )

    def _grants(self, kept: list[_Permission], kind: str, name: str) -> bool:
        by_name = "cache-takes-star-by-name" in self._quirks
        by_any = name not in NON_WILDCARD_REQUEST_HEADERS
        return any(
            entry.kind == kind
            and (entry.name == name or (entry.name == "*" and by_any and not (by_name and entry.credentials)))
            for entry in kept
        )


# --- a browser -------------------------------------------------------------------------------------------

_PORTS: Final = {"http": 80, "https": 443}


def play(
    call: FetchCall,
    server: Server,
    *,
    quirks: Collection[str] = (),
    cache: PreflightCache | None = None,
    now: float = 0,
) -> Dialogue:
    """Play *call* to its end, with *server* at the other one, and return the whole dialogue.

    quirks  names out of CHROMIUM, for a browser that differs from the standard
    cache   what the browser remembers, at *now* in seconds; None for a browser that remembers nothing
    """
    request = _as_the_browser_takes_it(call, quirks)
    if isinstance(request, Step):
        return Dialogue(None, None, "blocked", frozenset(), (request,))
    if origin_of(call.url) == call.origin:
        return _same_origin(call, request, server)
    method, headers, always_asks = request
    steps = [step("origins", True, f"{shown(call.origin)} is not the URL's origin: a CORS request", "Fetch §4.1")]
    names = unsafe_names(headers, quirks)
    reasons = ([] if method in SAFELISTED_METHODS else [method]) + names
    reasons += ["an upload listener"] if always_asks else []
    preflight = None
    if not reasons:
        steps.append(step("asks first", True, "no: method and headers are safelisted", "Fetch §4.1 step 12"))
    elif cache is not None and cache.covers(call, request, names, now):
        steps.append(step("asks first", True, "no: it was granted before, and is remembered", "Fetch §4.9"))
    else:
        steps.append(step("asks first", True, f"because of {shown(', '.join(reasons))}", "Fetch §4.1 step 12"))
        preflight, asked = _ask(call, request, names, server, quirks)
        steps += asked.steps
        if not asked.ok:
            if cache is not None:
                cache.forget(call)
            return Dialogue(preflight, None, "blocked", frozenset(), tuple(steps))
        if cache is not None:
            cache.remember(call, asked, now)
    actual, served = _send(server, method, (("Origin", call.origin), *headers))
    shared = cors_check(call.origin, call.credentials, actual.response_headers)
    if cache is not None and reasons and not shared.ok and "cache-keeps-after-failure" not in quirks:
        cache.forget(call)
    readable = readable_headers(call.credentials, actual.response_headers) if shared.ok else frozenset()
    outcome: Literal["shared", "blocked"] = "shared" if shared.ok else "blocked"
    return Dialogue(preflight, actual, outcome, readable, (*steps, *served, *shared.steps))


def _as_the_browser_takes_it(call: FetchCall, quirks: Collection[str]) -> _Request | Step:
    """Return what the browser makes of a page's call, or the step that refuses it."""
    if origin_of(call.url) is None:
        return step("url", False, "no address that HTTP leads to, or one with a user name", "Fetch §5.4 step 5")
    if not is_token(call.method) or is_forbidden_method(call.method):
        return step("method", False, "no page may use this method", "Fetch §5.4 step 25")
    method, body = normalize_method(call.method), call.body
    if body is not None and method in ("GET", "HEAD"):
        if not call.upload_listener:
            return step("body", False, f"{method} has no body", "Fetch §5.4 step 35")
        body = None  # an XMLHttpRequest leaves it out instead (XHR §3.5.6)
    kept = []
    for name, written in call.headers:
        value = written.strip(" \t\r\n")
        if not is_token(name) or re.search(r"[\0\r\n]|[^\x00-\xff]", value):
            return step("header", False, f"'{shown(name)}' is no header", "Fetch §5.1")
        if name.lower() == "available-dictionary" and "available-dictionary-stops" in quirks:
            return step("header", False, f"{name} is the browser's own to set", "RFC 9842 §2.2")
        if not is_forbidden_request_header(name, value):
            kept.append((name, value))
    if call.upload_listener:
        kept = combined(kept)
    if body is not None and get(kept, "content-type") is None:
        kept.append(("Content-Type", "text/plain;charset=UTF-8"))
    if "user-agent-never-unsafe" in quirks:
        kept = [header for header in kept if header[0].lower() != "user-agent"]
    always_asks = call.upload_listener and (body is not None or "upload-needs-a-body" not in quirks)
    return _Request(method, tuple(kept), always_asks)


def _ask(
    call: FetchCall, request: _Request, names: list[str], server: Server, quirks: Collection[str]
) -> tuple[Exchange, CheckResult]:
    """Return the preflight, and what the browser makes of it, behind the steps of the server."""
    asked = [("Origin", call.origin), ("Access-Control-Request-Method", request.method)]
    asked += [("Access-Control-Request-Headers", ",".join(names))] if names else []
    exchange, served = _send(server, "OPTIONS", tuple(asked))
    checked = preflight_check(
        request.method, request.headers, call.origin, call.credentials, exchange.status, exchange.response_headers,
        always_asks=request.always_asks, quirks=quirks,
    )  # fmt: skip
    return exchange, checked._replace(steps=(*served, *checked.steps))


def _send(server: Server, method: str, headers: tuple[tuple[str, str], ...]) -> tuple[Exchange, tuple[Step, ...]]:
    answer = server(method, headers)
    return Exchange(method, headers, answer.status, tuple(answer.headers)), answer.steps


def _same_origin(call: FetchCall, request: _Request, server: Server) -> Dialogue:
    origin = () if request.method in ("GET", "HEAD") else (("Origin", call.origin),)
    actual, served = _send(server, request.method, (*origin, *request.headers))
    readable = frozenset(name.lower() for name, _ in actual.response_headers) - FORBIDDEN_RESPONSE_HEADERS
    same = step("origins", True, "the page's own origin: CORS does not apply", "Fetch §4.1")
    return Dialogue(None, actual, "shared", readable, (same, *served))


def origin_of(url: str) -> str | None:
    """Return the origin that *url* leads to, or None where no page can call by HTTP (URL §4.7, RFC 6454 §6.2)."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in _PORTS or not parts.hostname or "@" in parts.netloc:
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}" + ("" if port in (None, _PORTS[parts.scheme]) else f":{port}")


# --- both sides ------------------------------------------------------------------------------------------

_ANSWER: Final[Headers] = (("Content-Type", "application/json"),)


def simulate(
    policy: Policy,
    call: FetchCall,
    *,
    status: int = 200,
    answer: Headers = _ANSWER,
    quirks: Collection[str] = (),
) -> Dialogue:
    """Play *call* against a service under *policy*, and return the whole dialogue; redirects are not followed.

    status, answer  what the application answers to the actual request, before CORS is added
    quirks          names out of CHROMIUM, for a browser that differs from the standard
    """

    def server(method: str, headers: Headers) -> Answer:
        asked = (get(headers, "access-control-request-method"), get(headers, "access-control-request-headers"))
        decision = policy.decide(Request(method, get(headers, "origin"), *asked))
        steps = tuple(Step(f"server: {step.name}", step.clause, step.verdict, step.found) for step in decision.steps)
        if decision.status is not None:
            return Answer(decision.status, decision.mark(()), steps)
        return Answer(status, decision.mark(answer), steps)

    return play(call, server, quirks=quirks)
