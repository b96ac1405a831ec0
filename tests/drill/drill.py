"""The drill: real workers, a real Redis and a real MariaDB, and everything that can happen to them; then the law.

    every job that was committed has had its effect exactly once, none that was rolled back has, none is lost, none is
    stuck, and nothing is left in any list or in the outbox

What is done, to whom and after how long, is drawn from a seed: the same seed draws the same blows again.  (What two
cores make of them is theirs.)
"""

import json
import os
import random
import secrets
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from sqlalchemy import insert, select

from dada import base64url
from dada.queue import Broken
from shop import outbox, schema
from shop.database import Database, IntegrityError
from shop.keyring import new_ring
from shop.services import OUTAGES, Services
from shop.tables import outbox as rows
from tests.drill.crew import GRACE, TASK, effects, metadata, orders, services_of
from tests.faults.processes import Process
from tests.machines import client_of
from tests.proxy import Proxy
from tests.servers import MariaDB, Redis, wait_until

__all__ = ["BLOWS", "Drill", "Outcome"]

WORKERS = 3
PATIENCE = 90.0  # seconds of calm after which what is not done is stuck

# What may happen, how often in proportion, and what the table calls it.
BLOWS = {
    "kill": (6, "workers killed (kill -9)"),
    "freeze": (2, f"workers frozen for longer than the grace of {GRACE:g} s"),
    "stop": (2, "workers told to stop (SIGTERM)"),
    "before": (4, "connections to Redis cut before a command"),
    "after": (4, "connections to Redis cut after a command, before its reply"),
    "cut all": (1, "all connections to Redis cut at once"),
    "forget": (1, "scripts forgotten by Redis (SCRIPT FLUSH)"),
    "redis": (1, "Redis killed and restarted (append-only file)"),
    "database before": (2, "connections to MariaDB cut before a command"),
    "database after": (2, "connections to MariaDB cut before a reply, commits' too"),
    "mariadb": (1, "MariaDB killed and restarted"),
}


class RolledBack(Exception):
    """An order that somebody thought better of."""


class Outcome:
    """What came of a drill."""

    def __init__(self) -> None:
        self.blows: Counter[str] = Counter()
        self.ordered: set[int] = set()
        self.rolled_back: set[int] = set()
        self.effects: Counter[int] = Counter()
        self.left: dict[str, int] = {}  # where something is left
        self.law = ""  # what queue.check says if it is broken
        self.calm = self.seconds = 0.0
        self.runs = 0

    @property
    def lost(self) -> list[int]:
        return sorted(self.ordered - set(self.effects))

    @property
    def doubled(self) -> list[int]:
        return sorted(number for number, times in self.effects.items() if times > 1)

    @property
    def from_nowhere(self) -> list[int]:
        """Effects of orders that were never committed."""
        return sorted(set(self.effects) - self.ordered)

    @property
    def holds(self) -> bool:
        """Whether the law holds."""
        return not (self.lost or self.doubled or self.from_nowhere or self.left or self.law)

    def table(self) -> str:
        """Return what was done to the system, and what came out, for people."""
        did = [(told, self.blows[name]) for name, (_, told) in BLOWS.items()]
        out = [
            ("jobs put with their orders", len(self.ordered)),
            ("orders rolled back", len(self.rolled_back)),
            ("jobs done exactly once", sum(times == 1 for times in self.effects.values())),
            ("jobs lost", len(self.lost)),
            ("effects that happened twice", len(self.doubled)),
            ("effects of orders that were rolled back", len(self.from_nowhere)),
            ("left in Redis or the outbox", sum(self.left.values())),
            ("runs that began anew", max(0, self.runs - len(self.ordered))),
        ]
        lines = ["what was done to it", *(f"  {number:7,}  {what}" for what, number in did)]
        lines += ["what came out", *(f"  {number:7,}  {what}" for what, number in out)]
        lines += [f"  {self.calm:7.1f}  seconds from the last blow until everything was done"]
        lines += [f"the law holds, after {self.seconds:.0f} seconds" if self.holds else "THE LAW IS BROKEN"]
        return "\n".join(lines)


