"""HTTP: a request in process, and under a server, against a bare WSGI callable and six peers (bench/http_apps.py).

The floor is a bare WSGI callable: dict routing, the standard library's json, headers by hand, and for a token the very
work that the floor of the token bench does (bench/floor.py: header, MAC and payload read, the MAC compared, no other
check).

In process, an application is called as gunicorn would call it, with an environ of its own each time.  Under a server,
wrk asks over sixteen connections of the same machine, and what is counted is the processor's time that the server's
processes spent on a request: requests a second say more about the machine.  Rounds are interleaved; medians are told.
"""

import asyncio
import io
import json
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from bench import http_apps, http_wrk
from bench.timing import compare, table

__all__ = ["run"]

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
    known = {**page, "Authorization": f"Bearer {good}"}
    late = {**page, "Authorization": f"Bearer {good[:-8]}AAAAAAAA"}
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}
    typed = {"Content-Type": "application/json"}
    address, addresses = "/v1/users/ada/addresses/7", "/v1/users/ada/addresses"
    return [
        Case("GET with a token", "GET", address, known, b"", (200,)),
        Case("Preflight", "OPTIONS", addresses, {**page, **asked}, b"", (200, 204)),
        Case(
            "POST with a token and a body of four fields", "POST", addresses, {**known, **typed}, http_apps.BODY, (201,)
        ),
        Case("404", "GET", "/v1/nowhere/at/all", page, b"", (404,)),
        Case("401: a token that is not good", "GET", address, late, b"", (401,)),
    ]


def environ_of(case: Case) -> dict[str, Any]:
    """Return what gunicorn would hand over."""
    environ: dict[str, Any] = {
        "wsgi.errors": io.StringIO(), "wsgi.version": (1, 0), "wsgi.multithread": True, "wsgi.multiprocess": True,
        "wsgi.run_once": False, "wsgi.file_wrapper": io.BytesIO, "wsgi.input_terminated": True,
        "SERVER_SOFTWARE": "gunicorn", "gunicorn.socket": None, "REQUEST_METHOD": case.method, "QUERY_STRING": "",
        "RAW_URI": case.path, "SERVER_PROTOCOL": "HTTP/1.1", "HTTP_HOST": "127.0.0.1:8000", "HTTP_USER_AGENT": "bench",
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


def by_wsgi(app: Any, case: Case) -> Callable[[], tuple[int, bytes]]:
    """Return a call of *app*: status and body."""
    environ, body = environ_of(case), case.body
    told: list[str] = []

    def start(status: str, headers: Any, exc_info: Any = None) -> None:  # noqa: ARG001
        told[:] = [status]

    def call() -> tuple[int, bytes]:
        parts = app({**environ, "wsgi.input": io.BytesIO(body)}, start)
        content = b"".join(parts)
        if (close := getattr(parts, "close", None)) is not None:
            close()
        return int(told[0][:3]), content

    return call


def by_asgi(app: Any, case: Case) -> Callable[[], tuple[int, bytes]]:
    """The same for an ASGI application, on an event loop that runs for as long as the call."""
    loop = asyncio.new_event_loop()
    headers = {**case.headers, "Host": "127.0.0.1:8000", "User-Agent": "bench", "Content-Length": str(len(case.body))}
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": case.method, "scheme": "http",
        "path": case.path, "raw_path": case.path.encode(), "query_string": b"", "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 40000), "server": ("127.0.0.1", 8000),
    }  # fmt: skip

    def call() -> tuple[int, bytes]:
        told: list[Any] = []

        async def receive() -> Any:
            return {"type": "http.request", "body": case.body, "more_body": False}

        async def send(message: Any) -> None:
            told.append(message)

        loop.run_until_complete(app(dict(scope), receive, send))
        return told[0]["status"], b"".join(message.get("body", b"") for message in told)

    return call


def _checked(name: str, case: Case, call: Callable[[], tuple[int, bytes]]) -> Callable[[], tuple[int, bytes]]:
    """Return *call*, once it is seen that it answers what it should."""
    status, body = call()
    assert status in case.status, (name, case.title, status, body)
    if status == 200 and case.method == "GET":
        assert json.loads(body) == http_apps.ADDRESS, (name, body)
    return call


def run(rounds: int = 60) -> str:
    """Return the tables."""
    apps = {name: http_apps.make(name) for name in LABELS}
    tables = []
    for case in cases():
        calls = {
            LABELS[name]: _checked(name, case, (by_asgi if name == "fastapi" else by_wsgi)(app, case))
            for name, app in apps.items()
        }
        rows = compare(calls, FLOOR, rounds=rounds, calls=100, clock=time.thread_time_ns)
        tables.append(table(f"{case.title}, in process", rows, "µs"))
    return "\n".join([*tables, http_wrk.run(cases())])
