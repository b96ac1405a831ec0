"""The database: reads see one moment, writes commit whole or not at all, two writers queue up."""

import threading

import pytest
from sqlalchemy import func, select

from shop.database import OUTAGES, Database
from shop.tables import identities
from tests.servers import free_port


@pytest.fixture
def db(database_url):
    made = Database(database_url)
    yield made
    made.close()


def add(tx, subject):
    tx.execute(identities.insert().values(provider="x", subject=subject, created_at=1))


def count(db):
    with db.read() as connection:
        return connection.execute(select(func.count()).select_from(identities)).scalar_one()


def test_a_write_is_there_when_it_ends(db):
    with db.write() as tx:
        add(tx, "a")
    assert count(db) == 1


def test_what_shall_follow_a_commit_follows_it_and_never_a_rollback(db):
    told = []
    with db.write() as tx:
        add(tx, "a")
        db.after_commit(tx, lambda: told.append(count(db)))
        assert told == []
    with pytest.raises(ZeroDivisionError), db.write() as tx:
        db.after_commit(tx, lambda: told.append("rolled back"))
        1 / 0  # noqa: B018
    assert told == [1]


def test_a_write_that_fails_leaves_nothing(db):
    with pytest.raises(ZeroDivisionError), db.write() as tx:
        add(tx, "a")
        1 / 0  # noqa: B018
    assert count(db) == 0


def test_writers_queue_up_and_none_is_lost(db):
    def run(name):
        for number in range(10):
            with db.write() as tx:
                seen = tx.execute(select(func.count()).select_from(identities)).scalar_one()
                add(tx, f"{name}-{number}-{seen}")

    threads = [threading.Thread(target=run, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert count(db) == 40


def test_a_reader_is_not_kept_waiting_by_a_writer(db):
    with db.write() as tx:
        add(tx, "a")
        assert count(db) == 0


def test_names_are_compared_by_bytes_and_any_character_is_kept(db):
    with db.write() as tx:
        for subject in ("a", "A", "á", "ß", "ss", "😀"):
            add(tx, subject)
    with db.read() as connection:
        found = connection.execute(select(identities.c.subject).where(identities.c.subject == "a")).scalars().all()
    assert found == ["a"]


def test_a_database_that_is_not_there_is_an_outage():
    db = Database(f"mysql+pymysql://x:y@127.0.0.1:{free_port()}/z")
    with pytest.raises(OUTAGES):
        db.ping()


def test_a_database_answers(db):
    db.ping()


def test_whoever_watches_hears_of_each_connection_that_is_taken_and_given_back(db):
    heard = []
    db.watch(heard.append)
    with db.read(), db.write():
        assert heard == [1, 1]
    assert heard == [1, 1, -1, -1]
    with pytest.raises(ZeroDivisionError), db.write():
        raise ZeroDivisionError
    assert sum(heard) == 0
