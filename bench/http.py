"""HTTP: a request in process, and under a server, against a bare WSGI callable and six peers (bench/http_apps.py).

The floor is a bare WSGI callable: dict routing, the standard library's json, headers by hand, and for a token the very
work that the floor of the token bench does (bench/floor.py: header, MAC and payload read, the MAC compared, no other
check).

In process, an application is called as gunicorn would call it, with an environ of its own each time.  Under a server,
wrk asks over sixteen connections of the same machine, and what is counted is the processor's time that the server's
processes spent on a request: requests a second say more about the machine.  Rounds are interleaved; medians are told.
"""

import io
import json
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from bench import http_apps, http_parts, http_wrk
from bench.timing import compare, table

__all__ = ["run"]

PROSE = """\
A request with a token, and every check of ours, costs about as much as the floor, which checks nothing and reads JSON
by the standard library; about half of it is the token.  Flask costs ten times as much, Django with its REST framework
more than twenty: divide their rows by ours.

Each is called before it is counted.  A process serves with one of these; how the others' work empties the processor's
caches is no part of its cost, and would be told of the quickest most.

Under a server, gunicorn spends more than half a microsecond on each header that it writes, and our answers have ten or
eleven, for the safety of browsers, where peers have three or four.  So a 404, which is made in little more than half of
Falcon's time, is but a little ahead of Falcon's when it is written.
A preflight's answer has no body: it may cost less than the empty application's, which has one.
"""
FLOOR = "floor: by hand, nothing else checked"
LABELS = {
    "floor": FLOOR,
    "dada": "**dada**",
    "falcon": "Falcon + PyJWT",
    "falcon, our verifier": "Falcon, given our verifier",
    "bottle": "Bottle + PyJWT",
    "flask": "Flask + flask-cors + PyJWT",
    "fastapi": "FastAPI + PyJWT",
    "django": "Django + DRF + SimpleJWT",
}
ONE, ALL = "/v1/users/ada/addresses/7", "/v1/users/ada/addresses"
JSON = {"Content-Type": "application/json"}


class Case(NamedTuple):
    """A kind of request: its name, its parts, the status that every application has to answer."""

    title: str
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    status: tuple[int, ...]


def cases() -> list[Case]:
    """Return the kinds of requests."""
    good = http_apps.token()
    page = {"Origin": http_apps.ORIGIN}
    known, late = _with(good), _with(f"{good[:-8]}AAAAAAAA")
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}
    return [
        Case("GET with a token", "GET", ONE, known, b"", (200,)),
        Case("Preflight", "OPTIONS", ALL, {**page, **asked}, b"", (200, 204)),
        Case("POST with a token and a body of four fields", "POST", ALL, known | JSON, http_apps.BODY, (201,)),
        Case("404", "GET", "/v1/nowhere/at/all", page, b"", (404,)),
        Case("401: a token that is not good", "GET", ONE, late, b"", (401,)),
    ]


def refusals() -> list[Case]:
    """Return what every application refuses, lest one be quick because it does not look."""
    tokens = {
        "no token": {"Origin": http_apps.ORIGIN},
        "an expired token": _with(http_apps.token(age=100_000)),
        "a token of another issuer": _with(http_apps.token(issuer="https://evil.example")),
        "a token for another audience": _with(http_apps.token(audience="https://evil.example")),
    }
    good, known = json.loads(http_apps.BODY), _with(http_apps.token()) | JSON
    bodies = {
        "a field too long": good | {"phone": "1" * 33},
        "an empty field": good | {"phone": ""},
        "a field missing": {name: good[name] for name in ("receiver", "phone", "detail")},
    }
    return [
        *(Case(title, "GET", ONE, headers, b"", (401,)) for title, headers in tokens.items()),
        *(Case(title, "POST", ALL, known, json.dumps(body).encode(), (422,)) for title, body in bodies.items()),
    ]


def _with(token: str) -> dict[str, str]:
    return {"Origin": http_apps.ORIGIN, "Authorization": f"Bearer {token}"}


