"""Whether somebody has an account is told by no answer, and by no amount of work.

Time is not measured here (`bench/` does that): what is done is written down, statement by statement, command by
command, and is the same.
"""

import pytest
import redis
from sqlalchemy import event

from shop.passwords import Hasher
from shop.tables import users
from tests.handlers.people import PASSWORD, join


class Work:
    """What the API does: SQL without its values, Redis commands without theirs, hashes."""

    def __init__(self, services, monkeypatch) -> None:
        self.done: list[str] = []
        event.listen(services.db.engine, "before_cursor_execute", self._sql)
        real = redis.Redis.execute_command

        def command(client, *arguments, **options):
            self.done.append(f"redis {arguments[0]}")
            return real(client, *arguments, **options)

        monkeypatch.setattr(redis.Redis, "execute_command", command)
        for name in ("hash", "verify"):
            self._count(monkeypatch, name)

    def _count(self, monkeypatch, name):
        real = getattr(Hasher, name)

        def counted(hasher, *arguments):
            self.done.append(f"argon2 {name}")
            return real(hasher, *arguments)

        monkeypatch.setattr(Hasher, name, counted)

    def _sql(self, connection, cursor, statement, *_):
        self.done.append(" ".join(statement.split()))

    def of(self, call) -> list[str]:
        self.done.clear()
        call()
        return list(self.done)


@pytest.fixture
def work(services, api, monkeypatch):
    join(services, api)
    join(services, api, "nopass")
    with services.db.write() as tx:
        tx.execute(users.update().where(users.c.username == "nopass").values(password_hash=None))
    return Work(services, monkeypatch)


def posts(api, path, *bodies):
    return [lambda body=body: answered.append(told(api("POST", path, body))) for body in bodies]


answered = []


def told(response):
    members = {} if response.json is None else response.json
    headers = [(name, value) for name, value in response.headers if name != "X-Request-Id"]
    return response.status, headers, {n: v for n, v in members.items() if n not in ("instance", "request_id")}


def login(name, password=PASSWORD):
    return {"username": name, "password": password}


def register(name, email):
    return {"username": name, "password": PASSWORD, "email": email}


CASES = {
    "logging in": (
        "/v1/tokens",
        [login("ada", "wrong"), login("nobody", "wrong"), login("nopass", "wrong")],
    ),
    "logging in by an address": (
        "/v1/tokens",
        [login("ada@example.org", "wrong"), login("no@example.org", "wrong")],
    ),
    "registering an address": ("/v1/users", [register("one", "new@example.org"), register("two", "ada@example.org")]),
    "asking for a reset": ("/v1/password-resets", [{"email": "ada@example.org"}, {"email": "no@example.org"}]),
}


@pytest.mark.parametrize(("path", "bodies"), CASES.values(), ids=CASES)
def test_the_same_is_done_and_answered_whoever_there_is(api, work, path, bodies):
    answered.clear()
    done = [work.of(call) for call in posts(api, path, *bodies)]
    assert len(done[0]) > 5
    assert done == [done[0]] * len(done)
    assert answered == [answered[0]] * len(answered)


def test_another_letter_is_asked_for_with_the_same_work(api, work):
    def ask(name):
        return lambda: api("POST", f"/v1/users/{name}/activation")

    known, unknown = work.of(ask("ada")), work.of(ask("nobody"))
    assert len(known) > 5
    assert known == unknown
