"""The database: one engine, two ways in.  The only door to SQLAlchemy's engines.

`read` sees one moment; `write` is a transaction that commits at its end, or leaves nothing.  On SQLite a write takes
the lock when it begins, so that two writers queue up and never deadlock half way; on MariaDB it runs READ COMMITTED.

This file knows engines and connections; it does not know any table.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pymysql
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import ArgumentError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

__all__ = ["OUTAGES", "ArgumentError", "Database", "IntegrityError"]

OUTAGES = (OperationalError, PoolTimeout, pymysql.err.OperationalError)
_BUSY_SECONDS = 10


class Database:
    """Connections to the database at *url*: SQLite or MariaDB.

    patience  how many seconds to wait for an answer of a MariaDB that is silent; twice that where it fell silent since
              the last call: it is asked once more, on a new connection
    """

    def __init__(self, url: str, *, pool_size: int = 5, patience: int = 20) -> None:
        self.is_sqlite = url.startswith("sqlite")
        options: dict[str, Any] = {"pool_pre_ping": True, "pool_size": pool_size, "pool_timeout": _BUSY_SECONDS}
        options["hide_parameters"] = True  # an error is logged with its statement: the values are people's
        if self.is_sqlite:
            options["connect_args"] = {"timeout": _BUSY_SECONDS}
        else:
            options |= {"isolation_level": "READ COMMITTED", "pool_recycle": 3600}
            options["connect_args"] = {"connect_timeout": 3, "read_timeout": patience, "write_timeout": patience}
        self.engine = create_engine(url, **options)
        if self.is_sqlite:
            _prepare_sqlite(self.engine)
        self._writer = self.engine.execution_options(dada_writes=True)
        self._after: dict[Connection, list[Callable[[], None]]] = {}

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a connection that looks, and changes nothing."""
        with self.engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Give a connection inside a transaction: committed at the end, rolled back by an exception."""
        calls: list[Callable[[], None]] = []
        with self._writer.begin() as connection:
            self._after[connection] = calls
            try:
                yield connection
            finally:
                del self._after[connection]
        for call in calls:
            call()

    def after_commit(self, tx: Connection, call: Callable[[], None]) -> None:
        """Call *call* when the transaction *tx*, which `write` gave, is committed; never, if it is rolled back."""
        self._after[tx].append(call)

    def ping(self) -> None:
        """Ask the database whether it is there."""
        with self.engine.connect() as connection:
            connection.execute(text("SELECT 1"))

    def watch(self, told: Callable[[int], None]) -> None:
        """Let *told* hear 1 when a connection of the pool is taken, and -1 when it is given back.

        The pool's own count is no help: while it takes a connection back, that one is still counted as in use.
        """

        @event.listens_for(self.engine, "checkout")
        def _out(*_: Any) -> None:
            told(1)

        @event.listens_for(self.engine, "checkin")
        def _in(*_: Any) -> None:
            told(-1)

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()


def _prepare_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def _configure(connection: sqlite3.Connection, _: Any) -> None:
        connection.isolation_level = None  # transactions begin where this file says so
        for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("dada_writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