def environ_of(case: Case) -> dict[str, Any]:
    """Return what gunicorn would hand over."""
    environ: dict[str, Any] = {
        "wsgi.errors": io.StringIO(), "wsgi.version": (1, 0), "wsgi.multithread": True, "wsgi.multiprocess": True,
        "wsgi.run_once": False, "wsgi.file_wrapper": io.BytesIO, "wsgi.input_terminated": True,
        "SERVER_SOFTWARE": "gunicorn", "gunicorn.socket": None, "REQUEST_METHOD": case.method, "QUERY_STRING": "",
        "RAW_URI": case.path, "SERVER_PROTOCOL": "HTTP/1.1", "HTTP_HOST": http_apps.HOST, "HTTP_USER_AGENT": "bench",
        "HTTP_ACCEPT": "*/*", "HTTP_ACCEPT_LANGUAGE": "en", "wsgi.url_scheme": "http", "REMOTE_ADDR": "127.0.0.1",
        "REMOTE_PORT": "40000", "SERVER_NAME": "127.0.0.1", "SERVER_PORT": "8000", "PATH_INFO": case.path,
        "SCRIPT_NAME": "",
    }  # fmt: skip
    for name, value in case.headers.items():
        key = name.upper().replace("-", "_")
        environ[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value
    if case.body:
        environ["CONTENT_LENGTH"] = str(len(case.body))
    return environ


def by_wsgi(app: Any, case: Case) -> Callable[[], tuple[str, bytes]]:
    """Return a call of *app*: status and body.  It does no more than a server must, since it is counted too."""
    environ, body = environ_of(case), case.body
    told = ""

    def start(status: str, headers: Any, exc_info: Any = None) -> None:  # noqa: ARG001
        nonlocal told
        told = status

    def call() -> tuple[str, bytes]:
        parts = app({**environ, "wsgi.input": io.BytesIO(body)}, start)
        content = b"".join(parts)
        if hasattr(parts, "close"):
            parts.close()
        return told, content

    return call


def by_asgi(app: Any, case: Case) -> Callable[[], tuple[str, bytes]]:
    """The same for an ASGI application.  Nothing in it waits: it is driven by hand, and no loop has to be paid for."""
    headers = {**case.headers, "Host": http_apps.HOST, "User-Agent": "bench", "Content-Length": str(len(case.body))}
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": case.method, "scheme": "http",
        "path": case.path, "raw_path": case.path.encode(), "query_string": b"", "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 40000), "server": ("127.0.0.1", 8000),
    }  # fmt: skip
    told: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": case.body, "more_body": False}

    async def send(message: Any) -> None:
        told.append(message)

    def call() -> tuple[int, bytes]:
        told.clear()
        coroutine = app(dict(scope), receive, send)
        try:
            coroutine.send(None)
        except StopIteration:
            return str(told[0]["status"]), b"".join(message.get("body", b"") for message in told)
        raise AssertionError("it waits")

    return call


def _caller(name: str, app: Any, case: Case) -> Callable[[], tuple[str, bytes]]:
    """Return a call of *app*, once it is seen that it answers what it should."""
    call = (by_asgi if name == "fastapi" else by_wsgi)(app, case)
    told, body = call()
    status = int(told[:3])
    assert status in case.status, (name, case.title, status, body)
    if status == 200 and case.method == "GET":
        assert json.loads(body) == http_apps.ADDRESS, (name, body)
    if status == 201:
        assert json.loads(body) == {"id": 8, **json.loads(http_apps.BODY)}, (name, body)
    return call


def run(rounds: int = 40) -> str:
    """Return the tables."""
    apps = {name: http_apps.make(name) for name in LABELS}
    for case in refusals():
        for name in apps.keys() - {"floor"}:
            _caller(name, apps[name], case)
    tables = []
    for case in cases():
        calls = {LABELS[name]: _caller(name, app, case) for name, app in apps.items()}
        rows = compare(calls, FLOOR, rounds=rounds, calls=200, warm=200, clock=time.thread_time_ns)
        tables.append(table(f"{case.title}, in process", rows, "µs"))
    for case in cases():
        if case.method == "GET" and case.status != (401,):
            shown = {name: apps.get(name) or http_apps.make(name) for name in http_parts.SHOWN}
            tables.append(http_parts.run(case.title, environ_of(case), shown, LABELS, rounds))
    return "\n".join([PROSE, *tables, http_wrk.run(cases())])
