"""WSGI in, WSGI out: the only door to werkzeug.

A request goes through `App.__call__` from top to bottom: path and method to a resource (`router.py`), who may call
(a guard), the resource's method, which returns an `Answer`; whatever is raised on the way becomes a problem
document (RFC 9457).  How an answer is written is in `answers.py`.

Werkzeug's objects are made where a request needs them (entity tags, languages), not for every answer: they cost
more than all the rest.

This file knows HTTP (RFC 9110) and WSGI (PEP 3333); it does not know what the resources are about.
"""

import functools
import inspect
import itertools
import logging
import re
import secrets
import time
from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final, TypeVar
from urllib.parse import parse_qsl, quote

import msgspec
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header, parse_etags, parse_options_header

from dada import bodies
from dada.answers import HEADERS, Answer, plain, problem_headers, written
from dada.errors import Malformed, Misuse, Problem, Rejected
from dada.headers import ACCEPTS
from dada.phrases import Phrases
from dada.problems import DETAILS, TYPES, HTTPProblem, Invalid, ProblemType, document
from dada.router import MethodNotAllowed, NotFound, Route, Router, handlers_of
from dada.targets import is_host, unfold

__all__ = ["Answer", "App", "Guard", "Request"]

T = TypeVar("T", bound=msgspec.Struct)
Environ = dict[str, Any]
StartResponse = Callable[..., Any]

MAX_BODY: Final = 64 * 1024
LANGUAGES: Final = ("en", "zh-CN")

_log = logging.getLogger("dada.app")
# Methods that are known (RFC 9110 §9.1): nothing here answers the two last, which is 405; of others it is not known
# what they ask for: 501 (§15.6.2).
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY", "TRACE"})
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_OF_CACHES: Final = frozenset({"Cache-Control", "Content-Location", "Expires", "Vary"})  # 304 has them too

