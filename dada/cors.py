"""The CORS protocol, the server's side (Fetch §3.3): which pages of other origins may read an answer.

How to read this file: `Policy` (in `cors_policy.py`) is proved when it is made, and decides; a `PolicyMap` gives
parts of a site policies of their own; `Middleware` writes the decisions onto the answers of any WSGI application.

CORS is no access control: a denied page's request is served as ever, only the reading of the answer is not
granted.  It is no protection against forged requests either: simple ones run unasked (Fetch §3.3.7).  There is
no option for Private Network Access, which was withdrawn, and none for callbacks.

This file knows WSGI (PEP 3333); it does not know what the application does.
"""

import re
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from dada.cors_policy import Decision, Policy, Request
from dada.cors_rules import Finding, PolicyError
from dada.errors import Problem
from dada.headers import CORS_RESPONSE_HEADERS
from dada.trace import Step

__all__ = ["Decision", "Finding", "Middleware", "Policy", "PolicyError", "PolicyMap", "Request"]

# --- parts of a site -------------------------------------------------------------------------------------


_PATH = re.compile(r"/[^*]*|(?:/[^*]*)?/\*", re.DOTALL)
_NO_PATH = re.compile(r"%[0-9A-Fa-f]{2}|[?#]|/\.\.?(?:/|\Z)")  # no decoded path looks so, as browsers send it


class PolicyMap:
    """Policies by path: "/v1/*" covers everything below /v1/, "/v1" that path alone; None is no CORS.

    Paths are compared by whole segments, decoded, case-sensitively, and the most specific wins: "/api/*" does
    not cover /apiary, "+" is "+" (CVE-2024-6839, -6844, -6866).  Raise :exc:`PolicyError`.
    """

    def __init__(self, policies: Mapping[str, Policy | None]) -> None:
        self._exact: dict[str, Policy | None] = {}
        self._below: dict[str, Policy | None] = {}
        problems = []
        if not isinstance(policies, Mapping):
            why, fix = "this is no map of paths", '{"/v1/*": policy}'
            raise PolicyError([Problem("not-a-map", "policies", repr(policies)[:40], why, fix)])
        for path, policy in policies.items():
            if not isinstance(path, str) or not _PATH.fullmatch(path) or _NO_PATH.search(path):
                why, fix = "a path begins with /, is written decoded, and has * as its last segment only", "/v1/*"
                problems.append(Problem("map-path", "path", ascii(path)[:80], why, fix))
            elif policy is not None and not isinstance(policy, Policy):
                why, fix = "this is no policy", "a Policy, or None"
                problems.append(Problem("map-policy", ascii(path)[:80], repr(policy)[:40], why, fix))
            elif path.endswith("/*"):
                self._below[path.removesuffix("/*")] = policy
            else:
                self._exact[path] = policy
        if problems:
            raise PolicyError(problems)
        self._depth = max((head.count("/") + 1 for head in self._below), default=0)

    def find(self, path: str) -> Policy | None:
        """Return the policy for the decoded *path*, or None where there is none."""
        if path in self._exact:
            return self._exact[path]
        segments = path.split("/", self._depth)  # no deeper than the deepest that is known, however long the path
        for count in range(len(segments) - 1, 0, -1):
            head = "/".join(segments[:count])
            if head in self._below:
                return self._below[head]
        return None


# --- any WSGI application --------------------------------------------------------------------------------

StartResponse = Callable[..., Any]
WSGIApp = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]
_STATUS: Final = {204: "204 No Content", 403: "403 Forbidden"}


