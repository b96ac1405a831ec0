"""Events: what leaves one, and that nobody changes the record of it unseen."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import delete, insert, select, update

from dada.problems import Invalid
from shop import accounts, events, tokens
from shop.errors import Refused
from shop.events import Break, Origin
from shop.tables import event_head
from shop.tables import events as table
from tests.shop.people import PASSWORD, join, log_in, register, token_for


@pytest.fixture
def ada(services):
    return join(services)


def told(services):
    """Return kind, outcome, and whether the account is known, of every event, in order."""
    with services.db.read() as connection:
        rows = connection.execute(select(table).order_by(table.c.id)).all()
    return [(row.kind, row.outcome, row.user_id is not None) for row in rows]


def breaks(services):
    return list(events.broken(services.db, services.settings.lasting_secret))


def refused(call, *arguments, **named):
    with pytest.raises((Refused, Invalid)):
        call(*arguments, **named)


def reuse(services, clock):
    first = log_in(services).refresh_token
    tokens.refresh(services, first)
    clock.advance(11)
    refused(tokens.refresh, services, first)


WHAT_HAPPENS = {
    "registering": (lambda s, _: register(s, "bob"), [("register", "ok", True)]),
    "a link that is none": (
        lambda s, _: refused(accounts.activate, s, "x"),
        [("activation", "activation-invalid", False)],
    ),
    "another letter": (lambda s, _: accounts.ask_for_activation(s, "ada"), [("resend", "ok", True)]),
    "another letter for nobody": (lambda s, _: accounts.ask_for_activation(s, "nobody"), [("resend", "ok", False)]),
    "logging in": (lambda s, _: log_in(s), [("login", "ok", True)]),
    "a wrong password": (
        lambda s, _: refused(accounts.authenticate, s, "ada", "wrong"),
        [("login", "invalid-credentials", True)],
    ),
    "an unknown name": (
        lambda s, _: refused(accounts.authenticate, s, "nobody", "wrong"),
        [("login", "invalid-credentials", False)],
    ),
    "a new pair": (
        lambda s, _: tokens.refresh(s, log_in(s).refresh_token),
        [("login", "ok", True), ("refresh", "ok", True)],
    ),
    "a token that came twice": (
        reuse,
        [("login", "ok", True), ("refresh", "ok", True), ("token.reuse", "refresh-reused", True)],
    ),
    "logging out": (
        lambda s, _: tokens.end_by_token(s, log_in(s).refresh_token),
        [("login", "ok", True), ("logout", "ok", True)],
    ),
    "logging out everywhere": (
        lambda s, _: tokens.end_all(s, accounts.by_username(s, "ada").id),
        [("logout-all", "ok", True)],
    ),
    "a new password": (
        lambda s, _: accounts.change_password(s, accounts.by_username(s, "ada").id, PASSWORD, "a brand new one"),
        [("password-change", "ok", True)],
    ),
    "a new password by somebody who does not know the old one": (
        lambda s, _: refused(
            accounts.change_password, s, accounts.by_username(s, "ada").id, "wrong", "a brand new one"
        ),
        [("password-change", "reauth-failed", True)],
    ),
    "asking for a reset": (lambda s, _: accounts.ask_for_reset(s, "ada@example.org"), [("reset-asked", "ok", True)]),
    "asking for a reset of nobody": (
        lambda s, _: accounts.ask_for_reset(s, "no@example.org"),
        [("reset-asked", "ok", False)],
    ),
    "a reset": (
        lambda s, _: accounts.reset_password(
            s, token_for(s, accounts.by_username(s, "ada").id, "reset"), "a brand new one"
        ),
        [("password-reset", "ok", True)],
    ),
    "a reset by a link that is none": (
        lambda s, _: refused(accounts.reset_password, s, "x", "a brand new one"),
        [("password-reset", "reset-invalid", False)],
    ),
    "disabling": (lambda s, _: accounts.disable(s, accounts.by_username(s, "ada").id), [("disable", "ok", True)]),
}


@pytest.mark.parametrize(("happens", "left"), WHAT_HAPPENS.values(), ids=WHAT_HAPPENS)
def test_what_happens_leaves_its_event(services, clock, ada, happens, left):
    before = told(services)
    assert before == [("register", "ok", True), ("activation", "ok", True)]
    happens(services, clock)
    assert told(services)[2:] == left
    assert breaks(services) == []


def test_an_event_tells_when_who_and_where_from_and_keeps_no_more(services, clock, ada):
    events.asked_by(lambda: Origin("request-1", "127.0.0.0/24", "a browser", 77))
    events.note(services, "access", ada.id, "not-found")
    events.asked_by(Origin)
    (row,) = events.of_user(services, ada.id, 1)
    assert (row.at, row.request, row.network, row.actor_id) == (services.now_ms, "request-1", "127.0.0.0/24", 77)
    assert row.agent == events.fingerprint("a browser")
    assert "browser" not in row.agent


def test_an_event_that_fails_with_its_change_is_not_there(services, ada):
    before = told(services)
    with pytest.raises(RuntimeError), services.db.write() as tx:
        events.write(tx, services, "disable", ada.id)
        raise RuntimeError
    assert told(services) == before
    assert breaks(services) == []


def test_a_kind_that_is_none_is_a_mistake_of_ours(services):
    with pytest.raises(ValueError, match="wizardry"):
        events.note(services, "wizardry", None, "ok")


def test_events_at_the_same_moment_are_one_chain(services, ada):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: events.note(services, "login", ada.id, "invalid-credentials"), range(40)))
    assert len(told(services)) == 42
    assert breaks(services) == []


CHANGES = {
    "a row that is changed": (
        update(table).where(table.c.id == 2).values(outcome="ok"),
        [Break(2, "not what was written")],
    ),
    "a row that is given to another": (
        update(table).where(table.c.id == 3).values(user_id=9),
        [Break(3, "not what was written")],
    ),
    "a row that is taken out": (delete(table).where(table.c.id == 2), [Break(2, "missing")]),
    "several that are taken out": (delete(table).where(table.c.id.in_([1, 2])), [Break(1, "missing, up to 2")]),
    "an end that is cut off": (
        delete(table).where(table.c.id == 4),
        [Break(3, "the chain ends at 3, and its head says 4")],
    ),
    "a row that is put in": (
        insert(table).values(
            id=5,
            at=1,
            kind="login",
            outcome="ok",
            user_id=1,
            actor_id=None,
            request="",
            network="",
            agent="",
            mac=bytes(32),
        ),
        [Break(5, "not what was written"), Break(5, "the chain ends at 5, and its head says 4")],
    ),
    "a head that is changed": (
        update(event_head).values(mac=bytes(32)),
        [Break(4, "the head is of another chain"), Break(4, "the head is not sealed by us")],
    ),
}


@pytest.mark.parametrize(("change", "found"), CHANGES.values(), ids=CHANGES)
def test_whoever_changes_the_record_breaks_the_chain_there(services, change, found):
    for _ in range(4):
        events.note(services, "login", None, "invalid-credentials")
    assert breaks(services) == []
    with services.db.write() as tx:
        tx.execute(change)
    assert breaks(services) == found


def test_another_key_makes_another_chain(services):
    events.note(services, "login", None, "invalid-credentials")
    assert [place.id for place in events.broken(services.db, b"another" * 6)] == [1, 1]


def test_progress_is_told(services):
    for _ in range(3):
        events.note(services, "login", None, "invalid-credentials")
    seen = []
    assert list(events.broken(services.db, services.settings.lasting_secret, seen.append)) == []
    assert seen == [1, 2, 3]


def test_one_s_events_come_newest_first_a_page_at_a_time(services, ada):
    for outcome in "abc":
        events.note(services, "login", ada.id, outcome)
    events.note(services, "login", None, "d")
    first = events.of_user(services, ada.id, 2)
    assert [row.outcome for row in first] == ["c", "b"]
    assert [row.outcome for row in events.of_user(services, ada.id, 2, first[-1].id)] == ["a", "ok"]


def test_who_cuts_off_the_end_cannot_seal_the_head_anew(services):
    for _ in range(4):
        events.note(services, "login", None, "invalid-credentials")
    with services.db.write() as tx:
        last = tx.execute(select(table).where(table.c.id == 2)).one()
        tx.execute(delete(table).where(table.c.id > 2))
        tx.execute(update(event_head).values(last=2, mac=last.mac))
    assert breaks(services) == [Break(2, "the head is not sealed by us")]


def test_what_is_written_while_one_looks_is_no_break(services):
    for _ in range(3):
        events.note(services, "login", None, "invalid-credentials")

    def write_more(number):
        if number == 3:
            events.note(services, "login", None, "invalid-credentials")

    assert list(events.broken(services.db, services.settings.lasting_secret, write_more)) == []


def test_a_mac_that_was_noted_elsewhere_tells_an_older_state(services):
    for _ in range(2):
        events.note(services, "login", None, "invalid-credentials")
    with services.db.read() as connection:
        mac = connection.execute(select(table.c.mac).where(table.c.id == 2)).scalar_one().hex()
    assert events.holds(services.db, 2, mac[:16])
    assert not events.holds(services.db, 2, "0" * 16)
    assert not events.holds(services.db, 3, mac)
    assert not events.holds(services.db, 2, mac[:4])
