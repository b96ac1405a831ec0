"""The CORS cases of tests/vectors, each driven through four WSGI applications and judged as a browser would."""

import io
import json
from pathlib import Path
from typing import NamedTuple
from wsgiref.util import setup_testing_defaults

import pytest

from dada.cors import Middleware, Policy, PolicyError, PolicyMap
from dada.fetch import cors_check, preflight_check, readable_headers
from tests.dada.applications import APPLICATIONS

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


def value_of(written):
    if isinstance(written, str):
        return written
    if "repeat" in written:
        return written["repeat"] * written["times"]
    return written["join"].join(written["numbered"] % number for number in range(written["count"]))


def exchange(app, request):
    """Return status and headers of the answer to a request as the vectors write it."""
    environ = {"REQUEST_METHOD": request["method"], "PATH_INFO": request["path"], "wsgi.errors": io.StringIO()}
    setup_testing_defaults(environ)
    for name, written in request["headers"]:
        key = "HTTP_" + name.upper().replace("-", "_")
        value = value_of(written)
        environ[key] = f"{environ[key]},{value}" if key in environ and name != "Host" else value
    started = []
    parts = app(environ, lambda status, headers, exc_info=None: started.append((status, headers)))
    try:
        b"".join(parts)
    finally:
        getattr(parts, "close", lambda: None)()
    status, headers = started[-1]
    return int(status[:3]), headers


class Answer(NamedTuple):
    status: int
    headers: list[tuple[str, str]]

    def lines(self, name):
        return [value for line, value in self.headers if line.lower() == name]

    def joined(self, name):
        return ", ".join(self.lines(name)) if self.lines(name) else None

    def elements(self, name):
        return [part.strip() for line in self.lines(name) for part in line.split(",")]


def unmet(expect, answer, request):
    """Return the expectations that the answer does not meet."""
    vary = [name.lower() for name in answer.elements("vary")]

    def every(test):
        return lambda want: all(test(name, value) for name, value in want.items())

    checks = {
        "status": lambda want: answer.status in statuses(want),
        "status_below": lambda want: answer.status < want,
        "header": every(lambda name, value: answer.joined(name) == value),
        "list_has": every(lambda name, values: {element(name, value) for value in values} <= known(answer, name)),
        "list_lacks": every(lambda name, values: not {element(name, value) for value in values} & known(answer, name)),
        "vary_has": lambda want: set(want) <= set(vary),
        "vary_lacks": lambda want: not set(want) & set(vary),
        "vary_once": lambda want: all(vary.count(name) == 1 for name in want),
        "at_most_once": lambda want: all(len(answer.lines(name)) <= 1 for name in want),
        "count": every(lambda name, number: len(answer.lines(name)) == number),
        "has": lambda want: all(answer.lines(name) for name in want),
        "digits": lambda want: all(
            answer.joined(name).isdigit() for name in ([want] if isinstance(want, str) else want)
        ),
        "reached_app": lambda want: bool(answer.lines("x-app")) == want,
        "max_ms": lambda want: True,  # nothing here is timed: `decide` is bounded in test_cors_policy.py
        "max_header_bytes": lambda want: sum(len(n) + len(v) + 4 for n, v in answer.headers) <= want,
        "not_in_headers": lambda want: not any(want in n + v for n, v in answer.headers),
        "browser": lambda want: browser_agrees(want, answer, request),
        "config": lambda want: want != "error",
        "one_of": lambda want: any(not unmet(alternative, answer, request) for alternative in want),
    }
    return [name for name, want in expect.items() if not checks[name](want)]


def statuses(want):
    if want == "ok":
        return range(200, 300)
    return [want] if isinstance(want, int) else want


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


def judge(application, case):
    """Return the expectations of a case that are not met."""
    try:
        app = Middleware(application, policies(case["policy"]))
    except PolicyError:
        expected = [case["expect"], *case["expect"].get("one_of", [])]
        return [] if any(expectation.get("config") == "error" for expectation in expected) else ["config"]
    if case["request"] is None:
        return ["config"]
    return unmet(case["expect"], Answer(*exchange(app, case["request"])), case["request"])


@pytest.mark.parametrize("application", APPLICATIONS.values(), ids=APPLICATIONS)
@pytest.mark.parametrize("case", list(filter(is_ours, VECTORS["cases"])), ids=lambda case: case["id"])
def test_a_case_is_met(application, case):
    assert not judge(application, case), f"{case['title']} ({case['spec']})"


def test_the_cases_that_do_not_apply_are_few_and_known():
    assert {case["id"] for case in VECTORS["cases"] if not is_ours(case)} == {"K-29"}
