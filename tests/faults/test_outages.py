"""Outages: a part goes down under the running API, is told, and comes back without a restart."""

import signal
from contextlib import contextmanager

import pytest
import requests

from dada.testing import Client, Clock
from shop import schema
from shop.database import Database
from shop.tables import metadata
from tests.conftest import PAGE, environment, make_services
from tests.faults.processes import Process
from tests.handlers.people import PASSWORD, Person, join
from tests.servers import PATIENCE, MariaDB, Redis, free_port, wait_until
from tests.shop.weibo_browser import Browser, forget_requests, token_requests
from wsgi import make_app

NEW = {"username": "bob", "password": PASSWORD, "email": "bob@example.org"}
CALLS = {
    "registering": ("POST", "/v1/users", NEW),
    "logging in": ("POST", "/v1/tokens", {"username": "ada", "password": PASSWORD}),
    "a new pair": ("POST", "/v1/tokens/refresh", None),
    "another letter": ("POST", "/v1/users/ada/activation", None),
    "asking for a reset": ("POST", "/v1/password-resets", {"email": "ada@example.org"}),
    "reading one's profile": ("GET", "/v1/users/ada", None),
    "adding an address": ("POST", "/v1/users/ada/addresses", {"receiver": "a", "phone": "123", "detail": "x"}),
    "leaving for Weibo": ("GET", "/v1/users/weibo/authorization", None),
}
NEEDS_NO_DATABASE = {"leaving for Weibo"}


class Parts:
    """A Redis and a MariaDB that may be stopped, and the API on them."""

    def __init__(self, redis: Redis, mariadb: MariaDB, secrets, world) -> None:
        self.redis, self.mariadb = redis, mariadb
        self.services = make_services(
            environment(mariadb.url, redis.url, secrets, world) | {"ADDRESS_LIMITS": "on"}, Clock()
        )
        self.api = Client(make_app(self.services), {"Origin": PAGE})
        self.ada = join(self.services, self.api)

    def call(self, name: str):
        method, path, body = CALLS[name]
        if name == "a new pair":
            body = {"refresh_token": self.ada.refresh}
        answer = self.ada(method, path, body)
        if name == "a new pair" and answer.status == 200:
            self.ada = Person(self.api, answer.json)
        return answer

    def rows(self) -> dict[str, int]:
        with self.services.db.read() as connection:
            return {
                table.name: len(connection.execute(table.select()).all())
                for table in metadata.sorted_tables
                if table.name != "events"  # a refusal may leave one
            }


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    with Redis(tmp_path_factory.mktemp("r")) as redis, MariaDB(tmp_path_factory.mktemp("m")) as mariadb:
        database = Database(mariadb.url)
        schema.migrate(database)
        database.close()
        yield redis, mariadb


@pytest.fixture
def parts(servers, secrets_folder, world):
    redis, mariadb = servers
    with redis.client() as client:
        client.flushall()
    database = Database(mariadb.url)
    with database.write() as tx:
        for table in reversed(metadata.sorted_tables):
            if table.name != "event_head":
                tx.execute(table.delete())
        tx.execute(metadata.tables["event_head"].update().values(last=0, mac=bytes(32), seal=bytes(32)))
    database.close()
    made = Parts(redis, mariadb, secrets_folder, world)
    yield made
    made.services.close()


def is_told(answer):
    assert answer.status == 503, answer
    assert int(answer.header("Retry-After")) >= 1
    assert answer.header("Content-Type") == "application/problem+json"
    assert answer.json["code"] == "unavailable"
    assert answer.header("Access-Control-Allow-Origin") == PAGE
    assert "Error" not in answer.body.decode()


@pytest.mark.xdist_group("outages")
def test_without_redis_nothing_is_let_through_and_nothing_is_half_made(parts):
    before = parts.rows()
    parts.redis.stop()
    try:
        for name in CALLS:
            is_told(parts.call(name))
        assert parts.api("GET", "/healthz").status == 200
        ready = parts.api("GET", "/readyz")
        assert (ready.status, ready.json["parts"]) == (503, {"database": "ok", "redis": "down"})
        assert parts.rows() == before
    finally:
        parts.redis.start()
    for name in CALLS:
        assert parts.call(name).status < 300, name


@pytest.mark.xdist_group("outages")
def test_without_the_database_nothing_is_half_made_and_no_letter_goes_out(parts):
    waiting = parts.services.queue.counts().ready
    parts.mariadb.stop()
    try:
        for name in CALLS:
            if name not in NEEDS_NO_DATABASE:
                is_told(parts.call(name))
        assert parts.services.queue.counts().ready == waiting
        assert parts.api("GET", "/healthz").status == 200
        assert parts.api("GET", "/readyz").json["parts"] == {"database": "down", "redis": "ok"}
    finally:
        parts.mariadb.start()
    with parts.redis.client() as client:  # what was asked for in vain counted: a minute later
        client.delete(*client.keys("{limits}:*"))
    for name in CALLS:
        assert parts.call(name).status < 300, name


