"""Fetch, the browser's side of CORS: what a browser sends, and what it lets a page read.

How to read this file: `simulate` plays a whole call between a page and a policy and names the step that shared
the answer or blocked it; `unsafe_names` decides whether the browser asks first (Fetch §2.2.2), `preflight_check`
what it makes of the permission (Fetch §4.8), `cors_check` whether the page may read (Fetch §4.10),
`readable_headers` which headers it sees, `PreflightCache` when it need not ask again (Fetch §4.9).

Where Chromium is known to differ from the standard, the difference has a name in CHROMIUM and can be switched on:
a test drives the real browser against this model and finds no other.

This file knows both halves of one exchange as values; it sends nothing.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple
from urllib.parse import urlsplit

from dada.cors_policy import Policy, Request
from dada.headers import (
    FORBIDDEN_RESPONSE_HEADERS,
    NON_WILDCARD_REQUEST_HEADERS,
    SAFELISTED_METHODS,
    SAFELISTED_RESPONSE_HEADERS,
    is_forbidden_method,
    is_forbidden_request_header,
    is_token,
    normalize_method,
    split_list,
)
from dada.trace import Step, explain

__all__ = [
    "CHROMIUM", "CheckResult", "Dialogue", "Exchange", "FetchCall", "PreflightCache", "cors_check", "preflight_check",
    "readable_headers", "simulate", "unsafe_names",
]  # fmt: skip

Headers = Sequence[tuple[str, str]]

CHROMIUM: Final = frozenset({
    "star-covers-authorization",  # Access-Control-Allow-Headers: * covers Authorization without credentials
    "client-hints-safelisted",  # DPR, Save-Data … go without asking, as an older safelist had it
    "combine-before-safelisting",  # repeated headers are joined by ", " before they are judged
    "user-agent-never-unsafe",  # a User-Agent set by a page asks for nothing, and never leaves the browser
})  # fmt: skip


@dataclass(frozen=True)
class FetchCall:
    """What a page asks its browser for.

    method           as the page writes it
    url              where to; only its origin matters here
    origin           the page's own, serialized; "null" for a sandboxed frame
    headers          as the page gives them, in order
    credentials      "omit", "same-origin" (fetch()'s default) or "include"
    body             a text, which brings its own Content-Type, or None
    upload_listener  whether an XMLHttpRequest listens to the upload: then the browser always asks first
    """

    method: str
    url: str
    origin: str
    headers: Headers = ()
    credentials: Literal["omit", "same-origin", "include"] = "omit"
    body: str | None = None
    upload_listener: bool = False


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


class CheckResult(NamedTuple):
    """Whether a check passed, and what it found, step by step.

    methods, headers, max_age  what a passed preflight grants, for the cache; max_age in seconds
    """

    ok: bool
    steps: tuple[Step, ...]
    methods: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    max_age: int = 0


# --- what goes without asking (Fetch §2.2.2) -------------------------------------------------------------

_UNSAFE_BYTE = re.compile(r'[\x00-\x08\x0a-\x1f"():<>?@\[\\\]{}\x7f]')
_NO_LANGUAGE = re.compile(r"[^0-9A-Za-z *,.;=-]")
_MIME_TYPE = re.compile(
    r"[ \t\r\n]*([A-Za-z0-9!#$%&'*+.^_`|~-]+/[A-Za-z0-9!#$%&'*+.^_`|~-]+)[ \t\r\n]*(?:;.*)?", re.DOTALL
)
_SIMPLE_TYPES = frozenset({"application/x-www-form-urlencoded", "multipart/form-data", "text/plain"})
_RANGE = re.compile(r"bytes=([0-9]+)-([0-9]*)")
_CLIENT_HINTS = frozenset({"device-memory", "dpr", "width", "viewport-width", "rtt", "downlink", "ect"})
_WHITE = " \t\r\n"


def is_safelisted(name: str, value: str, quirks: Collection[str] = ()) -> bool:
    """Whether a page may send this header without asking (CORS-safelisted request-header)."""
    if len(value.encode("utf-8", "surrogatepass")) > 128:
        return False
    match name.lower():
        case "accept":
            return not _UNSAFE_BYTE.search(value)
        case "accept-language" | "content-language":
            return not _NO_LANGUAGE.search(value)
        case "content-type":
            mime = None if _UNSAFE_BYTE.search(value) else _MIME_TYPE.fullmatch(value)
            return mime is not None and mime[1].lower() in _SIMPLE_TYPES
        case "range":
            simple = _RANGE.fullmatch(value)
            return simple is not None and (not simple[2] or int(simple[1]) <= int(simple[2]))
        case "save-data":
            return "client-hints-safelisted" in quirks and value.lower() == "on"
        case hint:
            return hint in _CLIENT_HINTS and "client-hints-safelisted" in quirks


def unsafe_names(headers: Iterable[tuple[str, str]], quirks: Collection[str] = ()) -> list[str]:
    """Return the names that a page must ask for, lower-case, sorted (CORS-unsafe request-header names).

    Safelisted headers are unsafe too when their values together are longer than 1024 bytes.
    """
    unsafe, safe, size = set(), set(), 0
    for name, value in _combined(headers) if "combine-before-safelisting" in quirks else headers:
        if name.lower() == "user-agent" and "user-agent-never-unsafe" in quirks:
            continue
        if is_safelisted(name, value, quirks):
            safe.add(name.lower())
            size += len(value.encode("utf-8", "surrogatepass"))
        else:
            unsafe.add(name.lower())
    return sorted(unsafe | safe if size > 1024 else unsafe)


def _combined(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    values: dict[str, list[str]] = {}
    for name, value in headers:
        values.setdefault(name.lower(), []).append(value)
    return [(name, ", ".join(parts)) for name, parts in values.items()]


# --- what a browser makes of an answer (Fetch §4.8, §4.10) -----------------------------------------------


def _get(headers: Headers, name: str) -> str | None:
    """Return the value of all lines of a header joined, as Fetch's "get" does; None if there is none."""
    values = [value.strip(_WHITE) for line, value in headers if line.lower() == name]
    return ", ".join(values) if values else None


def _list(headers: Headers, name: str) -> list[str] | None:
    """Return the tokens of a list header; None if it is absent, ["", ] never: a bad element raises ValueError."""
    lines = [value.strip(_WHITE) for line, value in headers if line.lower() == name]
    if not lines:
        return None
    names: list[str] = []
    for line in lines:
        found = split_list(line)
        if found is None:
            raise ValueError(name)
        names += found
    return names


def cors_check(request_origin: str, credentials: str, response_headers: Headers) -> CheckResult:
    """Return whether a page of *request_origin* may read an answer with these headers (Fetch §4.10)."""
    allowed = _get(response_headers, "access-control-allow-origin")
    if allowed is None:
        return _result("Fetch §4.10 step 2", False, "there is no Access-Control-Allow-Origin")
    if allowed == "*" and credentials != "include":
        return _result("Fetch §4.10 step 3", True, "Access-Control-Allow-Origin is *, and no credentials go along")
    if allowed != request_origin:
        return _result(
            "Fetch §4.10 step 4", False, f"Access-Control-Allow-Origin is {ascii(allowed)[:80]}, not the page's"
        )
    if credentials != "include":
        return _result("Fetch §4.10 step 5", True, f"Access-Control-Allow-Origin is {request_origin}, the page's")
    ok = _get(response_headers, "access-control-allow-credentials") == "true"
    return _result("Fetch §4.10 step 7", ok, f"Access-Control-Allow-Credentials is {'' if ok else 'not '}true")


def _result(clause: str, ok: bool, found: str, name: str = "cors check") -> CheckResult:
    return CheckResult(ok, (_step(name, ok, found, clause),))


def _step(name: str, ok: bool, found: str, clause: str) -> Step:
    return Step(f"browser: {name}", clause, "passed" if ok else "failed", found)


def preflight_check(
    method: str,
    headers: Headers,
    origin: str,
    credentials: str,
    status: int,
    response_headers: Headers,
    *,
    always_asks: bool = False,
    quirks: Collection[str] = (),
) -> CheckResult:
    """Return what a browser makes of the answer to a preflight (Fetch §4.8 step 7).

    method, headers  of the request that the page wants to make
    always_asks      whether it is preflighted although nothing in it is unsafe (an upload is listened to)
    """
    checked = cors_check(origin, credentials, response_headers)
    steps = list(checked.steps)
    if not checked.ok:
        return CheckResult(False, tuple(steps))
    steps.append(_step("status", 200 <= status <= 299, f"status {status}", "Fetch §4.8 step 7"))
    try:
        methods = _list(response_headers, "access-control-allow-methods")
        names = [name.lower() for name in _list(response_headers, "access-control-allow-headers") or ()]
    except ValueError as error:
        steps.append(_step("grammar", False, f"{error} is no list of tokens: all of it is void", "Fetch §4.8 step 7.3"))
        return CheckResult(False, tuple(steps))
    if methods is None:
        methods = [method] if always_asks else []
    star = credentials != "include"
    ok = method in methods or method in SAFELISTED_METHODS or (star and "*" in methods)
    found = "needs no permission" if method in SAFELISTED_METHODS else "is granted" if ok else "is not granted"
    steps.append(_step("method", ok, f"{ascii(method)[1:-1][:40]} {found}", "Fetch §4.8 step 7.5"))
    missing = [name for name in unsafe_names(headers, quirks) if name not in names and not (star and "*" in names)]
    if "star-covers-authorization" not in quirks or not star:
        missing += [
            name for name in NON_WILDCARD_REQUEST_HEADERS if _get(headers, name) is not None and name not in names
        ]
    found = f"{', '.join(sorted(set(missing)))[:80]} not granted" if missing else "all are granted"
    steps.append(_step("headers", not missing, found, "Fetch §4.8 step 7.7"))
    age = _get(response_headers, "access-control-max-age")
    max_age = int(age) if age and age.isascii() and age.isdigit() and len(age) < 19 else 5
    return CheckResult(all(step.ok for step in steps), tuple(steps), tuple(methods), tuple(names), max_age)


def readable_headers(credentials: str, response_headers: Headers) -> frozenset[str]:
    """Return the names, lower-case, of the headers that the page may read in a shared answer (Fetch §2.2.6)."""
    there = {name.lower() for name, _ in response_headers}
    try:
        exposed = {name.lower() for name in _list(response_headers, "access-control-expose-headers") or ()}
    except ValueError:
        exposed = set()
    if "*" in exposed and credentials != "include":
        exposed |= there
    return frozenset(there & (SAFELISTED_RESPONSE_HEADERS | exposed) - FORBIDDEN_RESPONSE_HEADERS)


class PreflightCache:
    """What a browser remembers of permissions (Fetch §4.9): by page origin, whole URL and credentials."""

    def __init__(self) -> None:
        self._entries: dict[tuple[str, str, bool, str, str], float] = {}

    def remember(self, call: FetchCall, granted: CheckResult, now: float) -> None:
        """Keep what *granted* says for *call*, until *now* + its max_age, both in seconds."""
        for kind, names in (("method", granted.methods), ("header", granted.headers)):
            for name in names:
                entry = (call.origin, call.url, call.credentials == "include", kind, name)
                self._entries[entry] = now + granted.max_age

    def covers(self, call: FetchCall, method: str, names: Iterable[str], now: float) -> bool:
        """Whether *call* may go out unasked: each of its parts is remembered."""
        return (method in SAFELISTED_METHODS or self._has(call, "method", method, now)) and all(
            self._has(call, "header", name, now) for name in names
        )

    def _has(self, call: FetchCall, kind: str, name: str, now: float) -> bool:
        # An entry made with credentials serves a call without them, not the other way round.
        for credentials in {True, call.credentials == "include"}:
            for written in (name, *(() if name in NON_WILDCARD_REQUEST_HEADERS else ("*",))):
                if self._entries.get((call.origin, call.url, credentials, kind, written), now) > now:
                    return True
        return False


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
    """Play *call* against a service under *policy*, and return the whole dialogue.

    status, answer  what the application answers to the actual request, before CORS is added
    quirks          names out of CHROMIUM, for a browser that differs from the standard
    """
    method, headers, refused = _as_the_browser_takes_it(call)
    if refused:
        return Dialogue(None, None, "blocked", frozenset(), (refused,))
    if "user-agent-never-unsafe" in quirks:
        headers = tuple(header for header in headers if header[0].lower() != "user-agent")
    if _origin_of(call.url) == call.origin:
        return _same_origin(policy, call, method, headers, status, answer)
    steps = [_step("origins", True, f"{call.origin} is not the URL's origin: a CORS request", "Fetch §4.1")]
    names = unsafe_names(headers, quirks)
    preflight = None
    if call.upload_listener or names or method not in SAFELISTED_METHODS:
        why = (
            ", ".join(([] if method in SAFELISTED_METHODS else [ascii(method)[1:-1][:40]]) + names)
            or "an upload listener"
        )
        steps.append(_step("asks first", True, f"because of {why}", "Fetch §4.1 step 12"))
        decision = policy.decide(Request("OPTIONS", call.origin, method, ",".join(names) or None))
        asked = [("Origin", call.origin), ("Access-Control-Request-Method", method)]
        asked += [("Access-Control-Request-Headers", ",".join(names))] if names else []
        preflight = Exchange("OPTIONS", tuple(asked), decision.status or 0, decision.headers)
        steps += [Step(f"server: {step.name}", step.clause, step.verdict, step.found) for step in decision.steps]
        checked = preflight_check(
            method, headers, call.origin, call.credentials, preflight.status, decision.headers,
            always_asks=call.upload_listener, quirks=quirks,
        )  # fmt: skip
        steps += checked.steps
        if not checked.ok:
            return Dialogue(preflight, None, "blocked", frozenset(), tuple(steps))
    else:
        steps.append(_step("asks first", True, "no: method and headers are safelisted", "Fetch §4.1 step 12"))
    actual, served = _serve(policy, method, call.origin, headers, status, answer)
    steps += served
    shared = cors_check(call.origin, call.credentials, actual.response_headers)
    readable = readable_headers(call.credentials, actual.response_headers) if shared.ok else frozenset()
    return Dialogue(preflight, actual, "shared" if shared.ok else "blocked", readable, (*steps, *shared.steps))


def _as_the_browser_takes_it(call: FetchCall) -> tuple[str, tuple[tuple[str, str], ...], Step | None]:
    """Return method and headers as a browser makes them of a page's call, or the step that refuses it."""
    if not is_token(call.method) or is_forbidden_method(call.method):
        return "", (), _step("method", False, "no page may use this method", "Fetch §5.4 step 25")
    method = normalize_method(call.method)
    if call.body is not None and method in ("GET", "HEAD"):
        return "", (), _step("body", False, f"{method} has no body", "Fetch §5.4 step 35")
    kept = []
    for name, written in call.headers:
        value = written.strip(_WHITE)
        if not is_token(name) or re.search(r"[\0\r\n]|[^\x00-\xff]", value):
            return "", (), _step("header", False, f"{ascii(name)[:40]} is no header", "Fetch §5.1")
        if not is_forbidden_request_header(name, value):
            kept.append((name, value))
    if call.body is not None and _get(kept, "content-type") is None:
        kept.append(("Content-Type", "text/plain;charset=UTF-8"))
    return method, tuple(kept), None


def _same_origin(
    policy: Policy, call: FetchCall, method: str, headers: Headers, status: int, answer: Headers
) -> Dialogue:
    origin = None if method in ("GET", "HEAD") else call.origin
    actual, served = _serve(policy, method, origin, headers, status, answer)
    readable = frozenset(name.lower() for name, _ in actual.response_headers) - FORBIDDEN_RESPONSE_HEADERS
    same = _step("origins", True, "the page's own origin: CORS does not apply", "Fetch §4.1")
    return Dialogue(None, actual, "shared", readable, (same, *served))


def _serve(
    policy: Policy, method: str, origin: str | None, headers: Headers, status: int, answer: Headers
) -> tuple[Exchange, list[Step]]:
    decision = policy.decide(Request(method, origin))
    steps = [Step(f"server: {step.name}", step.clause, step.verdict, step.found) for step in decision.steps]
    sent = tuple(headers) if origin is None else (("Origin", origin), *headers)
    return Exchange(method, sent, status, (*answer, *decision.headers)), steps


def _origin_of(url: str) -> str:
    parts = urlsplit(url)
    port = parts.netloc.rpartition("@")[2]
    for scheme, default in (("http", ":80"), ("https", ":443")):
        if parts.scheme == scheme:
            port = port.removesuffix(default)
    return f"{parts.scheme}://{port}".lower()
