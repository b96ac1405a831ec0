"""The CORS cases of tests/vectors, each driven through a real WSGI exchange and judged as a browser would."""

import io
import json
import time
from pathlib import Path

import pytest

from dada.cors import Middleware, Policy, PolicyError, PolicyMap
from dada.fetch import cors_check, preflight_check, readable_headers

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "cors_cases.json").read_text())
NAMES = {
    "allow_origins": "origins",
    "allow_methods": "methods",
    "allow_headers": "request_headers",
    "expose_headers": "response_headers",
    "allow_credentials": "credentials",
    "max_age": "max_age",
    "timing_allow": "timing",
}
# Neither exists here, on purpose: regular expressions, and the withdrawn Private Network Access.
NOT_OURS = {"allow_origin_regex", "allow_private_network"}


def is_ours(case):
    return not NOT_OURS & case["policy"].keys()


def policies(written):
    if "paths" in written:
        return PolicyMap({part["path"]: policies(part["policy"]) for part in written["paths"]})
    return Policy(**{NAMES[name]: value for name, value in written.items()})


PLAIN = {
    "/error500": ("500 Internal Server Error", []),
    "/teapot": ("418 I'm a teapot", []),
    "/unauth": ("401 Unauthorized", []),
    "/forbidden": ("403 Forbidden", []),
    "/redirect": ("302 Found", [("Location", "/r")]),
    "/empty": ("204 No Content", []),
    "/notmodified": ("304 Not Modified", []),
    "/missing": ("404 Not Found", []),
    "/vary": ("200 OK", [("Vary", "Accept-Encoding")]),
    "/varyorigin": ("200 OK", [("Vary", "origin")]),
    "/varystar": ("200 OK", [("Vary", "*")]),
    "/ownacao": ("200 OK", [("Access-Control-Allow-Origin", "https://own.example")]),
    "/cookies": ("200 OK", [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]),
    "/r": ("200 OK", [("X-Res", "1")]),
}
METHODS = {"/opt": {"GET", "OPTIONS"}, "/getonly": {"GET"}}


def application(environ, start_response):
    """The application under test, as the vectors' vocabulary describes it."""
    path = environ["PATH_INFO"]
    if path == "/boom":
        raise RuntimeError("boom")
    if path in METHODS:
        known = environ["REQUEST_METHOD"] in METHODS[path]
        status, headers = ("200 OK" if known else "405 Method Not Allowed"), []
    else:
        status, headers = PLAIN.get(path, ("200 OK", []) if path.startswith("/api/") else PLAIN["/missing"])
    start_response(status, [*headers, ("X-App", "1"), ("Content-Type", "text/plain")])
    return [b"" if status.startswith(("204", "304")) else b"body"]


def value_of(written):
    if isinstance(written, str):
        return written
    if "repeat" in written:
        return written["repeat"] * written["times"]
    return written["join"].join(written["numbered"] % number for number in range(written["count"]))


def exchange(app, request):
    environ = {
        "REQUEST_METHOD": request["method"],
        "PATH_INFO": request["path"],
        "wsgi.errors": io.StringIO(),
        "wsgi.input": io.BytesIO(),
    }
    for name, written in request["headers"]:
        key = "HTTP_" + name.upper().replace("-", "_")
        environ[key] = f"{environ[key]},{value_of(written)}" if key in environ else value_of(written)
    started = []
    body = app(environ, lambda status, headers, exc_info=None: started.append((status, headers)))
    b"".join(body)
    status, headers = started[-1]
    return int(status[:3]), headers


class Answer:
    def __init__(self, status, headers, took):
        self.status, self.headers, self.took = status, headers, took

    def lines(self, name):
        return [value for line, value in self.headers if line.lower() == name]

    def elements(self, name):
        return [part.strip() for line in self.lines(name) for part in line.split(",")]


def unmet(expect, answer, request):
    """Return the expectations that the answer does not meet."""
    vary = [name.lower() for name in answer.elements("vary")]
    checks = {
        "status": lambda want: answer.status in (range(200, 300) if want == "ok" else [want] if isinstance(want, int) else want),
        "status_below": lambda want: answer.status < want,
        "header": lambda want: all((", ".join(answer.lines(n)) if answer.lines(n) else None) == v for n, v in want.items()),
        "list_has": lambda want: all(element(n, e) in known(answer, n) for n, es in want.items() for e in es),
        "list_lacks": lambda want: all(element(n, e) not in known(answer, n) for n, es in want.items() for e in es),
        "vary_has": lambda want: set(want) <= set(vary),
        "vary_lacks": lambda want: not set(want) & set(vary),
        "vary_once": lambda want: all(vary.count(name) == 1 for name in want),
        "at_most_once": lambda want: all(len(answer.lines(name)) <= 1 for name in want),
        "count": lambda want: all(len(answer.lines(name)) == number for name, number in want.items()),
        "has": lambda want: all(answer.lines(name) for name in want),
        "digits": lambda want: all(answer.lines(name)[0].isdigit() for name in ([want] if isinstance(want, str) else want)),
        "reached_app": lambda want: bool(answer.lines("x-app")) == want,
        "max_ms": lambda want: answer.took * 1000 < want * 10,  # ten times what is asked: this is no timed test
        "max_header_bytes": lambda want: sum(len(n) + len(v) + 4 for n, v in answer.headers) <= want,
        "not_in_headers": lambda want: not any(want in n + v for n, v in answer.headers),
        "browser": lambda want: browser_agrees(want, answer, request),
        "config": lambda want: want != "error",
        "one_of": lambda want: any(not unmet(alternative, answer, request) for alternative in want),
    }
    return [name for name, want in expect.items() if not checks[name](want)]


def element(name, text):
    return text if name == "access-control-allow-methods" else text.lower()


def known(answer, name):
    return {element(name, text) for text in answer.elements(name)}


def browser_agrees(want, answer, request):
    origin = want.get("origin") or value_of(dict(request["headers"]).get("Origin", "https://app.example.com"))
    if want["stage"] == "preflight":
        headers = [(name, "x" * 200) for name in want["headers"]]  # a value that makes any name unsafe
        checked = preflight_check(
            want["method"], headers, origin, want["credentials"], answer.status, answer.headers, always_asks=True
        )
        return checked.ok == (want["outcome"] == "pass")
    shared = cors_check(origin, want["credentials"], answer.headers).ok
    if "exposes" in want and shared:
        return set(want["exposes"]) <= readable_headers(want["credentials"], answer.headers)
    return shared == (want["outcome"] == "shared")


def judge(case):
    try:
        app = Middleware(application, policies(case["policy"]))
    except PolicyError:
        expected = [case["expect"], *case["expect"].get("one_of", [])]
        return [] if any(expectation.get("config") == "error" for expectation in expected) else ["config"]
    if case["request"] is None:
        return ["config"]
    began = time.perf_counter()
    status, headers = exchange(app, case["request"])
    return unmet(case["expect"], Answer(status, headers, time.perf_counter() - began), case["request"])


@pytest.mark.parametrize("case", [case for case in VECTORS["cases"] if is_ours(case)], ids=lambda case: case["id"])
def test_a_case_is_met(case):
    assert not judge(case), f"{case['title']} ({case['spec']})"


def test_the_cases_that_do_not_apply_are_few_and_known():
    assert {case["id"] for case in VECTORS["cases"] if not is_ours(case)} == {"K-29"}
