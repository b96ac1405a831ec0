"""The schema: how the tables came to be, step by step, and whether a database is where this program expects it.

The steps are in `migrations/versions`; `dada migrate` walks them.  A process that finds another state does not start:
half of its queries would fail in the middle of something.  The only door to Alembic.

This file knows steps; what the columns mean is in `tables.py`.
"""

import logging
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from dada.errors import Misuse, Problem
from shop.database import Database
from shop.tables import metadata

logging.getLogger("alembic").setLevel(logging.WARNING)  # it tells of each plugin it sets up

__all__ = ["differences", "migrate", "must_be_current"]


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


def migrate(db: Database, to: str = "head") -> None:
    """Walk the steps up to *to*.

    SQLite changes a table by writing it anew: what refers to its rows must not be deleted with the old one.
    """
    config = _config()
    with db.engine.connect() as connection:
        if db.is_sqlite:
            connection.connection.cursor().execute("PRAGMA foreign_keys = OFF")  # not within a transaction
        try:
            with connection.begin():
                config.attributes["connection"] = connection
                command.upgrade(config, to)
        finally:
            if db.is_sqlite:
                connection.connection.cursor().execute("PRAGMA foreign_keys = ON")


def must_be_current(db: Database) -> None:
    """Raise :exc:`Misuse` unless the database took every step, and no other."""
    wanted = ScriptDirectory.from_config(_config()).get_current_head()
    with db.engine.connect() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    if found != wanted:
        why = f"the database is at step {found or 'none'}, and this program at {wanted}"
        raise Misuse([Problem("schema", "DATABASE_URL", "", why, "dada migrate")])


def differences(db: Database) -> list[object]:
    """Return how the database differs from the tables; [] where the steps lead to just these."""
    with db.engine.connect() as connection:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))
