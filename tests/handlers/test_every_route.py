"""Whatever is sent to whatever path, the answer is one that the API means to give."""

import json

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from handlers import ROUTES
from tests.handlers.people import PASSWORD, join

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW")
TEXTS = st.text(max_size=40) | st.sampled_from([
    "ada", "eve", "", "\0", "\ud7ff", "达达", "a@b.c", "ada@example.org", PASSWORD, "x" * 5000, "../..", "' OR 1=1 --",
    "1", "-1", "9" * 30, "true", "null", "%00", "%ff", "\u202e",
])  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
GOOD = {
    "username": "ada", "password": PASSWORD, "email": "ada@example.org", "nickname": "a", "token": "x" * 43,
    "refresh_token": "x" * 107, "current_password": PASSWORD, "new_password": "a brand new one", "receiver": "a",
    "phone": "123", "detail": "x", "id": "1", "state": "s" * 43, "code": "c", "verifier": "v" * 43, "ticket": "t" * 43,
    "register": {"username": "new", "password": PASSWORD, "email": "new@example.org"}, "language": "en", "about": "",
}  # fmt: skip
BODIES = st.one_of(
    st.none(),
    VALUES,
    st.dictionaries(st.sampled_from(sorted(GOOD)) | TEXTS, VALUES, max_size=6),
    st.lists(st.sampled_from(sorted(GOOD)), max_size=6).map(lambda names: {name: GOOD[name] for name in names}),
)
RAW = (
    st.none() | st.binary(max_size=200) | st.sampled_from([b"[" * 5000, b'{"a":1,"a":2}', b"\xff\xfe{\0}\0", b"1e999"])
)
HEADERS = st.dictionaries(
    st.sampled_from([
        "Accept-Language", "Authorization", "Content-Length", "Content-Type", "If-Match", "If-None-Match", "Origin",
        "User-Agent", "X-Forwarded-For", "Idempotency-Key", "X-Request-Id",
    ]),
    st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=60)
    | st.sampled_from(["*", '"1"', 'W/"1"', "application/json", "text/plain", "Bearer x", "zh-CN,en;q=0.5", "0", "-1"]),
    max_size=3,
)  # fmt: skip
QUERIES = st.lists(
    st.tuples(st.sampled_from(["code", "state", "limit", "cursor", "scope", "nickname", "verifier"]), TEXTS), max_size=3
)


def quoted(text):
    return "".join(f"%{byte:02x}" for byte in text.encode("utf-8", "replace"))


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.path)
def test_nothing_that_is_sent_is_a_fault_of_ours(route, api, services):
    ada = join(services, api)

    @seed(20261122)
    @settings(
        max_examples=120, database=None, deadline=None, phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(st.data())
    def send(data):
        path = "/".join(
            data.draw(st.sampled_from(["ada", "1", "weibo"]) | TEXTS.map(quoted)) if part.startswith("<") else part
            for part in route.path.split("/")
        )
        if query := data.draw(QUERIES):
            path += "?" + "&".join(f"{name}={quoted(value)}" for name, value in query)
        method = data.draw(st.sampled_from([*route.who, *METHODS]))
        caller = data.draw(st.sampled_from([ada, api]))
        headers = data.draw(HEADERS)
        raw, body = data.draw(RAW), data.draw(BODIES)
        if raw is not None:
            named = {"Authorization": f"Bearer {ada.access}"} if caller is ada else {}
            answer = api(method, path, None, {**named, **headers}, raw=raw)
        elif caller is ada:
            answer = ada(method, path, body, **headers)
        else:
            answer = api(method, path, body, headers)
        means_something(method, answer)

    send()


def means_something(method, answer):
    assert answer.status < 500 or answer.status == 501, answer
    names = [name for name, _ in answer.headers]
    for name in ("X-Request-Id", "X-Content-Type-Options", "Cache-Control"):
        if answer.header("Access-Control-Allow-Methods") is None:
            assert names.count(name) == 1, (name, answer)
    for name, value in answer.headers:
        assert name.isascii()
        assert value.isprintable(), (name, value)
        value.encode("latin-1")
    if answer.status >= 400 and method != "HEAD":
        problem = json.loads(answer.body)
        assert problem["status"] == answer.status
        assert {"type", "title", "status", "code", "instance", "request_id"} <= problem.keys()
    if method == "HEAD" or answer.status in (204, 304):
        assert answer.body == b""
