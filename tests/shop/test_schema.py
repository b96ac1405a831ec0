"""The steps lead to just the tables that the program knows, on both databases."""

import json

import pytest
import sqlalchemy as sa

from dada.errors import Misuse
from shop import events, schema
from shop.database import Database, IntegrityError
from shop.keyring import lasting_key
from shop.usernames import skeleton


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


@pytest.fixture(params=["sqlite", "mariadb"])
def nothing(request, tmp_path):
    """A database without tables."""
    if request.param == "sqlite":
        db = Database(f"sqlite:///{tmp_path}/steps.db")
    else:
        server = request.getfixturevalue("mariadb_server")
        with server.root() as connection, connection.cursor() as cursor:
            cursor.execute("CREATE OR REPLACE DATABASE steps CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
            cursor.execute("GRANT ALL ON steps.* TO dada@'127.0.0.1'")
        db = Database(sa.make_url(server.url).set(database="steps").render_as_string(hide_password=False))
    yield db
    db.close()


def test_names_that_were_there_get_the_looks_that_they_have_by_now(nothing):
    schema.migrate(nothing, "0004")
    with nothing.write() as tx:
        for id_, name, look in [(1, "mi\u01c1er", "mi\u01c1er"), (2, "miller", "mi11er"), (3, "n\u012fck", "old")]:
            row = {"id": id_, "name": name, "mail": f"{id_}@b.c"}
            tx.execute(sa.text(
                "INSERT INTO users (id, username, username_key, email, email_key, state, token_epoch, nickname, phone,"
                " about, language, version, created_at)"
                " VALUES (:id, :name, :name, :mail, :mail, 'active', 0, '', '', '', 'en', 1, 1)"
            ), row)  # fmt: skip
            tx.execute(sa.text("INSERT INTO looks (skeleton, user_id) VALUES (:look, :id)"), {"look": look, "id": id_})
    schema.migrate(nothing)
    with nothing.read() as connection:
        found = connection.execute(sa.text("SELECT skeleton, user_id FROM looks")).all()
    assert set(map(tuple, found)) == {
        ("mi\u01c1er", 1), ("mi11er", 2), ("old", 3), (skeleton("n\u012fck"), 3),
    }  # fmt: skip


def test_the_step_to_looks_keeps_every_row_and_of_two_that_look_alike_the_older_one_s_look(nothing):
    schema.migrate(nothing, "0002")
    names = {1: "paypal", 2: "paypaI", 3: "Ada"}
    with nothing.write() as tx:
        for id_, name in names.items():
            row = {"id": id_, "name": name, "key": name.lower(), "mail": f"{id_}@b.c"}
            tx.execute(sa.text(
                "INSERT INTO users (id, username, username_key, username_skeleton, email, email_key, state,"
                " token_epoch, nickname, phone, about, language, version, created_at)"
                " VALUES (:id, :name, :key, :key, :mail, :mail, 'active', 0, '', '', '', 'en', 1, 1)"
            ), row)  # fmt: skip
            tx.execute(sa.text(
                "INSERT INTO identities (provider, subject, user_id, name, created_at)"
                " VALUES ('weibo', :id, :id, '', 1)"
            ), row)  # fmt: skip
    schema.migrate(nothing)
    assert schema.differences(nothing) == []
    with nothing.read() as connection:
        users = connection.execute(sa.text("SELECT id, username FROM users ORDER BY id")).all()
        found = connection.execute(sa.text("SELECT skeleton, user_id FROM looks")).all()
        bound = connection.execute(sa.text("SELECT user_id FROM identities ORDER BY user_id")).scalars().all()
    assert dict(users) == names
    assert list(bound) == [1, 2, 3]
    assert dict(found) == {skeleton("paypal"): 1, skeleton("paypai"): 2, "Ada": 3, "ada": 3}
    with pytest.raises(IntegrityError), nothing.write() as tx:  # what refers to nothing is refused again
        tx.execute(sa.text("INSERT INTO looks (skeleton, user_id) VALUES ('x', 99)"))


def test_the_step_to_flows_leaves_the_chain_of_events_whole(nothing):
    """Rows that were written before belong to no flow that is known: their MACs are what they were."""
    schema.migrate(nothing, "0003")
    secret = bytes(range(32))
    key = lasting_key(secret, "events")
    row = {
        "id": 1, "at": 1, "kind": "login", "outcome": "ok", "user_id": 7, "actor_id": 7, "request": "r",
        "network": "127.0.0.0/24", "agent": "00000000",
    }  # fmt: skip
    written = json.dumps(list(row.values()), separators=(",", ":"))
    mac = key.mac(bytes(32) + written.encode())
    with nothing.write() as tx:
        tx.execute(sa.text(
            "INSERT INTO events (id, at, kind, outcome, user_id, actor_id, request, network, agent, mac)"
            " VALUES (:id, :at, :kind, :outcome, :user_id, :actor_id, :request, :network, :agent, :mac)"
        ), row | {"mac": mac})  # fmt: skip
        seal = key.mac(b"head 1 " + mac)
        tx.execute(sa.text("UPDATE event_head SET last = 1, mac = :mac, seal = :seal"), {"mac": mac, "seal": seal})
    schema.migrate(nothing)
    assert list(events.broken(nothing, secret)) == []
    with nothing.write() as tx:
        tx.execute(sa.text("UPDATE events SET flow = 'abcdef01'"))
    assert [place.id for place in events.broken(nothing, secret)] == [1]
