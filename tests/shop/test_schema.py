"""The steps lead to just the tables that the program knows, on both databases."""

import pytest

from dada.errors import Misuse
from shop import schema
from shop.database import Database


def test_the_steps_lead_to_the_tables(database_url):
    db = Database(database_url)
    schema.must_be_current(db)
    assert schema.differences(db) == []
    schema.migrate(db)  # again changes nothing
    schema.must_be_current(db)
    db.close()


def test_a_process_does_not_start_on_another_schema(tmp_path):
    db = Database(f"sqlite:///{tmp_path}/empty.db")
    with pytest.raises(Misuse, match="at step none"):
        schema.must_be_current(db)
    schema.migrate(db)
    schema.must_be_current(db)
    db.close()