_UUID: Final = re.compile(r"[0-9A-Fa-f]{32}|[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_NOT_FOUND: Final = HTTPProblem("not-found")
_TELLING: Final = {language: problem_headers(language) for language in LANGUAGES}


class Request:
    """One request, read as far as somebody asks.

    id        a UUID for this request: in every answer, every log line, every problem
    params    the path's parameters, converted
    identity  who calls: what the guard left here
    route     the path of the route that was found, as it stands in the table: "" if none was
    began     when it arrived, by time.perf_counter
    """

    __slots__ = ("answer_headers", "began", "environ", "id", "identity", "method", "params", "route")

    def __init__(self, environ: Environ, request_id: str) -> None:
        self.environ, self.id, self.route = environ, request_id, ""
        self.began = time.perf_counter()
        self.method: str = environ["REQUEST_METHOD"]
        self.params: Mapping[str, Any] = {}
        self.identity: Any = None
        self.answer_headers: list[tuple[str, str]] = []  # what the answer carries besides, whatever it is

    @property
    def path(self) -> str:
        """The path as it stands in the request line: not decoded, without the query."""
        raw: str = self.environ.get("RAW_URI") or self.environ.get("REQUEST_URI") or ""
        return raw.partition("?")[0] or quote((self.environ.get("PATH_INFO") or "/").encode("latin-1", "replace"))

    def header(self, name: str) -> str | None:
        """Return the value of a header, or None."""
        value: str | None = self.environ.get(_environ_key(name))
        return value

    def query(self, kind: type[T]) -> T:
        """Return the query's parameters as a *kind*; a number is written in digits there.

        Raise :exc:`HTTPProblem` for what stands there twice or is no text, :exc:`Invalid` with every wrong parameter.
        """
        written = self.environ.get("QUERY_STRING")
        if not written:
            return bodies.read_query({}, kind)
        try:
            pairs = parse_qsl(written, keep_blank_values=True, errors="strict", max_num_fields=bodies.MAX_MEMBERS)
        except ValueError:
            raise HTTPProblem("bad-request", "the query is no UTF-8, or too long") from None
        members = dict(pairs)
        if len(members) < len(pairs):
            raise HTTPProblem("bad-request", "a parameter of the query stands there twice")
        return bodies.read_query(members, kind)

    @property
    def language(self) -> str:
        """The language for people: English, or Chinese where the caller prefers it (RFC 9110 §12.5.4)."""
        written = self.environ.get("HTTP_ACCEPT_LANGUAGE")
        return _language(written[:500]) if written else LANGUAGES[0]

    def json(self, kind: type[T], also: bodies.Faults | None = None) -> T:
        """Return the body as a *kind*.  Raise :exc:`HTTPProblem` (411, 413, 415, 400), :exc:`Invalid` (422).

        also  for a body with wrong members: what else is wrong with those that have their type
        """
        if not _is_json(self.environ.get("CONTENT_TYPE", "")[:200]):
            header = ACCEPTS.get(self.method, "Accept"), "application/json"
            raise HTTPProblem("unsupported-media-type", "a body is application/json, in UTF-8", headers=[header])
        encoding = self.environ.get("HTTP_CONTENT_ENCODING")
        if encoding is not None and encoding.lower() != "identity":
            header = "Accept-Encoding", "identity"
            raise HTTPProblem("unsupported-media-type", "a body is not compressed", headers=[header])
        return bodies.read(self.body(), kind, also)

    def body(self) -> bytes:
        """Return the body's bytes.  Raise :exc:`HTTPProblem` for one without a length, or too long."""
        written = self.environ.get("CONTENT_LENGTH") or ""
        if not written:
            # A chunked body ends by itself where the server says so; else nobody knows where it ends.
            coding = self.environ.get("HTTP_TRANSFER_ENCODING")
            if not (self.environ.get("wsgi.input_terminated") and coding):
                raise HTTPProblem("length-required")
            if coding.lower() != "chunked":  # a server that takes chunks apart may leave the rest to us (RFC 9112 §6.1)
                raise HTTPProblem("not-implemented", "a transfer coding that is not read here")
            length = MAX_BODY + 1
        elif not (written.isascii() and written.isdigit()):
            raise HTTPProblem("bad-request", "Content-Length is no number")
        else:
            length = int(written.lstrip("0")[:20] or "0")
            if length > MAX_BODY:
                raise HTTPProblem("content-too-large", f"at most {MAX_BODY} bytes are read")
        try:
            data: bytes = self.environ["wsgi.input"].read(length)
        except Exception as error:  # each server has its own words for a bad chunk, and for a sender who is gone
            raise HTTPProblem("bad-request", "the body could not be read", clause="RFC 9112 §7.1") from error
        if len(data) > MAX_BODY:
            raise HTTPProblem("content-too-large", f"at most {MAX_BODY} bytes are read")
        if written and len(data) < length:
            raise HTTPProblem("bad-request", "the body ended before its length")
        return data

    def has(self, etag: str) -> bool:
        """Whether the caller says that it has this version (If-None-Match, RFC 9110 §13.1.2)."""
        return parse_etags(self.environ.get("HTTP_IF_NONE_MATCH")).contains_weak(etag.strip('"'))

    def must_mean(self, etag: str) -> None:
        """Raise :exc:`HTTPProblem` unless the caller means this version: If-Match names it, If-None-Match does not."""
        written, failed, now = self.environ.get("HTTP_IF_MATCH"), "precondition-failed", [("ETag", etag)]
        if written is None:
            raise HTTPProblem(
                "precondition-required", 'If-Match is missing; its value is the ETag of what you saw, or "*"',
                clause="RFC 6585 §3",
            )  # fmt: skip
        if not parse_etags(written).contains(etag.strip('"')):
            raise HTTPProblem(  # a weak one names none
                failed, f"If-Match does not name the present version, {etag}", headers=now, clause="RFC 9110 §13.1.1"
            )
        if self.method not in _SAFE and self.has(etag):
            raise HTTPProblem(
                failed, f"If-None-Match names the present version, {etag}", headers=now, clause="RFC 9110 §13.1.2"
            )


Guard = Callable[[Request], None]
"""Lets a request through, and leaves who calls in its identity; or raises :exc:`Rejected`."""


class App:
    """A WSGI application made of routes.

    routes     the table; a class in it is made once, with *given*
    guards     for each word that says who may call, the guard; "anyone" needs none
    problems   kinds of problems besides those of HTTP itself
    words      what is told of fields: code → (English, Chinese)
    details    what is told of one occurrence: English → Chinese
    outages    exceptions that mean that a part of the service is down: 503 (RFC 9110 §15.6.4)
    realm      for challenges (RFC 9110 §11.5)
    headers    what every answer carries, unless it says otherwise itself
    hosts      the names by which this service is called, in small letters, with their ports; None takes any
    probes     paths that are answered whatever the service is called: who watches it knows its address only
    trusts     whether whoever sends this environ may name its request (X-Request-Id): a proxy; nobody by default
    on_request called with each request before anything is decided about it
    on_answer  called with each request and its status, for logs and figures; may still add to its answer_headers

    Raise :exc:`Misuse` for a table that cannot be right.
    """

    def __init__(
        self,
        routes: Iterable[Route],
        *,
        given: Any = None,
        guards: Mapping[str, Guard] | None = None,
        problems: Mapping[str, ProblemType] | None = None,
        words: Mapping[str, tuple[str, str]] | None = None,
        details: Mapping[str, str] | None = None,
        outages: tuple[type[Exception], ...] = (),
        realm: str = "dada",
        headers: Iterable[tuple[str, str]] = HEADERS,
        hosts: Container[str] | None = None,
        probes: Collection[str] = (),
        trusts: Callable[[Environ], bool] | None = None,
        on_request: Callable[[Request], None] | None = None,
        on_answer: Callable[[Request, int], None] | None = None,
    ) -> None:
        made = [replace(route, resource=_made(route.resource, given)) for route in routes]
        self.router = Router(made)
        known = {method for route in made for method in handlers_of(route.resource)}
        self._methods = _METHODS | known
        self._allow = ", ".join(sorted(known | {"OPTIONS"} | ({"HEAD"} if "GET" in known else set())))
        self._guards: dict[str, Guard | None] = {"anyone": None, **(guards or {})}
        self._problems = {**TYPES, **(problems or {})}
        self._words, self._outages, self._headers = dict(words or {}), outages, tuple(headers)
        retry = dict.fromkeys((429, 502, 503, 504), ("Retry-After", "1"))
        self._usual = {**retry, 401: ("WWW-Authenticate", f'Bearer realm="{realm}"')}  # RFC 9110 §15.5.2
        self._trusts, self._on_request, self._on_answer = trusts, on_request, on_answer
        self._phrases = Phrases({**DETAILS, **(details or {})})
        self._hosts, self._probes = hosts, frozenset(probes)
        self._ids: Iterator[str] | None = None  # made by the first request: after the server has forked
        said = {word for route in made for word in ([route.who] if isinstance(route.who, str) else route.who.values())}
        unknown = sorted(said - self._guards.keys())
        if unknown:
            why, fix = "no guard stands for this word", f"one of {', '.join(sorted(self._guards))}"
            raise Misuse([Problem("who-unknown", "guards", word, why, fix) for word in unknown])

    def __call__(self, environ: Environ, start_response: StartResponse) -> list[bytes]:
        if self._ids is None:
            self._ids = _request_ids()
        given = environ.get("HTTP_X_REQUEST_ID")
        named = _request_id(given) if given and self._trusts and self._trusts(environ) else ""
        if (environ.get("RAW_URI") or environ.get("REQUEST_URI") or "/")[0] != "/":
            unfold(environ)
        request = Request(environ, named or next(self._ids))
        try:
            if self._on_request:
                self._on_request(request)
            answer = self._answer(request)
        except Exception as error:  # noqa: BLE001 whatever it is, it becomes a problem document
            answer = self._problem(request, error)
        return self._finish(request, answer, start_response)

    def _answer(self, request: Request) -> Answer:
        environ = request.environ
        if self._hosts is None or environ.get("HTTP_HOST") not in self._hosts:
            self._look_at_host(request)
        if request.method not in self._methods:
            raise HTTPProblem("not-implemented", "the method is not known here")
        if request.method not in _SAFE and _is_foreign(environ):
            raise HTTPProblem("origin-not-allowed")
        match = self.router.match(request.method, request.path)
        if isinstance(match, NotFound):
            if request.path == "*" and request.method == "OPTIONS":  # of the server itself (RFC 9110 §9.3.7)
                return Answer(204, headers=(("Allow", self._allow),))
            return self._problem(request, _NOT_FOUND)  # so common that it is not raised
        if isinstance(match, MethodNotAllowed):
            raise HTTPProblem("method-not-allowed", headers=[("Allow", ", ".join(match.allow))])
        route, handler, who, allow, request.params = match
        if handler is None:
            return Answer(204, headers=(("Allow", ", ".join(allow)),))
        request.route = route.path
        if (guard := self._guards[who]) is not None:
            guard(request)
        answer: Answer = handler(request)
        if answer.etag and request.method in ("GET", "HEAD"):
            if "HTTP_IF_MATCH" in environ:
                request.must_mean(answer.etag)
            if "HTTP_IF_NONE_MATCH" in environ and request.has(answer.etag):
                kept = (header for header in answer.headers if header[0] in _OF_CACHES)
                return Answer(304, headers=tuple(kept), etag=answer.etag)
        return answer

    def _look_at_host(self, request: Request) -> None:
        """Raise :exc:`HTTPProblem` for a Host that names none (RFC 9112 §3.2), or none of this service's names."""
        host = request.environ.get("HTTP_HOST")
        if not (is_host(host) if host else request.environ.get("SERVER_PROTOCOL") != "HTTP/1.1"):
            raise HTTPProblem("bad-request", "Host names no host", clause="RFC 9112 §3.2")
        if self._hosts is not None and (host or "").lower() not in self._hosts and request.path not in self._probes:
            raise HTTPProblem("misdirected-request")

    def _problem(self, request: Request, error: Exception) -> Answer:
        """Return the answer for what was raised (RFC 9457)."""
        headers: tuple[tuple[str, str], ...] = ()
        members: Mapping[str, Any] = {}
        detail = ""
        if isinstance(error, Rejected) and error.reason in self._problems:
            code, detail = error.reason, error.detail
            if isinstance(error, HTTPProblem):
                headers, members = error.headers, error.members
        elif isinstance(error, self._outages):
            code = "unavailable"
            _log.warning("a part is down: %s", type(error).__name__, extra={"request": request.id})
        elif isinstance(error, Malformed):
            code, detail = "bad-request", str(error)
        else:
            code = "internal"
            _log.error("unhandled", exc_info=error, extra={"request": request.id})
        kind = self._problems[code]
        usual = self._usual.get(kind.status)
        if usual and not any(name == usual[0] for name, _ in headers):
            headers += (usual,)
        errors = error.errors if isinstance(error, Invalid) else ()
        language = request.language
        told: Any
        if detail or errors or members:
            told = document(
                kind, language, request.id, detail=detail, errors=errors, words=self._words, phrases=self._phrases,
                members=members,
            )  # fmt: skip
        else:
            told = plain(kind, language, request.id)
        return Answer(kind.status, told, headers + _TELLING[language])

    def _finish(self, request: Request, answer: Answer, start_response: StartResponse) -> list[bytes]:
        if self._on_answer:
            self._on_answer(request, answer.status)
        common = [*self._headers, *request.answer_headers, ("X-Request-Id", request.id)]
        status, headers, payload = written(answer, common)
        start_response(status, headers)
        return [] if request.method == "HEAD" or not payload else [payload]


# What a few clients say again and again is understood once.


@functools.lru_cache(maxsize=256)
def _environ_key(name: str) -> str:
    """Return where an environ has the header *name* (PEP 3333, environ Variables)."""
    key = name.upper().replace("-", "_")
    return key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"


@functools.lru_cache(maxsize=256)
def _language(written: str) -> str:
    """Return the one of our languages that Accept-Language likes best (RFC 9110 §12.5.4)."""
    wanted: dict[str, float] = {}  # "zh-HK" is Chinese; best first, and what stands first of equals
    for tag, quality in parse_accept_header(written, LanguageAccept):
        wanted.setdefault(re.split("[-_]", tag)[0].lower(), quality)
    ours = {language.partition("-")[0]: language for language in LANGUAGES}
    in_order = [*filter(ours.get, wanted), *(name for name in ours if name not in wanted)]
    best = max(in_order, key=lambda name: wanted.get(name, wanted.get("*", 0)))
    return ours[best] if wanted.get(best, wanted.get("*", 0)) else LANGUAGES[0]


@functools.lru_cache(maxsize=256)
def _is_json(written: str) -> bool:
    """Whether a Content-Type names JSON in UTF-8 (RFC 9110 §8.3, RFC 8259 §8.1)."""
    media_type, options = parse_options_header(written)
    media_type = media_type.lower()
    by_suffix = media_type.startswith("application/") and media_type.endswith("+json")
    return (media_type == "application/json" or by_suffix) and options.get("charset", "utf-8").lower() == "utf-8"


def _is_foreign(environ: Environ) -> bool:
    """Whether a page of an origin that is not let in sends this; what it may not read it shall not change either.

    CORS lets simple requests through unasked (Fetch §3.3.7), so that this is a gate of its own.
    """
    decision = environ.get("dada.cors")
    if decision is None or decision.kind != "actual" or decision.allowed:
        return False
    return bool(environ.get("HTTP_ORIGIN") != f"{environ['wsgi.url_scheme']}://{environ.get('HTTP_HOST', '')}")


def _made(resource: Any, given: Any) -> Any:
    """Return *resource*, made with what all resources are given if it is a class."""
    if not inspect.isclass(resource):
        return resource
    make: Callable[..., Any] = resource
    return make() if given is None else make(given)


def _request_id(given: str) -> str:
    """Return the UUID that *given* spells, with hyphens or without as proxies write it; "" for anything else."""
    digits = given.replace("-", "").lower()
    if not _UUID.fullmatch(given):
        return ""
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def _request_ids() -> Iterator[str]:
    """Return UUIDs (RFC 9562 §5.8: version 8): random for this process, counted within it; unique, and no secret.

    All threads take from these at once: hence no generator, which refuses whoever comes while it runs for another.
    """
    random = secrets.token_hex(10)
    prefix = f"{random[:8]}-{random[8:12]}-8{random[12:15]}-8{random[15:18]}-"
    return map(f"{prefix}%012x".__mod__, itertools.count(secrets.randbits(40)))
