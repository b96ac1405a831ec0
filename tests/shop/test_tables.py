"""The tables: what the database itself refuses, on SQLite and on MariaDB."""

import pytest
from sqlalchemy import select

from shop.database import Database, IntegrityError
from shop.tables import addresses, identities, looks, metadata, sessions, users

USER = {
    "username": "ada", "username_key": "ada", "email": "a@b.c", "email_key": "a@b.c",
    "state": "active", "created_at": 1,
}  # fmt: skip
ADDRESS = {"receiver": "a", "phone": "1", "detail": "x", "created_at": 1}


@pytest.fixture
def db(database_url):
    made = Database(database_url)
    yield made
    made.close()


@pytest.fixture
def user(db):
    with db.write() as tx:
        return tx.execute(users.insert().values(USER)).inserted_primary_key[0]


def insert(db, table, **row):
    with db.write() as tx:
        tx.execute(table.insert().values(row))


TWICE = {
    "a name": {},
    "a proved address": {"username_key": "x", "verified_email_key": "a@b.c"},
}


@pytest.mark.parametrize("other", TWICE.values(), ids=TWICE)
def test_nobody_has_what_another_has(db, user, other):
    with db.write() as tx:
        tx.execute(users.update().values(verified_email_key="a@b.c"))
    with pytest.raises(IntegrityError):
        insert(db, users, **USER | other)


def test_nobody_looks_like_another(db, user):
    insert(db, looks, skeleton="a", user_id=user)
    with pytest.raises(IntegrityError):
        insert(db, looks, skeleton="a", user_id=user)
    insert(db, looks, skeleton="A", user_id=user)  # compared by bytes


def test_two_may_claim_an_address_that_neither_proved(db, user):
    insert(db, users, **USER | {"username_key": "x"})


def test_an_identity_is_one_account_s_and_an_account_has_one_of_each_provider(db, user):
    insert(db, identities, provider="weibo", subject="1", user_id=user, created_at=1)
    for row in ({"subject": "1", "user_id": None}, {"subject": "2", "user_id": user}):
        with pytest.raises(IntegrityError):
            insert(db, identities, provider="weibo", created_at=1, **row)
    for subject in ("3", "4"):
        insert(db, identities, provider="weibo", subject=subject, user_id=None, created_at=1)


def test_one_address_at_most_is_the_default(db, user):
    insert(db, addresses, user_id=user, is_default=True, **ADDRESS)
    insert(db, addresses, user_id=user, is_default=None, **ADDRESS)
    insert(db, addresses, user_id=user, is_default=None, **ADDRESS)
    with pytest.raises(IntegrityError):
        insert(db, addresses, user_id=user, is_default=True, **ADDRESS)


def test_what_belongs_to_nobody_is_not_written(db):
    with pytest.raises(IntegrityError):
        insert(db, addresses, user_id=999_999, **ADDRESS)


def test_what_belonged_to_a_user_goes_with_him(db, user):
    insert(db, addresses, user_id=user, **ADDRESS)
    insert(
        db, sessions, id="s", user_id=user, epoch=0, tip=b"t" * 32, rotated_at=1, authenticated_at=1, created_at=1,
        expires_at=1,
    )  # fmt: skip
    with db.write() as tx:
        tx.execute(users.delete())
    with db.read() as connection:
        assert connection.execute(select(addresses)).all() == connection.execute(select(sessions)).all() == []


def test_a_digest_comes_back_as_its_bytes(db, user):
    tip = bytes(range(32))
    insert(
        db, sessions, id="s", user_id=user, epoch=0, tip=tip, rotated_at=1, authenticated_at=1, created_at=1,
        expires_at=1,
    )  # fmt: skip
    with db.read() as connection:
        assert connection.execute(select(sessions.c.tip)).scalar_one() == tip


def test_times_are_numbers_and_digests_have_a_size():
    for table in metadata.sorted_tables:
        for column in table.columns:
            if column.name.endswith("_at"):
                assert column.type.python_type is int, f"{table.name}.{column.name}"
