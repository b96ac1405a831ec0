"""Parity: whether the time of an answer tells who has an account; on SQLite and a private Redis, with the real hasher.

The classes of accounts' rule 7 and 5, interleaved; what counts is that the medians are alike (rule 9: within 5 %).
Counters are wiped between the calls, outside the clock, or the lock would answer.
"""

import json
import secrets
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from sqlalchemy import update

from bench.timing import Row, table
from dada import base64url
from dada.testing import Client
from shop import accounts, schema
from shop.database import Database
from shop.keyring import new_ring
from shop.services import Services, connect
from shop.settings import Settings
from shop.tables import users
from tests.servers import Redis
from wsgi import make_app

PASSWORD = "correct horse battery"


def _services(folder: Path, redis: str) -> Services:
    secret = {
        "keys.json": json.dumps(new_ring("bench", secrets.token_bytes(32), sandbox=True)),
        "lasting_secret": base64url.encode(secrets.token_bytes(32)),
        "weibo_client_secret": "sandbox-bench",
    }
    for name, text in secret.items():
        (folder / name).touch(mode=0o600)
        (folder / name).write_text(text)
    url = f"sqlite:///{folder}/shop.db"
    database = Database(url)
    schema.migrate(database)
    database.close()
    told = {"SMTP_URL": "smtp://127.0.0.1:1", "WEIBO_CLIENT_ID": "1", "SECRETS_DIR": str(folder), "DADA_ENV": "sandbox"}
    return connect(Settings.read({**told, "DATABASE_URL": url, "REDIS_URL": redis}))


def _member(services: Services, name: str, **changes: object) -> None:
    account = accounts.register(services, username=name, password=PASSWORD, email=f"{name}@example.org", language="en")
    proved = {"state": "active", "verified_email_key": f"{name}@example.org", **changes}
    with services.db.write() as tx:
        tx.execute(update(users).where(users.c.id == account.id).values(proved))


def _medians(services: Services, cases: dict[str, Callable[[], object]], rounds: int, first: str) -> Iterator[Row]:
    times: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(rounds):
        for name in sorted(cases, key=lambda _: secrets.randbits(32)):
            services.redis.flushall()
            began = time.perf_counter_ns()
            cases[name]()
            times[name].append(time.perf_counter_ns() - began)
    base = statistics.median(times[first])
    for name, taken in times.items():
        quarters = statistics.quantiles(taken, n=4)
        yield Row(
            name, statistics.median(taken), statistics.median(taken) / base, quarters[0] / base, quarters[2] / base
        )


def run(rounds: int = 200) -> str:
    """Return the tables."""
    with tempfile.TemporaryDirectory() as folder, Redis(Path(folder) / "redis", valkey=True) as redis:
        services = _services(Path(folder), redis.url)
        api = Client(make_app(services), {"Origin": services.settings.page_origin})
        _member(services, "ada")
        _member(services, "nopass", password_hash=None)

        def log_in(name: str) -> Callable[[], object]:
            return lambda: api("POST", "/v1/tokens", {"username": name, "password": "wrong"})

        def ask(path: str, body: object) -> Callable[[], object]:
            return lambda: api("POST", path, body)

        logins = {
            "a wrong password": log_in("ada"),
            "an unknown name": log_in("nobody"),
            "an account without a password": log_in("nopass"),
        }
        resets = {
            "an address that is known": ask("/v1/password-resets", {"email": "ada@example.org"}),
            "one that is not": ask("/v1/password-resets", {"email": "nobody@example.org"}),
        }
        letters = {
            "a name that is known": ask("/v1/users/ada/activation", None),
            "one that is not": ask("/v1/users/nobody/activation", None),
        }
        told = [
            table(title, list(_medians(services, cases, rounds, next(iter(cases)))), "µs").replace("best", "median")
            for title, cases in (("Logging in", logins), ("A reset", resets), ("Another letter", letters))
        ]
        services.close()
    return (
        "The medians of the classes, as ratios to the first; the quartiles are those of single calls.\n\n"
        + "\n".join(told)
    )
