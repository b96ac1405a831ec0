"""A CORS policy, and what it decides (Fetch §3.3, §4.8, §4.10).

How to read this file: a `Policy` is proved when it is made (`cors_rules.py`) and never changes;
`Policy.decide` says what an answer must carry for one request, as a `Decision` with every step and its clause.

    >>> policy = Policy(origins=["https://shop.example"], methods=["PUT"], max_age=600)
    >>> asked = Request("OPTIONS", origin="https://shop.example", request_method="PUT")
    >>> print(policy.decide(asked).explain())
    ✔ kind                       a preflight: OPTIONS, Origin and Access-Control-Request-Method (Fetch §3.3.2)
    ✔ origin                     https://shop.example is let in (Fetch §4.10 step 4)
    ✔ method                     PUT is let in (Fetch §4.8 step 7)
    ✔ headers                    none is asked for (Fetch §4.8 step 7)
    ✔ age                        may be kept for 600 s (Fetch §4.8 step 7)

This file knows a request as four texts and an answer as headers; it does not know WSGI.
"""

import functools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

from dada.cors_rules import Finding, PolicyError, audit, prove
from dada.headers import (
    CORS_RESPONSE_HEADERS,
    NON_WILDCARD_REQUEST_HEADERS,
    SAFELISTED_METHODS,
    is_forbidden_method,
    is_token,
    shown,
    split_list,
)
from dada.origins import ANY, MAX_ORIGIN, Origins
from dada.trace import Step, explain

__all__ = ["Decision", "Policy", "Request"]

MAX_ASKED: Final = 4096  # characters of Access-Control-Request-Headers; browsers send a few names
MAX_ELEMENTS: Final = 128
MAX_METHOD: Final = 64  # characters of a method that only * covers
_REMEMBERED: Final = 1024
_PREFLIGHT_VARY: Final = ("Origin", "Access-Control-Request-Method", "Access-Control-Request-Headers")


class Request(NamedTuple):
    """What CORS looks at: the method, and three headers, None where they are absent.

    origin           Origin; several lines joined by commas are no origin
    request_method   Access-Control-Request-Method
    request_headers  Access-Control-Request-Headers
    """

    method: str
    origin: str | None = None
    request_method: str | None = None
    request_headers: str | None = None


_Fields = tuple[str, str | None, str | None, str | None]


