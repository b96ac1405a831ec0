"""What all tests may ask for: private servers, the shop on each database, the API in process, a mailbox."""

import json
import logging
import re
import secrets as random
import shutil
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from dada.queue import Queue
from dada.testing import Client, Clock
from sandbox.world import Address, Secrets, World
from shop import schema
from shop.database import Database
from shop.http import HTTP
from shop.keyring import Keyring, new_ring
from shop.logs import Formatter
from shop.passwords import Hasher
from shop.post import Post
from shop.services import MAIL, Cache, Services, providers_of, redis_client
from shop.settings import Settings
from shop.tables import event_head, metadata
from tests.servers import MariaDB, Redis
from wsgi import make_app

settings.register_profile("tests", deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
settings.load_profile("tests")

PAGE = "http://127.0.0.1:7000"
LASTING = "bGFzdGluZyBzZWNyZXQgb2YgdGhlIHRlc3RzLCAzMiBieXRlcw"


class _Written(logging.Handler):
    """Keeps what the processes' own formatter would have written."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(Formatter("tests"))
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{record.getMessage()}\n{self.format(record)}")


@pytest.fixture(scope="session")
def _log() -> Iterator[_Written]:
    written, root = _Written(), logging.getLogger()
    before = root.level
    root.addHandler(written)
    root.setLevel(logging.INFO)
    yield written
    root.removeHandler(written)
    root.setLevel(before)


# What no line of a log may hold: passwords, secrets, tokens of every kind, links that carry one.
NEVER_LOGGED = re.compile(
    r"\$argon2|correct horse|a brand new one|swordfish|sandbox-secret|octo-secret|" + LASTING
    + r"|[\w-]{10,}\.[\w-]{10,}\.[\w-]{40,}|#/(?:activation|reset)/\w"
)  # fmt: skip


@pytest.fixture(autouse=True)
def _no_secret_is_logged(_log: _Written) -> Iterator[None]:
    """After every test: nothing that it let be logged holds a secret (accounts' rule 32)."""
    _log.lines.clear()
    yield
    assert [line for line in _log.lines if NEVER_LOGGED.search(line)] == []


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    """A private Redis."""
    with Redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="session")
def mariadb_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDB]:
    """A private MariaDB with the shop's tables."""
    with MariaDB(tmp_path_factory.mktemp("mariadb")) as server:
        database = Database(server.url)
        schema.migrate(database)
        database.close()
        yield server


@pytest.fixture(scope="session")
def empty_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the shop's tables and no rows, to be copied."""
    path = tmp_path_factory.mktemp("sqlite") / "empty.db"
    database = Database(f"sqlite:///{path}")
    schema.migrate(database)
    database.close()
    return path


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The outside world in this process: the look-alike of Weibo and the mailbox, on free ports."""
    secrets = Secrets("1000000721", "sandbox-secret", f"{PAGE}/callback/weibo.html", "admin")
    with World(Address("127.0.0.1", 0), Address("127.0.0.1", 0), secrets) as running:
        yield running


@pytest.fixture
def clock() -> Clock:
    """A clock that is moved by hand."""
    return Clock()


@pytest.fixture
def secrets_folder(tmp_path: Path) -> Path:
    """A folder with fresh secrets."""
    folder = tmp_path / "secrets"
    folder.mkdir(mode=0o700)
    for name, text in {
        "keys.json": json.dumps(new_ring("test-1", random.token_bytes(32), sandbox=True)),
        "lasting_secret": LASTING,
        "weibo_client_secret": "sandbox-secret",
    }.items():
        (folder / name).touch(mode=0o600)
        (folder / name).write_text(text)
    return folder


def environment(database: str, redis: str, secrets: Path, world: World) -> dict[str, str]:
    """Return the environment of a process that works with these."""
    return {
        "DADA_ENV": "sandbox",
        "DATABASE_URL": database,
        "REDIS_URL": redis,
        "SECRETS_DIR": str(secrets),
        "WEIBO_CLIENT_ID": "1000000721",
        "WEIBO_URL": f"http://{world.http}",
        "SMTP_URL": f"smtp://{world.smtp}",
        "PAGE_ORIGIN": PAGE,
    }


def make_services(environ: dict[str, str], clock: Any) -> Services:
    """Return services like those of a process, with a cheap hasher and a clock of the tests'."""
    told = Settings.read(environ)
    client = redis_client(told.redis_url)
    return Services(
        settings=told,
        db=Database(told.database_url),
        redis=client,
        cache=Cache(client),
        queue=Queue(client, MAIL),
        keys=Keyring(told.keys_file, clock),
        hasher=Hasher(memory_kib=64, time_cost=1, at_once=2),
        http=HTTP(),
        post=Post(told.smtp_url, told.mail_from),
        providers=providers_of(told),
        clock=clock,
    )


@pytest.fixture
def uncounted() -> Iterator[None]:
    """Let a test and the threads that it starts run without the tool that counts lines.

    That tool holds a lock at each call: who is stopped in there never lets go of it, and then no thread goes on.
    (pytest-cov's own mark `no_cover` does nothing in the processes of pytest-xdist.)
    """
    here, threads = sys.gettrace(), threading.gettrace()
    sys.settrace(None)
    threading.settrace(None)  # type: ignore[arg-type]  # which is what it is without such a tool
    yield
    threading.settrace(threads)  # type: ignore[arg-type]
    sys.settrace(here)


@pytest.fixture(params=["sqlite", pytest.param("mariadb", marks=pytest.mark.xdist_group("mariadb"))])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database with the shop's tables: each test that asks for it runs on SQLite and on MariaDB."""
    if request.param == "sqlite":
        path = tmp_path / "shop.db"
        shutil.copy(request.getfixturevalue("empty_sqlite"), path)
        yield f"sqlite:///{path}"
        return
    server = request.getfixturevalue("mariadb_server")
    database = Database(server.url)
    with database.write() as tx:
        for table in reversed(metadata.sorted_tables):
            if table is not event_head:
                tx.execute(table.delete())
        tx.execute(event_head.update().values(last=0, mac=bytes(32), seal=bytes(32)))
    database.close()
    yield server.url


@pytest.fixture
def services(
    database_url: str, redis_server: Redis, secrets_folder: Path, world: World, clock: Clock
) -> Iterator[Services]:
    """The shop's services on private servers, empty."""
    with redis_server.client() as client:
        client.flushall()
    world.mailbox.clear()
    made = make_services(environment(database_url, redis_server.url, secrets_folder, world), clock)
    yield made
    made.close()


@pytest.fixture
def api(services: Services) -> Client:
    """The API in process, called by a page of the right origin."""
    return Client(make_app(services), {"Origin": PAGE})
