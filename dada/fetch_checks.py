"""What a browser checks: which requests go without asking, and what an answer lets a page do (Fetch §2.2.2, §4.8).

How to read this file: `unsafe_names` says which headers a page must ask for, `preflight_check` what the answer to
that question grants, `cors_check` whether the page may read the answer to the request itself (Fetch §4.10), and
`readable_headers` which of its headers it sees.  `fetch.py` puts them in the order in which a browser runs them.

Where Chromium is known to differ from the standard, the difference has a name in CHROMIUM and can be switched on:
a test drives the real browser against this model and finds no other.

This file knows headers; it does not know who sends them.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from typing import Final, NamedTuple

from dada.headers import (
    FORBIDDEN_RESPONSE_HEADERS,
    NON_WILDCARD_REQUEST_HEADERS,
    SAFELISTED_METHODS,
    SAFELISTED_RESPONSE_HEADERS,
    shown,
    split_list,
)
from dada.trace import Step

__all__ = [
    "CHROMIUM", "CheckResult", "cors_check", "is_safelisted", "preflight_check", "readable_headers", "unsafe_names",
]  # fmt: skip

Headers = Sequence[tuple[str, str]]

# Seen with Chromium 156.0.8078.79 in November 2026; the oracle's tests assert that each still makes a difference.
CHROMIUM: Final = frozenset({
    "star-covers-authorization",  # Access-Control-Allow-Headers: * covers Authorization without credentials
    "client-hints-safelisted",  # DPR, Save-Data … go without asking, as an older safelist had it
    "intervention-safelisted",  # so does Intervention, whatever it says
    "available-dictionary-stops",  # a call with Available-Dictionary, a header of the browser's own, is never made
    "combine-before-safelisting",  # repeated headers are joined by ", " before they are judged
    "user-agent-never-unsafe",  # a User-Agent set by a page asks for nothing, and never leaves the browser
    "range-below-2-63",  # a Range with a number from 2**63 - 1 on is not safelisted
    "upload-needs-a-body",  # a listener to an upload without a body asks for nothing
    "upload-lists-methods",  # the answer to an upload's preflight without a list of methods does not grant the method
    "cache-grants-uploads",  # anything remembered for the URL lets an upload by GET, HEAD or POST go unasked
    "cache-keeps-newest",  # a new answer replaces all that was remembered for the URL; the standard adds to it
    "cache-keeps-after-failure",  # an answer that the page may not read forgets nothing
    "cache-takes-star-by-name",  # * remembered from a call with credentials grants nothing later
    "max-age-is-int64",  # Access-Control-Max-Age: -1 is 0, +600 is 600, and 2**63 is no number; the standard differs
})  # fmt: skip


class CheckResult(NamedTuple):
    """Whether a check passed, and what it found, step by step.

    methods, headers, max_age  what a passed preflight grants, for the cache; max_age in seconds
    """

    ok: bool
    steps: tuple[Step, ...]
    methods: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    max_age: int = 0


def step(name: str, ok: bool, found: str, clause: str) -> Step:
    """Return a step of the browser's side."""
    return Step(f"browser: {name}", clause, "passed" if ok else "failed", found)


# --- what goes without asking (Fetch §2.2.2) -------------------------------------------------------------

_UNSAFE_BYTE = re.compile(r'[\x00-\x08\x0a-\x1f"():<>?@\[\\\]{}\x7f]')
_NO_LANGUAGE = re.compile(r"[^0-9A-Za-z *,.;=-]")
_MIME_TYPE = re.compile(
    r"[ \t\r\n]*([A-Za-z0-9!#$%&'*+.^_`|~-]+/[A-Za-z0-9!#$%&'*+.^_`|~-]+)[ \t\r\n]*(?:;.*)?", re.DOTALL
)
_SIMPLE_TYPES = frozenset({"application/x-www-form-urlencoded", "multipart/form-data", "text/plain"})
_RANGE = re.compile(r"bytes=([0-9]+)-([0-9]*)")
_NUMBER, _WHOLE, _SIGNED = map(re.compile, (r"[0-9]+(?:\.[0-9]+)?", r"[0-9]+", r"[+-]?[0-9]+"))
_CLIENT_HINTS = {
    "device-memory": _NUMBER, "downlink": _NUMBER, "dpr": _NUMBER, "rtt": _WHOLE, "viewport-width": _WHOLE,
    "width": _WHOLE, "ect": re.compile(r"slow-2g|[234]g"), "save-data": re.compile(r"(?i:on)"),
}  # fmt: skip
_WHITE = " \t\r\n"


def is_safelisted(name: str, value: str, quirks: Collection[str] = ()) -> bool:
    """Whether a page may send this header without asking (CORS-safelisted request-header)."""
    if len(value) > 128:
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
            return _is_simple_range(value, quirks)
        case hint if hint in _CLIENT_HINTS and "client-hints-safelisted" in quirks:
            return _CLIENT_HINTS[hint].fullmatch(value) is not None
        case "intervention":
            return "intervention-safelisted" in quirks
    return False


def _is_simple_range(value: str, quirks: Collection[str]) -> bool:
    simple = _RANGE.fullmatch(value)
    if simple is None:
        return False
    first, last = int(simple[1]), int(simple[2] or simple[1])
    return first <= last and not ("range-below-2-63" in quirks and last >= 2**63 - 1)