@pytest.mark.xdist_group("outages")
@pytest.mark.parametrize("part", ["redis", "mariadb"])
def test_who_comes_back_from_weibo_during_an_outage_is_told_and_nothing_is_half_made(parts, world, part):
    forget_requests(world)
    browser, before = Browser(), parts.rows()

    def leave():
        left = parts.api("GET", f"/v1/users/weibo/authorization?code_challenge={browser.challenge}")
        return browser.consent(left.json["authorization_url"]) | {"verifier": browser.verifier}

    def arrive(brought):
        return parts.api("POST", "/v1/users/weibo/users", brought)

    brought, down = leave(), getattr(parts, part)
    down.stop()
    try:
        is_told(arrive(brought))
    finally:
        down.start()
    assert parts.rows() == before
    with parts.redis.client() as client:
        assert client.keys("ticket:*") == []
    assert arrive(leave()).json["status"] == "unbound"
    assert token_requests(world) <= 2  # the first code was shown once, or not at all


@pytest.mark.xdist_group("outages")
def test_a_database_that_was_killed_comes_back_with_what_was_promised(parts):
    assert parts.call("registering").status == 202
    parts.mariadb.kill()
    is_told(parts.call("reading one's profile"))
    parts.mariadb.start()
    assert parts.call("reading one's profile").status == 200
    assert parts.api("POST", "/v1/users", NEW).status == 409


@pytest.mark.xdist_group("outages")
def test_a_database_that_falls_silent_is_told_before_who_asks_gives_up(parts, world, tmp_path):
    secrets, address = parts.services.settings.secrets_dir, f"127.0.0.1:{free_port()}"
    env = environment(parts.mariadb.url, parts.redis.url, secrets, world) | {"API_BIND": address, "API_WORKERS": "1"}

    def ask(email):
        return requests.post(f"http://{address}/v1/password-resets", json={"email": email}, timeout=PATIENCE)

    with Process("-m", "gunicorn", "-c", "gunicorn.conf.py", "wsgi:app", env=env, log=tmp_path / "log") as process:
        process.says("Listening")
        assert ask("1@example.org").status_code == 202
        parts.mariadb.process.send_signal(signal.SIGSTOP)
        try:
            answer = ask("2@example.org")
            assert (answer.status_code, answer.headers["Retry-After"], answer.json()["code"]) == (
                503,
                "1",
                "unavailable",
            )
        finally:
            parts.mariadb.process.send_signal(signal.SIGCONT)
        assert ask("3@example.org").status_code == 202


@pytest.mark.xdist_group("outages")
def test_a_redis_that_lost_everything_logs_nobody_out_and_loses_no_letter(parts):
    assert parts.call("registering").status == 202
    parts.redis.kill()
    parts.redis.start()
    assert parts.call("reading one's profile").status == 200
    assert parts.services.queue.counts().ready == 0
    from shop import outbox

    parts.services.clock.advance(301)
    assert outbox.relay(parts.services) >= 1
    assert parts.services.queue.counts().ready >= 1


@contextmanager
def no_room_on_disk(redis):
    """Redis cannot save, and writes nothing until it can: where its file belongs stands a folder."""
    file = redis.folder / "dump.rdb"
    file.mkdir()
    with redis.client() as client:
        client.config_set("save", "3600 1000000")
        client.bgsave()
        wait_until(lambda: client.info("persistence")["rdb_last_bgsave_status"] == "err", "Redis to fail to save")
        try:
            yield
        finally:
            file.rmdir()
            client.bgsave()
            wait_until(lambda: client.info("persistence")["rdb_last_bgsave_status"] == "ok", "Redis to save")
            client.config_set("save", "")
            file.unlink()


@contextmanager
def told(redis, name, value, usual):
    with redis.client() as client:
        client.config_set(name, value)
        try:
            yield
        finally:
            client.config_set(name, usual)


@contextmanager
def a_replica(redis):
    """Redis became the replica of a master that is gone: it reads and does not write."""
    with redis.client() as client:
        client.replicaof("127.0.0.1", free_port())
        try:
            yield
        finally:
            client.replicaof("NO", "ONE")


UNWILLING = {
    "MISCONF": no_room_on_disk,
    "OOM": lambda redis: told(redis, "maxmemory", "1", "0"),
    "NOREPLICAS": lambda redis: told(redis, "min-replicas-to-write", "1", "0"),
    "READONLY": a_replica,
}
WAITED_FOR = [name for name in UNWILLING if name != "OOM"]  # a worker goes on: what it does makes room


@pytest.mark.xdist_group("outages")
@pytest.mark.parametrize("state", UNWILLING.values(), ids=UNWILLING)
def test_a_redis_that_does_not_write_is_down_until_it_does(parts, state):
    with state(parts.redis):
        for name in ("logging in", "asking for a reset"):
            is_told(parts.call(name))
        ready = parts.api("GET", "/readyz")
        assert (ready.status, ready.json["parts"]) == (503, {"database": "ok", "redis": "down"})
    with parts.redis.client() as client:
        client.delete(*client.keys("{limits}:*") or ["none"])
    for name in CALLS:
        assert parts.call(name).status < 300, name


@pytest.mark.xdist_group("outages")
@pytest.mark.parametrize("state", [UNWILLING[name] for name in WAITED_FOR], ids=WAITED_FOR)
def test_a_worker_waits_for_a_redis_that_does_not_write(parts, state, world, tmp_path):
    world.mailbox.clear()
    env = environment(parts.mariadb.url, parts.redis.url, parts.services.settings.secrets_dir, world)
    with Process("-m", "worker", env=env, log=tmp_path / "log") as process:
        process.says('"message": "ready"')
        with state(parts.redis):
            process.says("waiting for ")
        assert parts.call("registering").status == 202
        wait_until(lambda: world.mailbox.mails("bob@example.org"), "the letter")
        assert "this must not happen" not in process.output
        process.tell(signal.SIGTERM)
        assert process.wait() == 0
