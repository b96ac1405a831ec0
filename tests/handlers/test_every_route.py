"""Whatever is sent to whatever path, the answer is one that the API means to give."""

import json

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from sqlalchemy import insert, update

from handlers import ROUTES
from shop import accounts
from shop.tables import identities, users
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


def everybody(services, api):
    """Return whoever has a token, of accounts in every state; who never activated has none."""
    people = {name: join(services, api, name) for name in ("ada", "disabled", "locked", "bound", "passwordless")}
    assert (
        api("POST", "/v1/users", {"username": "pending", "password": PASSWORD, "email": "p@example.org"}).status == 202
    )
    ids = {name: accounts.by_username(services, name).id for name in people}
    accounts.disable(services, ids["disabled"])
    for _ in range(5):
        api("POST", "/v1/tokens", {"username": "locked", "password": "wrong"})
    assert api("POST", "/v1/tokens", {"username": "locked", "password": PASSWORD}).status == 429
    with services.db.write() as tx:
        for name in ("bound", "passwordless"):
            row = {"provider": "weibo", "subject": str(ids[name]), "user_id": ids[name], "name": name}
            tx.execute(insert(identities).values(**row, created_at=1, bound_at=1))
        tx.execute(update(users).where(users.c.id == ids["passwordless"]).values(password_hash=None))
    return people


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.path)
def test_nothing_that_is_sent_is_a_fault_of_ours(route, api, services):
    people = everybody(services, api)
    names = [*people, "pending"]

    @seed(20261122)
    @settings(
        max_examples=120, database=None, deadline=None, phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(st.data())
    def send(data):
        path = "/".join(
            data.draw(st.sampled_from([*names, "1", "weibo"]) | TEXTS.map(quoted)) if part.startswith("<") else part
            for part in route.path.split("/")
        )
        if query := data.draw(QUERIES):
            path += "?" + "&".join(f"{name}={quoted(value)}" for name, value in query)
        method = data.draw(st.sampled_from([*route.who, *METHODS]))
        caller = people.get(data.draw(st.sampled_from([*names, "ada"])))  # who never activated, and nobody: None
        headers = data.draw(HEADERS)
        raw, body = data.draw(RAW), data.draw(BODIES)
        if isinstance(body, dict) and "username" in body:
            body["username"] = data.draw(st.sampled_from(names) | TEXTS)
        if raw is not None:
            named = {"Authorization": f"Bearer {caller.access}"} if caller else {}
            answer = api(method, path, None, {**named, **headers}, raw=raw)
        elif caller:
            answer = caller(method, path, body, **headers)
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


def test_the_people_of_the_fuzz_are_in_the_states_that_they_are_named_for(api, services):
    people = everybody(services, api)
    states = {name: accounts.by_username(services, name).state for name in (*people, "pending")}
    assert states == {
        "ada": "active", "disabled": "disabled", "locked": "active", "bound": "active", "passwordless": "active",
        "pending": "pending",
    }  # fmt: skip
    assert people["disabled"]("GET", "/v1/users/disabled").status == 401
    assert people["locked"]("GET", "/v1/users/locked").status == 200
    for name, status in (("bound", 204), ("passwordless", 409)):
        assert people[name]("DELETE", f"/v1/users/{name}/identities/weibo").status == status
