"""Whatever is sent to whatever path, the answer is one that the API means to give; on each database."""

import json
import secrets

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from sqlalchemy import insert, update

from dada.jwt import peek
from dada.operations import operation_of
from handlers import ROUTES
from shop import accounts, addresses, tokens
from shop.errors import Refused
from shop.tables import identities, users
from shop.tokens import Device
from tests.conftest import database_url  # noqa: F401 both databases, and not the one of the other tests here
from tests.handlers.people import PASSWORD, Person, join

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
ADDRESS = {"receiver": "a", "phone": "123", "detail": "x", "region": "", "postcode": "", "tag": ""}
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


class Things:
    """What there is to be named in a path or a body: real tokens, numbers and names beside nonsense."""

    def __init__(self, services, api) -> None:
        self._services, self._api = services, api
        self.people = everybody(services, api)
        self.names = [*self.people, "pending"]
        self.ids = {name: accounts.by_username(services, name).id for name in self.names}

    def caller(self, name):
        """Return somebody with a session that lives, whatever was sent before; None for who can have none."""
        try:
            grant = tokens.log_in(self._services, accounts.by_username(self._services, name), Device())
        except Refused:
            return self.people.get(name)
        return Person(self._api, granted_members(grant))

    def in_path(self, parameter, name, caller):
        """Return what stands for a *parameter* of a path, so that there is such a thing."""
        if parameter == "<int:id>":
            rows = addresses.list_of(self._services, self.ids[name])
            return str((rows or [addresses.add(self._services, self.ids[name], dict(ADDRESS))])[0].id)
        if parameter == "<session>":
            return peek(caller.access).claims["sid"] if caller else "x"
        if parameter == "<token>":
            return self._letter_s(name, "reset")
        return {"<username>": name, "<provider>": "weibo", "<code>": "validation"}[parameter]

    def fitting(self, method, route, name, caller):
        """Return a body that *method* of *route* takes, and an If-Match and a query where it wants them."""
        query = body = None
        kind = operation_of(getattr(route.resource, method.lower())).takes
        if kind is not None:
            known = GOOD | ADDRESS | {"username": name, "id": self.in_path("<int:id>", name, caller)}
            if route.path == "/v1/users":
                known["username"] = f"new-{secrets.token_hex(4)}"
            if route.path.endswith("/refresh") and caller:
                known["refresh_token"] = caller.refresh
            if route.path.endswith("/activation"):
                known["token"] = self._letter_s("pending", "activation")
            body = {field: known[field] for field in kind.__struct_fields__ if field in known and field != "register"}
        elif route.path == "/v1/users/activation":
            query = f"?code={self._letter_s('pending', 'activation')}"
        return body, {"If-Match": "*"} if method in ("PUT", "PATCH", "DELETE") else {}, query or ""

    def _letter_s(self, name, purpose):
        with self._services.db.write() as tx:
            return accounts.mint(tx, self._services, accounts.lock(tx, self.ids[name]), purpose)


def granted_members(grant):
    return {name: getattr(grant, name) for name in ("access_token", "refresh_token", "username")}


def one_wrong(data, body):
    """Return *body* with one member that is another."""
    member = data.draw(st.sampled_from(sorted(body)) | TEXTS)
    return body | {member: data.draw(VALUES)}


# Where a stranger's word is needed (a provider's state, its code, a ticket), nothing that is made up succeeds.
NEEDS_A_PROVIDER = {"Returning", "ReturningByQuery", "Bindings", "Identity"}


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.path)
def test_nothing_that_is_sent_is_a_fault_of_ours(route, api, services):
    things, good = Things(services, api), set()

    @seed(20261122)
    @settings(
        max_examples=160, database=None, deadline=None, phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(st.data())
    def send(data):
        how = data.draw(st.sampled_from(["fits", "nearly fits", "drawn", "raw"]))
        method = data.draw(st.sampled_from([*route.who] if how.endswith("fits") else [*route.who, *METHODS]))
        name = data.draw(st.sampled_from(things.names))
        caller = things.caller(name)  # who never activated, and nobody: None
        body, headers, query = things.fitting(method, route, name, caller) if how.endswith("fits") else (None, {}, "")
        path = "/".join(
            part if not part.startswith("<")
            else things.in_path(part, name, caller) if how == "fits" or data.draw(st.booleans())
            else data.draw(st.sampled_from([*things.names, "1", "weibo"]) | TEXTS.map(quoted))
            for part in route.path.split("/")
        )  # fmt: skip
        raw = None
        if how == "nearly fits":
            body = one_wrong(data, body) if body else data.draw(BODIES)
        if how in ("drawn", "raw"):
            headers, body = data.draw(HEADERS), data.draw(BODIES)
            raw = data.draw(RAW) if how == "raw" else None
            if pairs := data.draw(QUERIES):
                query = "?" + "&".join(f"{name}={quoted(value)}" for name, value in pairs)
        if caller:
            headers = {"Authorization": f"Bearer {caller.access}", **headers}
        answer = api(method, path + query, None if raw is not None else body, headers, raw=raw)
        means_something(method, answer)
        if answer.status < 300:
            good.add(method)

    send()
    if route.resource.__name__ not in NEEDS_A_PROVIDER:
        assert good >= set(route.who), "what fits is answered as such: else nothing behind the checks was reached"


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
