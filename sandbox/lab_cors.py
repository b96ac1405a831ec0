"""The CORS lab: a policy and a call, played by our model of both sides, and for real by the reader's own browser.

    POST /labs/cors             {"policy", "call", "chromium"}: the dialogue, step by step, and an address to try it at
    ANY  /labs/cors/try/<id>    an application under that very policy: `dada.cors.Middleware`
    GET  /labs/cors/<id>        what came there: the requests as the server saw them, preflights among them

This file knows policies as data and what was tried; what is allowed is decided in `dada/cors_policy.py`, and on the
browser's side in `dada/fetch.py`.
"""

import secrets
import threading
from collections import OrderedDict, deque
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from werkzeug import Request, Response

from dada.cors import Middleware, Policy, PolicyError
from dada.fetch import CHROMIUM, Dialogue, Exchange, FetchCall, simulate
from sandbox.labs import BadQuestion, NoSuchThing, flag, text
from sandbox.trace_gates import cors_steps, fetch_source
from sandbox.trace_record import told

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

__all__ = ["CorsLab"]

KEPT: Final = 200  # trials
MOST_SEEN: Final = 20
ANSWER: Final = (("Content-Type", "application/json"), ("ETag", '"7"'), ("X-Lesson", "read me, if you may"))
_LISTS: Final = ("origins", "methods", "request_headers", "response_headers")
_CREDENTIALS: Final = ("omit", "same-origin", "include")


class _Trial:
    """A policy that is tried, and what came."""

    def __init__(self, policy: Policy) -> None:
        self.seen: deque[dict[str, Any]] = deque(maxlen=MOST_SEEN)
        self.app = Middleware(self._inside, policy)

    def _inside(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        response = Response('{"you": "may read this"}\n', headers=list(ANSWER))
        return response(environ, start_response)


class CorsLab:
    """The lab, and the WSGI application (`try_`) that the browser calls for real."""

    def __init__(self, world: str) -> None:
        self._world = world
        self._lock = threading.Lock()
        self._trials: OrderedDict[str, _Trial] = OrderedDict()

    def answer(self, method: str, path: tuple[str, ...], body: Mapping[str, Any], origin: str) -> Any:
        """See the head of this file."""
        match method, path:
            case "POST", ():
                return self._play(body, origin)
            case "GET", (name,):
                with self._lock:
                    if (trial := self._trials.get(name)) is None:
                        raise NoSuchThing
                    return {"seen": list(trial.seen)}
        raise NoSuchThing

    def _play(self, body: Mapping[str, Any], origin: str) -> dict[str, Any]:
        name = secrets.token_hex(8)
        url = f"{self._world}/labs/cors/try/{name}"
        call = _call(body.get("call"), url, origin)
        try:
            policy = _policy(body.get("policy"))
        except PolicyError as error:
            problems = [{"field": p.field, "why": p.why, "fix": p.fix, "clause": p.clause} for p in error.problems]
            return {"problems": problems}
        with self._lock:
            self._trials[name] = _Trial(policy)
            while len(self._trials) > KEPT:
                self._trials.popitem(last=False)
        quirks = CHROMIUM if flag(body, "chromium") else ()
        dialogue = simulate(policy, call, answer=ANSWER, quirks=quirks)
        findings = [{"severity": f.severity, "why": f.why, "fix": f.fix} for f in policy.audit()]
        return {"id": name, "url": url, "findings": findings, **_spelled(dialogue)}

    def try_(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer under the policy of a trial, and keep what came."""
        request = Request(environ)
        with self._lock:
            trial = self._trials.get(request.path.rpartition("/")[2])
        if trial is None:
            return Response("no such trial\n", 404)(environ, start_response)
        names = ("Origin", "Access-Control-Request-Method", "Access-Control-Request-Headers", "Content-Type")
        seen: dict[str, Any] = {
            "method": request.method,
            "headers": [[name, request.headers[name]] for name in names if name in request.headers],
        }

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            shown = [[name, value] for name, value in headers if name.lower().startswith(("access-control-", "vary"))]
            seen.update(status=int(status[:3]), answer=shown)
            with self._lock:
                trial.seen.append(seen)
            return start_response(status, headers, exc_info) if exc_info else start_response(status, headers)

        return trial.app(environ, start)


def _policy(given: Any) -> Policy:
    if not isinstance(given, dict):
        raise BadQuestion("policy is no object")
    lists = {name: given.get(name, []) for name in _LISTS}
    for name, value in lists.items():
        if not isinstance(value, list) or len(value) > 50 or not all(isinstance(item, str) for item in value):
            raise BadQuestion(f"{name} is no list of texts")
    max_age = given.get("max_age")
    if max_age is not None and type(max_age) is not int:
        raise BadQuestion("max_age is no whole number")
    return Policy(**lists, credentials=flag(given, "credentials"), max_age=max_age)


def _call(given: Any, url: str, origin: str) -> FetchCall:
    if not isinstance(given, dict):
        raise BadQuestion("call is no object")
    headers = given.get("headers", [])
    if not isinstance(headers, list) or not all(
        isinstance(pair, list) and len(pair) == 2 and all(isinstance(part, str) for part in pair) for pair in headers
    ):
        raise BadQuestion("headers are no list of pairs of texts")
    credentials = text(given, "credentials") or "omit"
    if credentials not in _CREDENTIALS:
        raise BadQuestion(f"credentials is none of {', '.join(_CREDENTIALS)}")
    return FetchCall(
        method=text(given, "method", 64) or "GET",
        url=url,
        origin=origin,
        headers=[(name, value) for name, value in headers],
        credentials=credentials,  # type: ignore[arg-type]
        body=text(given, "body") or None,
    )


def _spelled(dialogue: Dialogue) -> dict[str, Any]:
    steps = []
    for step in dialogue.steps:
        side, _, name = step.name.partition(": ")
        if side == "server":
            [one] = cors_steps([type(step)(name, step.clause, step.verdict, step.found)])
        else:
            bare = name or side
            one = told(type(step)(bare, step.clause, step.verdict, step.found), "fetch", fetch_source(bare))
        steps.append(one)
    return {
        "outcome": dialogue.outcome,
        "preflight": _exchange(dialogue.preflight),
        "actual": _exchange(dialogue.actual),
        "readable": sorted(dialogue.readable_headers),
        "steps": steps,
    }


def _exchange(exchange: Exchange | None) -> dict[str, Any] | None:
    if exchange is None:
        return None
    return {
        "method": exchange.method,
        "request": [list(header) for header in exchange.request_headers],
        "status": exchange.status,
        "answer": [list(header) for header in exchange.response_headers],
    }