def unsafe_names(headers: Iterable[tuple[str, str]], quirks: Collection[str] = ()) -> list[str]:
    """Return the names that a page must ask for, lower-case, sorted (CORS-unsafe request-header names).

    Safelisted headers are unsafe too when their values together are longer than 1024 bytes.
    """
    unsafe, safe, size = set(), set(), 0
    for name, value in combined(headers) if "combine-before-safelisting" in quirks else headers:
        if name.lower() == "user-agent" and "user-agent-never-unsafe" in quirks:
            continue
        if is_safelisted(name, value, quirks):
            safe.add(name.lower())
            size += len(value)
        else:
            unsafe.add(name.lower())
    return sorted(unsafe | safe if size > 1024 else unsafe)


def combined(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return *headers* with the values of repeated names joined by ", ", as they travel."""
    values: dict[str, list[str]] = {}
    for name, value in headers:
        values.setdefault(name.lower(), []).append(value)
    return [(name, ", ".join(parts)) for name, parts in values.items()]


# --- what a browser makes of an answer (Fetch §4.8, §4.10) -----------------------------------------------


def get(headers: Headers, name: str) -> str | None:
    """Return the value of all lines of a header joined, as Fetch's "get" does; None if there is none."""
    values = [value.strip(_WHITE) for line, value in headers if line.lower() == name]
    return ", ".join(values) if values else None


def _list(headers: Headers, name: str) -> list[str] | None:
    """Return the tokens of a list header, None if it is absent; one bad element raises ValueError."""
    lines = [split_list(value.strip(_WHITE)) for line, value in headers if line.lower() == name]
    if None in lines:
        raise ValueError(name)
    return [name for line in lines for name in line or ()] if lines else None


def cors_check(request_origin: str, credentials: str, response_headers: Headers) -> CheckResult:
    """Return whether a page of *request_origin* may read an answer with these headers (Fetch §4.10)."""
    allowed = get(response_headers, "access-control-allow-origin")
    if allowed is None:
        return _checked(False, "there is no Access-Control-Allow-Origin", "Fetch §4.10 step 2")
    if allowed == "*" and credentials != "include":
        return _checked(True, "Access-Control-Allow-Origin is *, and no credentials go along", "Fetch §4.10 step 3")
    if allowed != request_origin:
        return _checked(
            False, f"Access-Control-Allow-Origin is '{shown(allowed)}', not the page's", "Fetch §4.10 step 4"
        )
    if credentials != "include":
        return _checked(
            True, f"Access-Control-Allow-Origin is {shown(request_origin)}, the page's", "Fetch §4.10 step 5"
        )
    ok = get(response_headers, "access-control-allow-credentials") == "true"
    return _checked(ok, f"Access-Control-Allow-Credentials is {'' if ok else 'not '}true", "Fetch §4.10 step 7")


def _checked(ok: bool, found: str, clause: str) -> CheckResult:
    return CheckResult(ok, (step("cors check", ok, found, clause),))


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
    if not checked.ok:
        return checked
    steps = [*checked.steps, step("status", 200 <= status <= 299, f"status {status}", "Fetch §4.8 step 7")]
    try:
        methods = _list(response_headers, "access-control-allow-methods")
        names = [name.lower() for name in _list(response_headers, "access-control-allow-headers") or ()]
    except ValueError as error:
        steps.append(step("grammar", False, f"{error} is no list of tokens: all of it is void", "Fetch §4.8 step 7.3"))
        return CheckResult(False, tuple(steps))
    if methods is None:
        methods = [method] if always_asks and "upload-lists-methods" not in quirks else []
    any_is_any = credentials != "include"
    steps.append(_method_step(method, methods, any_is_any))
    steps.append(_headers_step(headers, names, any_is_any, quirks))
    granted = (tuple(methods), tuple(names), _max_age(response_headers, quirks))
    return CheckResult(all(step.ok for step in steps), tuple(steps), *granted)


def _method_step(method: str, methods: list[str], any_is_any: bool) -> Step:
    ok = method in methods or method in SAFELISTED_METHODS or (any_is_any and "*" in methods)
    found = f"{shown(method)} is granted" if ok else f"{shown(method)} is not granted"
    if method in SAFELISTED_METHODS:
        found = f"{method} needs no permission"
    return step("method", ok, found, "Fetch §4.8 step 7.5")


def _headers_step(headers: Headers, names: list[str], any_is_any: bool, quirks: Collection[str]) -> Step:
    covered = any_is_any and "*" in names
    missing = {name for name in unsafe_names(headers, quirks) if name not in names and not covered}
    if "star-covers-authorization" not in quirks:
        set_here = {name.lower() for name, _ in headers}
        missing |= {name for name in NON_WILDCARD_REQUEST_HEADERS & set_here if name not in names}
    found = f"{shown(', '.join(sorted(missing)))} not granted" if missing else "all are granted"
    return step("headers", not missing, found, "Fetch §4.8 step 7.7")


def _max_age(response_headers: Headers, quirks: Collection[str]) -> int:
    """Return how long a permission may be kept: what is no number is 5 s (Fetch §4.8 step 7.9, RFC 9111 §1.2.2)."""
    as_int64 = "max-age-is-int64" in quirks
    age = get(response_headers, "access-control-max-age") or ""
    if not (_SIGNED if as_int64 else _WHOLE).fullmatch(age):
        return 5
    number = int(age) if len(age) < 1000 else 2**63
    return 5 if as_int64 and not -(2**63) <= number < 2**63 else min(max(number, 0), 2**31)


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
