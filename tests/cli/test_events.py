"""`dada events`."""

import json

import pytest
from sqlalchemy import delete

from shop import events
from shop.tables import events as table


@pytest.fixture
def database_url(empty_sqlite, tmp_path):
    import shutil

    shutil.copy(empty_sqlite, tmp_path / "shop.db")
    return f"sqlite:///{tmp_path}/shop.db"


@pytest.fixture
def where(services, database_url, secrets_folder):
    for _ in range(3):
        events.note(services, "login", None, "invalid-credentials")
    return {"DATABASE_URL": database_url, "SECRETS_DIR": str(secrets_folder)}


def test_a_whole_chain_is_exit_status_0(dada, where):
    status, out, _ = dada("events", "check", **where)
    assert (status, out.partition(" (")[0]) == (0, "3 events, the chain is whole")


def test_a_broken_one_is_told_place_by_place_with_exit_status_1(dada, where, services):
    with services.db.write() as tx:
        tx.execute(delete(table).where(table.c.id == 2))
    status, out, _ = dada("events", "check", **where)
    assert (status, out.splitlines()[0]) == (1, "event 2: missing")
    status, out, _ = dada("events", "check", "--json", **where)
    told = json.loads(out)
    assert (status, told["events"], told["breaks"]) == (1, 3, [{"id": 2, "why": "missing"}])


MISTAKES = {
    "no secret": ({"SECRETS_DIR": "/nowhere"}, "/nowhere/lasting_secret cannot be read"),
    "no database": ({"DATABASE_URL": "mysql+pymysql://x@127.0.0.1:1/x"}, "the database does not answer"),
    "a URL that is none": ({"DATABASE_URL": "what?"}, "what? is no database's URL"),
}


@pytest.mark.parametrize(("wrong", "said"), MISTAKES.values(), ids=MISTAKES)
def test_what_cannot_be_looked_at_is_one_line_and_exit_status_2(dada, where, wrong, said):
    status, out, err = dada("events", "check", **where | wrong)
    assert (status, out) == (2, "")
    assert err.startswith(f"dada: {said}")
    assert err.count("\n") == 1