class Middleware:
    """Wraps a WSGI application (PEP 3333), outermost: it answers preflights, and marks every other answer.

    policies     one Policy for all paths, a PolicyMap, or a mapping to make one of
    on_decision  called with each Decision, for logs; after the application named its headers, so that it
                 also hears of headers of this protocol that the application set itself and that were dropped
    own_headers  called for the headers, besides those of this protocol, of an answer that is made here

    Preflights never reach the application.  An exception that leaves the application becomes a 500 here, told
    on wsgi.errors: the server's own 500 would come without these headers, and no page could read it.
    """

    def __init__(
        self,
        app: WSGIApp,
        policies: Policy | PolicyMap | Mapping[str, Policy | None],
        *,
        on_decision: Callable[[Decision], None] | None = None,
        own_headers: Callable[[], Iterable[tuple[str, str]]] = tuple,
    ) -> None:
        self._app, self._on_decision, self._own_headers = app, on_decision, own_headers
        self._only = policies if isinstance(policies, Policy) else None
        by_path: Any = {} if self._only else policies
        self._map = by_path if isinstance(by_path, PolicyMap) else PolicyMap(by_path)

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        policy = self._only or self._map.find(_path(environ))
        if policy is None:
            return self._app(environ, start_response)
        get = environ.get
        if environ["REQUEST_METHOD"] == "OPTIONS":
            method, names = get("HTTP_ACCESS_CONTROL_REQUEST_METHOD"), get("HTTP_ACCESS_CONTROL_REQUEST_HEADERS")
            decision = policy.decide(("OPTIONS", get("HTTP_ORIGIN"), method, names))
            if (status := decision.status) is not None:
                if self._on_decision:
                    self._on_decision(decision)
                empty = () if status == 204 else (("Content-Length", "0"),)  # RFC 9110 §8.6
                start_response(_STATUS[status], decision.mark([*self._own_headers(), *empty]))
                return []
        else:  # on other methods the two headers mean nothing (Fetch §3.3.2)
            decision = policy.decide((environ["REQUEST_METHOD"], get("HTTP_ORIGIN"), None, None))
        environ["dada.cors"] = decision  # for whoever inside wants to refuse what a foreign page sends
        tell = _once(self._on_decision, decision) if self._on_decision else None

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            if tell:
                tell(headers)
            marked = decision.mark(headers)
            return start_response(status, marked, exc_info) if exc_info else start_response(status, marked)

        try:
            answer = self._app(environ, start)
        except Exception:  # noqa: BLE001 the last one that can still mark an answer
            return _failure(environ, start, self._own_headers())
        if type(answer) is list or _is_whole(answer, environ):
            return answer
        return _Parts(answer, environ, start, self._own_headers)


def _is_whole(answer: Iterable[bytes], environ: dict[str, Any]) -> bool:
    """Whether nothing can fail in *answer* any more, or the server has its own way with it."""
    if isinstance(answer, (list, tuple)):
        return True
    wrapper = environ.get("wsgi.file_wrapper")
    return isinstance(wrapper, type) and isinstance(answer, wrapper)


class _Parts:
    """The parts of an application's answer; what fails before the first of them has left is answered 500."""

    def __init__(
        self,
        answer: Iterable[bytes],
        environ: dict[str, Any],
        start: StartResponse,
        own_headers: Callable[[], Iterable[tuple[str, str]]],
    ) -> None:
        self._answer, self._environ, self._start, self._own_headers = answer, environ, start, own_headers

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._answer
        except Exception:  # noqa: BLE001 as above
            yield from _failure(self._environ, self._start, self._own_headers())

    def close(self) -> None:
        """Close the application's answer, whether it was asked for a part or not (PEP 3333)."""
        getattr(self._answer, "close", lambda: None)()


def _failure(environ: dict[str, Any], start: StartResponse, own_headers: Iterable[tuple[str, str]]) -> list[bytes]:
    """Answer 500 for an exception on its way out; if a part of another answer has left, the server raises it again."""
    body = b"Internal Server Error\n"
    headers = [*own_headers, ("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))]
    start("500 Internal Server Error", headers, sys.exc_info())
    traceback.print_exc(file=environ.get("wsgi.errors"))
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]


def _once(hear: Callable[[Decision], None], decision: Decision) -> Callable[[Iterable[tuple[str, str]]], None]:
    """Return what tells *decision* when the application names its headers, the first time."""
    told: list[bool] = []

    def tell(headers: Iterable[tuple[str, str]]) -> None:
        if not told:
            told.append(True)
            hear(_with_conflict(decision, headers))

    return tell


def _with_conflict(decision: Decision, headers: Iterable[tuple[str, str]]) -> Decision:
    """Return *decision* with one more step if the application set headers of the protocol itself."""
    dropped = [name for name, _ in headers if name.lower() in CORS_RESPONSE_HEADERS]
    if not dropped:
        return decision
    found = f"the application set {', '.join(dropped)} itself: dropped"
    return replace(decision, steps=(*decision.steps, Step("conflict", "Fetch §3.3.4", "failed", found)))


def _path(environ: dict[str, Any]) -> str:
    path: str = environ.get("PATH_INFO") or "/"
    return path if path.isascii() else path.encode("latin-1").decode("utf-8", "replace")