class Drill:
    """One drill in *folder*: *jobs* put over *seconds*, while blows fall as *seed* draws them."""

    def __init__(self, folder: Path, *, seed: int, jobs: int, seconds: float, say: Callable[[str], None]) -> None:
        self.folder, self.jobs, self.seconds, self._say = folder, jobs, seconds, say
        self.outcome = Outcome()
        self.diary: list[tuple[float, str]] = []
        self._drawn = random.Random(seed)
        self._orders = random.Random(seed + 1)
        self._crew: list[Process] = []
        self._frozen: dict[int, float] = {}  # place in the crew → when it wakes
        self._number = 0
        self._committed = 0
        self._trouble: BaseException | None = None

    def run(self) -> Outcome:
        """Run it, and return what came of it."""
        self._began = time.time()
        self.redis, self.mariadb = Redis(self.folder / "redis", durable=True), MariaDB(self.folder / "mariadb")
        with self.redis, self.mariadb, Proxy(self.redis.port) as near, Proxy(self.mariadb.port) as far:
            self._near, self._far = near, far
            self._direct = self._services(self.mariadb.url, self.redis.port)
            schema.migrate(self._direct.db)
            metadata.create_all(self._direct.db.engine)
            through = self.mariadb.url.replace(f":{self.mariadb.port}/", f":{far.port}/")
            self._env = self._environment(through, near.port)
            try:
                self._crew = [self._hire() for _ in range(WORKERS)]
                for member in self._crew:
                    member.says('"message": "ready"')
                self._rounds()
                self._calm()
                self._count()
            finally:
                for member in self._crew:
                    member.__exit__()
                self._direct.close()
        self.outcome.seconds = time.time() - self._began
        return self.outcome

    def _environment(self, database: str, redis_port: int) -> dict[str, str]:
        folder = self.folder / "secrets"
        if not folder.exists():
            folder.mkdir(mode=0o700)
            ring = json.dumps(new_ring("drill-1", secrets.token_bytes(32), sandbox=True))
            lasting = base64url.encode(secrets.token_bytes(32))
            made = {"keys.json": ring, "lasting_secret": lasting, "weibo_client_secret": "sandbox-secret"}
            for name, text in made.items():
                (folder / name).touch(mode=0o600)
                (folder / name).write_text(text)
        return {
            "DADA_ENV": "sandbox", "DATABASE_URL": database, "REDIS_URL": f"redis://127.0.0.1:{redis_port}/0",
            "SECRETS_DIR": str(folder), "WEIBO_CLIENT_ID": "1", "SMTP_URL": "smtp://127.0.0.1:9",
        }  # fmt: skip

    def _services(self, database: str, redis_port: int) -> Services:
        return services_of(self._environment(database, redis_port))

    def _hire(self) -> Process:
        self._number += 1
        return Process("-m", "tests.drill.crew", env=self._env, log=self.folder / f"worker-{self._number:04}.log")

    # --- those who put jobs ---

    def _produce(self) -> None:
        services = self._services(self._env["DATABASE_URL"], self._near.port)
        try:
            for number in range(self.jobs):
                self._order(services, number, time.monotonic())
                self._committed += number in self.outcome.ordered
                time.sleep(self.seconds / self.jobs * self._orders.uniform(0, 1.6))
        except BaseException as trouble:  # noqa: BLE001 it is told in the main thread
            self._trouble = trouble
        finally:
            services.close()

    def _order(self, services: Services, number: int, began: float) -> None:
        """Commit an order with its job, whatever is cut on the way; one in ten is rolled back instead."""
        drawn = self._orders.random()
        args = {"number": number, "pause": round(drawn**4 * 0.2, 3), "fails": int(drawn * 100) % 20 == 0}
        while time.monotonic() < began + PATIENCE:
            try:
                with services.db.write() as tx:
                    job_id = outbox.put(tx, services, TASK, **args)
                    tx.execute(insert(orders).values(number=number, job=job_id))
                    if number % 10 == 9:
                        raise RolledBack
            except RolledBack:
                self.outcome.rolled_back.add(number)
                return
            except OUTAGES:  # it may be committed or not: who does not know must look
                if number % 10 == 9 or not self._is_ordered(number):
                    continue
            except IntegrityError:
                pass  # whoever looked was too early: the commit was on its way when its connection was cut
            self.outcome.ordered.add(number)
            return
        raise AssertionError(f"order {number} could not be committed in {PATIENCE:g} s")

    def _is_ordered(self, number: int) -> bool:
        def ask() -> list[bool] | None:
            try:
                with self._direct.db.read() as connection:
                    asked = select(orders.c.number).where(orders.c.number == number)
                    return [connection.execute(asked).first() is not None]
            except OUTAGES:
                return None

        return bool(wait_until(ask, "the database to say whether an order is there", PATIENCE)[0])

    # --- the blows ---

    def _rounds(self) -> None:
        producer = threading.Thread(target=self._produce, daemon=True)
        producer.start()
        # Each blow once, in drawn order, then by weight: a short drill has them all, a long one many of each.
        coming = list(BLOWS)
        self._drawn.shuffle(coming)
        weights = [weight for weight, _ in BLOWS.values()]
        while producer.is_alive() or coming:
            time.sleep(self._drawn.uniform(0.1, 0.7))
            blow = coming.pop() if coming else self._drawn.choices(list(BLOWS), weights)[0]
            self._note(blow, getattr(self, f"_{blow.replace(' ', '_')}")(self._drawn.randrange(WORKERS)))
            self.outcome.blows[blow] += 1
            self._wake(time.monotonic())
            self._tell()
        producer.join()
        if self._trouble:
            raise self._trouble

    def _note(self, what: str, whom: object = "") -> None:
        self.diary.append((time.time(), f"{what} {whom or ''}".strip()))

    def _tell(self) -> None:
        self._say(
            f"{time.time() - self._began:4.0f} s  {sum(self.outcome.blows.values())} blows, "
            f"{self._committed} of {self.jobs - self.jobs // 10} jobs put, the last blow: {self.diary[-1][1]}"
        )

    def _replace(self, place: int) -> str:
        self._crew[place].wait()
        self._crew[place] = self._hire()
        return f"worker {place}"

    def _kill(self, place: int) -> str:
        self._frozen.pop(place, None)
        os.killpg(self._crew[place].pid, signal.SIGKILL)
        return self._replace(place)

    def _freeze(self, place: int) -> str:
        os.killpg(self._crew[place].pid, signal.SIGSTOP)
        self._frozen[place] = time.monotonic() + 1.5 * GRACE
        return f"worker {place}"

    def _wake(self, now: float) -> None:
        for place in [place for place, when in self._frozen.items() if when <= now]:
            del self._frozen[place]
            os.killpg(self._crew[place].pid, signal.SIGCONT)
            self._note("wake", f"worker {place}")

    def _stop(self, place: int) -> str:
        if place in self._frozen:  # it cannot hear
            return self._kill(place)
        self._crew[place].tell(signal.SIGTERM)
        return self._replace(place)

    def _before(self, _: int) -> None:
        self._near.cut("before")

    def _after(self, _: int) -> None:
        self._near.cut("after")

    def _cut_all(self, _: int) -> None:
        self._near.cut_all()

    def _forget(self, _: int) -> None:
        with client_of(self.redis.port) as client:
            client.script_flush()

    def _redis(self, _: int) -> None:
        self.redis.kill()
        self.redis.start()

    def _mariadb(self, _: int) -> None:
        self.mariadb.kill()
        self.mariadb.start()

    def _database_before(self, _: int) -> None:
        self._far.cut("before")

    def _database_after(self, _: int) -> None:
        self._far.cut("after")

    # --- the end ---

    def _calm(self) -> None:
        """No more blows: wait until everything is done, or nothing moves any more."""
        began = time.monotonic()
        self._note("calm")
        self._wake(float("inf"))
        while time.monotonic() < began + PATIENCE:
            if self._all_done():
                break
            time.sleep(0.05)
        self.outcome.calm = time.monotonic() - began
        for member in self._crew:
            member.tell(signal.SIGTERM)
        for member in self._crew:
            member.wait()

    def _all_done(self) -> bool:
        counts = self._direct.queue.counts()
        with self._direct.db.read() as connection:
            due = connection.execute(select(rows.c.id).limit(1)).first()
        return due is None and not (counts.ready or counts.held or counts.later)

    def _count(self) -> None:
        outcome, queue = self.outcome, self._direct.queue
        with self._direct.db.read() as connection:
            outcome.effects.update(connection.execute(select(effects.c.number)).scalars())
            ordered = set(connection.execute(select(orders.c.number)).scalars())
            outbox_rows = len(connection.execute(select(rows.c.id)).all())
        if ordered != outcome.ordered:
            outcome.law = f"orders of which the producer knows nothing: {sorted(ordered ^ outcome.ordered)[:10]}"
        try:
            counts = queue.check()
        except Broken as broken:
            outcome.law, counts = str(broken), broken.counts
        places = {"ready": counts.ready, "held": counts.held, "later": counts.later, "dead": counts.dead}
        outcome.left = {where: many for where, many in {**places, "outbox": outbox_rows}.items() if many}
        told = [line for log in self.folder.glob("worker-*.log") for line in log.read_text().splitlines()]
        outcome.runs = sum('"message": "done"' in line or '"message": "again"' in line for line in told)

    def history(self, number: int) -> str:
        """Return everything that is known of one order: its rows, what workers said of its job, and the blows."""
        database = Database(self.mariadb.url)
        self.mariadb.start()
        try:
            with database.read() as connection:
                job = connection.execute(select(orders.c.job).where(orders.c.number == number)).scalar()
                ran = connection.execute(select(effects).where(effects.c.number == number)).all()
        finally:
            database.close()
            self.mariadb.stop()
        lines = [f"order {number}, job {job}: {len(ran)} effects"]
        told = [(row.at / 1000, f"effect committed by process {row.process}") for row in ran]
        for log in sorted(self.folder.glob("worker-*.log")):
            for line in log.read_text().splitlines():
                if job and job in line:
                    told.append((_when(line), f"{log.stem}: {line}"))
        told += [(when, f"--- {what}") for when, what in self.diary]
        return "\n".join([*lines, *(f"  {when - self._began:8.3f}  {what}" for when, what in sorted(told))])


def _when(line: str) -> float:
    return datetime.fromisoformat(json.loads(line)["at"]).timestamp()