@dataclass(frozen=True, slots=True)
class Decision:
    """What the answer to a request must carry.

    kind     "preflight", "actual", or "not-cors" for a request without Origin
    allowed  whether the page may send (preflight) or read (actual)
    status   of the answer to a preflight; None where the application answers
    headers  to add, in order
    vary     names that the answer depends on
    steps    each check with its clause; the first that failed decided
    """

    kind: Literal["preflight", "actual", "not-cors"]
    allowed: bool
    status: int | None
    headers: tuple[tuple[str, str], ...]
    vary: tuple[str, ...]
    steps: tuple[Step, ...]
    _lines: tuple[tuple[str, str], ...] = field(init=False, repr=False, compare=False)  # headers and Vary

    def __post_init__(self) -> None:
        varies = (("Vary", ", ".join(self.vary)),) if self.vary else ()
        object.__setattr__(self, "_lines", self.headers + varies)

    def explain(self) -> str:
        """Return the steps as a text, a line each."""
        return explain(self.steps)

    def mark(self, headers: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
        """Return an answer's *headers* with this decision's: each of the protocol's once, Vary in one line."""
        if not headers:
            return [*self._lines]
        marked, said = [], ""
        for header in headers:
            name, value = header
            if name in _ORDINARY:
                marked.append(header)
            elif name.lower() == "vary":
                said = f"{said}, {value}" if said and value else said or value
            elif not _is_ours(name):
                marked.append(header)
        if not said:
            return [*marked, *self._lines]
        marked += self.headers
        marked.append(("Vary", _varying(said, self.vary)))
        return marked


_ORDINARY: Final[set[str]] = set()  # names, as they were spelled, that are no business of this protocol's


def _is_ours(name: str) -> bool:
    """Whether the header *name* is one that `Decision.mark` writes; what is not is remembered."""
    lower = name.lower()
    if lower in CORS_RESPONSE_HEADERS:
        return True
    if len(_ORDINARY) < _REMEMBERED:
        _ORDINARY.add(name)
    return False


@functools.lru_cache(maxsize=_REMEMBERED)
def _varying(said: str, vary: tuple[str, ...]) -> str:
    """Return the value of Vary: what the application *said*, and what is missing of *vary*."""
    there = {name.strip(" \t").lower() for name in said.split(",")}
    more = [] if "*" in there else [name for name in vary if name.lower() not in there]
    return ", ".join(([said] if said else []) + more)


@dataclass(frozen=True, kw_only=True)
class Policy:
    """Who may read, and what; proved when it is made.

    origins           origins, patterns by whole labels, or ["*"]; never a text alone
    methods           besides GET, HEAD and POST, which need no listing; or ["*"]
    request_headers   that pages may set; or ["*"], which does not cover Authorization
    response_headers  that pages may read besides the seven safelisted; or ["*"]
    credentials       whether cookies and HTTP authentication may come along
    max_age           seconds that a preflight may be kept; 0 keeps none, None leaves browsers their 5
    timing            whether Timing-Allow-Origin follows Access-Control-Allow-Origin
    disclosure        "minimal" answers a preflight with what was asked, "full" with the lists

    Raise :exc:`PolicyError`, with every problem, for what can never work or cannot be safe.
    """

    origins: Sequence[str]
    methods: Sequence[str] = ()
    request_headers: Sequence[str] = ()
    response_headers: Sequence[str] = ()
    credentials: bool = False
    max_age: int | None = None
    timing: bool = False
    disclosure: Literal["minimal", "full"] = "minimal"
    dangerously_allow_insecure_origins: bool = False
    dangerously_allow_public_suffixes: bool = False
    _let_in: Origins = field(init=False, repr=False, compare=False)
    _headers: frozenset[str] = field(init=False, repr=False, compare=False)
    _granted: tuple[tuple[str, str], ...] = field(init=False, repr=False, compare=False)
    _remembered: dict[_Fields, Decision] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        keep = object.__setattr__  # a frozen dataclass is filled so, once
        for name in ("origins", "methods", "request_headers", "response_headers"):
            value = getattr(self, name)
            if isinstance(value, Iterable) and not isinstance(value, str | bytes):
                keep(self, name, tuple(value))
        let_in, problems = prove(self)
        if problems:
            raise PolicyError(problems)
        keep(self, "_let_in", let_in)
        keep(self, "_headers", frozenset(name.lower() for name in self.request_headers))
        granted = [("Access-Control-Allow-Credentials", "true")] if self.credentials else []
        if self.response_headers:
            granted.append(("Access-Control-Expose-Headers", ", ".join(self.response_headers)))
        keep(self, "_granted", tuple(granted))

    def audit(self) -> list[Finding]:
        """Return what is legal and risky in this policy."""
        return audit(self, self._let_in)

    def decide(self, request: Request | _Fields) -> Decision:
        """Return what the answer to *request* must carry.  Pure: equal requests have equal decisions.

        request  a Request, or its four fields in their order: it equals them
        """
        if (decision := self._remembered.get(request)) is not None:
            return decision
        decision = self._decide(Request(*request))
        if sum(len(text) for text in request if text) < MAX_ORIGIN:
            if len(self._remembered) >= _REMEMBERED:
                self._remembered.clear()
            self._remembered[request] = decision
        return decision

    def _decide(self, request: Request) -> Decision:
        options = request.method == "OPTIONS"
        vary: tuple[str, ...] = () if self._let_in.any else ("Origin",)
        if options:
            vary = _PREFLIGHT_VARY
        if request.origin is None:
            headers = self._grant(ANY) if self._let_in.any else ()
            return Decision("not-cors", False, None, headers, vary, (_NOT_CORS,))
        if options and request.request_method is not None:
            return self._decide_preflight(request.origin, request.request_method, request.request_headers or "")
        origin = self._origin_step(request.origin)
        headers = self._grant(request.origin) if origin.ok else ()
        return Decision("actual", origin.ok, None, headers, vary, (_ACTUAL, origin))

    def _grant(self, origin: str) -> tuple[tuple[str, str], ...]:
        """Return the headers that let *origin* read an actual answer (Fetch §3.3.3)."""
        value = ANY if self._let_in.any else origin
        timing = (("Timing-Allow-Origin", value),) if self.timing else ()
        return (("Access-Control-Allow-Origin", value), *self._granted, *timing)

    # --- preflights (Fetch §4.8): each step looks at one header, and the first that fails ends it ---

    def _decide_preflight(self, origin: str, method: str, asked: str) -> Decision:
        names = split_list(asked, MAX_ELEMENTS) if len(asked) <= MAX_ASKED else None
        steps: list[Step] = []
        for step in self._preflight_steps(origin, method, names):
            steps.append(step)
            if not step.ok:
                return Decision("preflight", False, 403, (), _PREFLIGHT_VARY, tuple(steps))
        if self.max_age is not None:
            steps.append(Step("age", "Fetch §4.8 step 7", "passed", f"may be kept for {self.max_age} s"))
        headers = self._preflight_headers(origin, method, names or [])
        return Decision("preflight", True, 204, headers, _PREFLIGHT_VARY, tuple(steps))

    def _preflight_steps(self, origin: str, method: str, names: list[str] | None) -> Iterator[Step]:
        yield _PREFLIGHT
        yield self._origin_step(origin)
        yield self._method_step(method)
        yield self._headers_step(names)

    def _origin_step(self, origin: str) -> Step:
        ok = self._let_in.contain(origin)
        return _step("origin", ok, f"{shown(origin)} is {'let in' if ok else 'not let in'}", "Fetch §4.10 step 4")

    def _method_step(self, method: str) -> Step:
        if not is_token(method) or is_forbidden_method(method):
            return _step("method", False, f"{shown(method)} is no method that a page may use", "Fetch §2.2.1")
        if method in SAFELISTED_METHODS:
            return _step("method", True, f"{method} needs no listing")
        ok = method in self.methods or (ANY in self.methods and len(method) <= MAX_METHOD)
        return _step("method", ok, f"{shown(method)} is {'let in' if ok else 'not let in; case counts'}")

    def _headers_step(self, names: list[str] | None) -> Step:
        if names is None:
            return _step("headers", False, "no list of names, or one too long to be a browser's")
        for name in sorted({name.lower() for name in names} - self._headers):
            if ANY not in self._headers:
                return _step("headers", False, f"{shown(name)} is not let in")
            if name in NON_WILDCARD_REQUEST_HEADERS:
                return _step("headers", False, f"{name} is never covered by *: it must be listed", "Fetch §2.2.2")
        return _step("headers", True, f"{shown(', '.join(names))} may be set" if names else "none is asked for")

    def _preflight_headers(self, origin: str, method: str, names: list[str]) -> tuple[tuple[str, str], ...]:
        headers = [("Access-Control-Allow-Origin", ANY if self._let_in.any else origin)]
        if self.credentials:
            headers.append(("Access-Control-Allow-Credentials", "true"))
        methods = [] if method in SAFELISTED_METHODS else [method]
        asked = {name.lower() for name in names}
        if ANY not in self.methods:
            methods = list(self.methods) if self.disclosure == "full" else methods
        elif not self.credentials:  # with them * is an ordinary name: what was asked is spelled out (Fetch §3.3.4)
            methods = [ANY]
        if self.disclosure == "full":
            asked = asked | (self._headers - {ANY}) if self.credentials else {*self._headers}
        if methods:
            headers.append(("Access-Control-Allow-Methods", ", ".join(methods)))
        if asked:
            headers.append(("Access-Control-Allow-Headers", ", ".join(sorted(asked))))
        if self.max_age is not None:
            headers.append(("Access-Control-Max-Age", str(self.max_age)))
        return tuple(headers)


def _step(name: str, ok: bool, found: str, clause: str = "Fetch §4.8 step 7") -> Step:
    return Step(name, clause, "passed" if ok else "failed", found)


_NOT_CORS, _ACTUAL, _PREFLIGHT = (
    _step("kind", True, found, "Fetch §3.3.2")
    for found in (
        "no Origin: a request of the page's own site, or of no page",
        "an actual request: it carries Origin and is no preflight",
        "a preflight: OPTIONS, Origin and Access-Control-Request-Method",
    )
)
