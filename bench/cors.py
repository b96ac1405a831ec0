"""CORS: what it costs to mark an answer and to answer a preflight, against four peers.

Two tables.  *A decision*: what each library does to find the headers of one answer, without its framework.  *A wrapped
request*: each framework calls an application that says nothing but its headers, alone and wrapped; what the wrapping
adds is the difference.  Frameworks differ by far more than their CORS does, so each peer is measured on its own
framework, and Dada on all three that speak WSGI.

Policies are the same for all, as each library's documentation has them: an origin of two that are listed, methods,
headers, one exposed header, ten minutes.  Each case is asserted to grant what it should before it is timed.
"""

import io
from collections.abc import Callable
from typing import Any

import django
import falcon
import flask
import flask_cors
from corsheaders.middleware import CorsMiddleware
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.http import HttpResponse
from django.urls import path
from flask_cors.core import get_cors_headers, get_cors_options
from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware

from bench.timing import Row, compare, table
from dada.cors import Middleware, Policy, Request

ORIGIN, DENIED = "https://app.example.com", "https://evil.example"
ORIGINS = [ORIGIN, "https://admin.example.com"]
METHODS, HEADERS = ["PUT", "DELETE", "PATCH"], ["content-type", "authorization", "if-match"]
POLICY = Policy(origins=ORIGINS, methods=METHODS, request_headers=HEADERS, response_headers=["ETag"], max_age=600)
ANSWER = [("Content-Type", "application/json"), ("Content-Length", "2")]
KINDS = {
    "a GET that is let in": ("GET", {"Origin": ORIGIN}),
    "a GET that is not": ("GET", {"Origin": DENIED}),
    "a GET without Origin": ("GET", {}),
    "a preflight": (
        "OPTIONS",
        {
            "Origin": ORIGIN,
            "Access-Control-Request-Method": "PUT",
            "Access-Control-Request-Headers": "authorization,content-type",
        },
    ),
}
EMPTY, FLOOR = "floor: an empty WSGI application", "floor: `origin in list`"


# --- applications ----------------------------------------------------------------------------------------


def bare(_: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    """Answer with two headers and two bytes."""
    start_response("200 OK", list(ANSWER))
    return [b"{}"]


async def bare_asgi(_scope: Any, _receive: Any, send: Any) -> None:
    """Answer the same, as ASGI has it."""
    lines = [(name.lower().encode(), value.encode()) for name, value in ANSWER]
    await send({"type": "http.response.start", "status": 200, "headers": lines})
    await send({"type": "http.response.body", "body": b"{}"})


def with_flask(cors: bool) -> flask.Flask:
    """Return the application on Flask, alone or with flask-cors."""
    app = flask.Flask("bench", static_folder=None)
    app.add_url_rule("/r", "r", lambda: flask.Response(b"{}", mimetype="application/json"))
    if cors:
        flask_cors.CORS(
            app, origins=ORIGINS, methods=METHODS, allow_headers=HEADERS, expose_headers=["ETag"], max_age=600
        )
    return app


def with_django() -> tuple[WSGIHandler, WSGIHandler]:
    """Return the application on Django, alone and with django-cors-headers."""
    view = path("r", lambda _: HttpResponse(b"{}", content_type="application/json"))
    settings.configure(
        ROOT_URLCONF=(view,), ALLOWED_HOSTS=["*"], LOGGING_CONFIG=None, MIDDLEWARE=[], CORS_ALLOWED_ORIGINS=ORIGINS,
        CORS_ALLOW_METHODS=METHODS, CORS_ALLOW_HEADERS=HEADERS, CORS_EXPOSE_HEADERS=["ETag"],
        CORS_PREFLIGHT_MAX_AGE=600,
    )  # fmt: skip
    django.setup()
    alone = WSGIHandler()
    settings.MIDDLEWARE = ["corsheaders.middleware.CorsMiddleware"]
    return alone, WSGIHandler()


class _Resource:
    def on_get(self, _: falcon.Request, response: falcon.Response) -> None:
        response.data = b"{}"

    def on_put(self, _: falcon.Request, response: falcon.Response) -> None:
        response.data = b"{}"


def with_falcon(cors: bool) -> Any:
    """Return the application on Falcon, alone or with its CORSMiddleware (which has no allowed headers, no age)."""
    middleware = [falcon.CORSMiddleware(allow_origins=ORIGINS, expose_headers="ETag")] if cors else []
    app = falcon.App(middleware=middleware)
    app.add_route("/r", _Resource())
    return app


def with_starlette() -> CORSMiddleware:
    """Return the ASGI application under Starlette's CORSMiddleware."""
    return CORSMiddleware(
        bare_asgi, allow_origins=ORIGINS, allow_methods=METHODS, allow_headers=HEADERS, expose_headers=["ETag"],
        max_age=600,
    )  # fmt: skip


# --- calls -----------------------------------------------------------------------------------------------


def _wsgi(app: Any, method: str, headers: dict[str, str]) -> Callable[[], Any]:
    made = {
        "REQUEST_METHOD": method, "SCRIPT_NAME": "", "PATH_INFO": "/r", "QUERY_STRING": "", "SERVER_NAME": "a.example",
        "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1", "HTTP_HOST": "a.example", "REMOTE_ADDR": "127.0.0.1",
        "wsgi.version": (1, 0), "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(), "wsgi.errors": io.StringIO(),
        "wsgi.multithread": False, "wsgi.multiprocess": True, "wsgi.run_once": False,
    } | {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}  # fmt: skip
    answered: list[Any] = []

    def start_response(status: str, lines: list[tuple[str, str]], _: Any = None) -> None:
        answered[:] = (status, lines)

    def call() -> list[tuple[str, str]]:
        parts = app(made.copy(), start_response)
        for _ in parts:
            pass
        if hasattr(parts, "close"):
            parts.close()
        found: list[tuple[str, str]] = answered[1]
        return found

    return call


def _asgi(app: Any, method: str, headers: dict[str, str]) -> Callable[[], Any]:
    lines = [(name.lower().encode(), value.encode()) for name, value in {"Host": "a.example", **headers}.items()]
    made = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
            "path": "/r", "raw_path": b"/r", "query_string": b"", "headers": lines}  # fmt: skip
    answered: list[Any] = []

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            answered[:] = message["headers"]

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    def call() -> list[tuple[str, str]]:
        coroutine = app(made.copy(), receive, send)  # nothing in it waits: it is driven by hand, without a loop
        try:
            coroutine.send(None)
        except StopIteration:
            return [(name.decode(), value.decode()) for name, value in answered]
        raise AssertionError("it waits")

    return call


# --- tables ----------------------------------------------------------------------------------------------


def _granted(lines: list[tuple[str, str]]) -> str | None:
    return {name.lower(): value for name, value in lines}.get("access-control-allow-origin")


def _requests(rounds: int) -> str:
    django_alone, django_cors = with_django()
    apps = {
        EMPTY: (_wsgi, bare),
        "**dada**": (_wsgi, Middleware(bare, POLICY)),
        "an empty ASGI application": (_asgi, bare_asgi),
        "starlette": (_asgi, with_starlette()),
        "Falcon": (_wsgi, with_falcon(False)),
        "Falcon, **dada**": (_wsgi, Middleware(with_falcon(False), POLICY)),
        "Falcon, its CORSMiddleware": (_wsgi, with_falcon(True)),
        "Flask": (_wsgi, with_flask(False)),
        "Flask, **dada**": (_wsgi, Middleware(with_flask(False), POLICY)),
        "Flask, flask-cors": (_wsgi, with_flask(True)),
        "Django": (_wsgi, django_alone),
        "Django, **dada**": (_wsgi, Middleware(django_alone, POLICY)),
        "Django, django-cors-headers": (_wsgi, django_cors),
    }
    alone = {"starlette": "an empty ASGI application"}
    tables = []
    for kind, (method, headers) in KINDS.items():
        calls = {name: caller(app, method, headers) for name, (caller, app) in apps.items()}
        for name, call in calls.items():
            wrapped = "," in name or name in ("**dada**", "starlette")
            granted = _granted(call())
            if headers:  # without Origin flask-cors names an origin all the same
                assert granted == (ORIGIN if wrapped and headers["Origin"] == ORIGIN else None), (kind, name)
        rows = {row.name: row for row in compare(calls, EMPTY, rounds=rounds, calls=20)}
        tables.append(_added(kind, rows, alone))
    return "\n".join(tables)


def _added(kind: str, rows: dict[str, Row], alone: dict[str, str]) -> str:
    lines = [
        f"### A wrapped request: {kind}",
        "",
        "| | best µs | × floor | wrapping adds µs |",
        "| --- | ---: | ---: | ---: |",
    ]
    for name, row in rows.items():
        base = alone.get(name) or (EMPTY if name == "**dada**" else name.partition(",")[0])
        added = "" if base == name else f"**{(row.nanoseconds - rows[base].nanoseconds) / 1000:.2f}**"
        lines.append(f"| {name} | {row.nanoseconds / 1000:.2f} | {row.ratio:.2f} | {added} |")
    return "\n".join(lines) + "\n"


def _decision_cases(method: str, headers: dict[str, str]) -> dict[str, Callable[[], Any]]:
    """Return what finds the headers of an answer, for each library that has it apart from its framework."""
    asked = [headers.get(f"Access-Control-Request-{name}") for name in ("Method", "Headers")]
    grant = [("Access-Control-Allow-Origin", ORIGIN), ("Vary", "Origin")]
    written = {"allow_headers": HEADERS, "expose_headers": ["ETag"], "methods": METHODS, "origins": ORIGINS}
    options = get_cors_options(flask.Flask("bench"), {**written, "max_age": 600})
    add, response = CorsMiddleware(lambda _: HttpResponse()).add_response_headers, HttpResponse()
    environ = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
    django_request = WSGIRequest({**environ, "REQUEST_METHOD": method, "PATH_INFO": "/r", "wsgi.input": io.BytesIO()})
    django_request._cors_enabled = True  # noqa: SLF001 what its process_request finds
    answer, starlette_headers = with_starlette().preflight_response, Headers(headers)
    cases: dict[str, Callable[[], Any]] = {
        FLOOR: lambda: grant if headers["Origin"] in ORIGINS else [],
        "**dada**, asked before": lambda: POLICY.decide(Request(method, ORIGIN, *asked)).headers,
        "**dada**, asked anew": lambda: POLICY._decide(Request(method, ORIGIN, *asked)).headers,  # noqa: SLF001
        "flask-cors `get_cors_headers`": lambda: [*get_cors_headers(options, headers, method).items()],
        "django-cors-headers `add_response_headers`": lambda: [*add(django_request, response).headers.items()],
    }
    if method == "OPTIONS":
        cases["starlette `preflight_response`"] = lambda: [*answer(starlette_headers).headers.items()]
    return cases


def _decisions(rounds: int) -> str:
    tables = []
    for kind in ("a GET that is let in", "a preflight"):
        cases = _decision_cases(*KINDS[kind])
        for name, case in cases.items():
            assert _granted(list(case())) == ORIGIN, name
        tables.append(table(f"A decision: {kind}", compare(cases, FLOOR, rounds=rounds)))
    return "\n".join(tables)


NOTE = """\
Wrapped as a WSGI application Dada sees every answer, errors too, says `Vary` on each, and answers preflights without
the framework: hence less than nothing is added to those.  Falcon's own adds the least to a GET: it sits within the
framework, writes a header or two into its response object, and never says `Vary`.  A decision *asked anew* makes every
step with its clause; equal requests are answered by the same decision, *asked before*.
"""


def run(rounds: int = 200) -> str:
    """Return the tables."""
    return f"{NOTE}\n{_requests(rounds)}\n{_decisions(rounds)}"
