"""Accounts: registering, proving an address, logging in, passwords, profiles."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, update

from dada.problems import Invalid
from shop import accounts, tokens
from shop.errors import Refused
from shop.events import of_user
from shop.limits import TooMany
from shop.passwords import Hasher
from shop.tables import events, identities, users
from tests.servers import PATIENCE
from tests.shop.people import PASSWORD, jobs, join, kept_digests, log_in, register, token_for, user_row


def reason(call, *args, **kwargs):
    with pytest.raises(Refused) as caught:
        call(*args, **kwargs)
    return caught.value.reason


# --- registering -----------------------------------------------------------------------------------------


def test_an_account_begins_pending_with_one_letter_to_be_sent(services):
    account = register(services, "Ada", nickname="A")
    row = user_row(services, account.id)
    assert (row.username, row.username_key, row.state, row.email, row.nickname) == (
        "Ada", "ada", "pending", "Ada@example.org", "A",
    )  # fmt: skip
    assert row.verified_email_key is None
    assert PASSWORD not in row.password_hash
    assert jobs(services) == [("mail.activation", f'{{"user": {account.id}}}')]
    assert services.queue.counts().ready == 1


def test_every_field_that_is_wrong_is_told_at_once(services):
    with pytest.raises(Invalid) as caught:
        accounts.register(services, username="a", password="short", email="x", language="en")
    assert [error.pointer for error in caught.value.errors] == ["#/username", "#/email", "#/password"]
    assert jobs(services) == []


@pytest.mark.parametrize("name", ["ada", "ADA", "ａｄａ"])
def test_a_name_that_is_taken_is_taken_in_every_spelling(services, name):
    register(services, "Ada")
    assert reason(register, services, name, "other@example.org") == "username-taken"


def test_a_name_that_looks_like_another_is_taken_too(services):
    register(services, "modern")
    assert reason(register, services, "modem") == "username-taken"


@pytest.mark.parametrize(("first", "second"), [("paypal", "paypaI"), ("paypaI", "paypal"), ("PAUL", "PAU1")])
def test_a_name_that_looks_like_another_in_capitals_is_taken_too(services, first, second):
    register(services, first)
    assert reason(register, services, second, f"{second}@elsewhere.example") == "username-taken"
    register(services, "elsewhere")


@pytest.mark.parametrize(
    ("first", "second"),
    [("miller", "mi\u01c1er"), ("mike", "\uab47nike"), ("nick", "ni\u0307ck"), ("n\u0130ck", "nick")],
)
def test_a_name_that_is_read_like_another_is_taken_too(services, first, second):
    register(services, first)
    assert reason(register, services, second, "second@elsewhere.example") == "username-taken"


def test_an_address_that_has_an_account_is_registered_like_any_other(services):
    owner = join(services, "owner", "ada@example.org")
    second = register(services, "second", "ADA@example.org")
    assert [task for task, _ in jobs(services)] == ["mail.activation", "mail.activation"]
    assert user_row(services, second.id).verified_email_key is None
    assert user_row(services, owner.id).verified_email_key == "ada@example.org"


def test_two_who_want_one_name_at_once_get_one(services):
    outcomes = []

    def run(email):
        try:
            outcomes.append(register(services, "ada", email))
        except Refused as error:
            outcomes.append(error.reason)

    threads = [threading.Thread(target=run, args=(f"{n}@example.org",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count("username-taken") == 3


# --- proving an address ----------------------------------------------------------------------------------


def test_the_letter_s_token_activates_the_account_once(services, clock):
    account = register(services)
    token = token_for(services, account.id)
    accounts.check_activation(services, token)
    assert user_row(services, account.id).state == "pending"  # looking changes nothing
    assert accounts.activate(services, token).state == "active"
    assert user_row(services, account.id).verified_email_key == "ada@example.org"
    assert reason(accounts.check_activation, services, token) == "activation-invalid"
    assert accounts.activate(services, token)  # the owner's second click
    clock.advance(601)
    assert reason(accounts.activate, services, token) == "activation-invalid"


def test_the_owner_s_second_click_is_answered_alike_though_the_link_is_over_by_now(services, clock):
    account = register(services)
    token = token_for(services, account.id)
    clock.advance(24 * 3600 - 1)
    accounts.activate(services, token)
    clock.advance(599)
    assert accounts.activate(services, token).state == "active"
    with pytest.raises(Refused):
        accounts.check_activation(services, token)
    clock.advance(2)
    with pytest.raises(Refused, match="activation-invalid"):
        accounts.activate(services, token)


def test_only_the_token_s_hash_is_kept(services):
    token = token_for(services, register(services).id)
    assert all(token.encode() not in digest for digest in kept_digests(services))


@pytest.mark.parametrize("token", ["", "x", "\ud800", "a" * 10_000])
def test_a_token_that_was_never_made_activates_nothing(services, token):
    assert reason(accounts.activate, services, token) == "activation-invalid"


def test_a_token_is_over_after_a_day(services, clock):
    token = token_for(services, register(services).id)
    clock.advance(24 * 3600)
    assert reason(accounts.activate, services, token) == "activation-invalid"


def test_a_new_letter_s_token_ends_the_one_before(services):
    account = register(services)
    old, new = token_for(services, account.id), token_for(services, account.id)
    assert reason(accounts.activate, services, old) == "activation-invalid"
    assert accounts.activate(services, new)


def test_a_token_of_another_purpose_activates_nothing(services):
    account = register(services)
    assert reason(accounts.activate, services, token_for(services, account.id, "reset")) == "activation-invalid"


def test_a_token_proves_only_the_address_that_it_was_sent_to(services):
    account = register(services)
    token = token_for(services, account.id)
    with services.db.write() as tx:
        tx.execute(update(users).values(email="eve@example.org", email_key="eve@example.org"))
    assert reason(accounts.activate, services, token) == "activation-invalid"


def test_an_address_belongs_to_whoever_clicks_first(services):
    first, second = register(services, "first", "ada@example.org"), register(services, "second", "ada@example.org")
    tokens_of = [token_for(services, account.id) for account in (first, second)]
    accounts.activate(services, tokens_of[1])
    assert reason(accounts.activate, services, tokens_of[0]) == "activation-invalid"
    assert user_row(services, first.id).state == "pending"


def test_a_disabled_account_is_not_activated(services):
    account = register(services)
    token = token_for(services, account.id)
    accounts.disable(services, account.id)
    assert reason(accounts.activate, services, token) == "activation-invalid"


def test_another_letter_can_be_asked_for_and_nobody_hears_whether_there_is_an_account(services):
    register(services)
    accounts.ask_for_activation(services, "ADA")
    accounts.ask_for_activation(services, "nobody")
    accounts.ask_for_activation(services, "\0 no name at all")
    assert [task for task, _ in jobs(services)] == ["mail.activation"] * 4


def test_whoever_used_an_account_before_its_address_was_proved_is_expelled_unless_he_proves_it(services):
    """He may have given somebody else's address, and waited (Sudhodanan and Paverd, 2022)."""
    account = register(services)
    with services.db.write() as tx:
        tx.execute(update(users).values(state="active"))  # as a log-in elsewhere leaves it
        tx.execute(identities.insert().values(provider="weibo", subject="7", user_id=account.id, created_at=1))
    grant = log_in(services)
    caller = tokens.identify(services, grant.access_token)
    accounts.activate(services, token_for(services, account.id), caller.user_id)
    assert tokens.identify(services, grant.access_token)  # he is logged in: it is his address

    with services.db.write() as tx:
        tx.execute(update(users).values(verified_email_key=None))
    accounts.activate(services, token_for(services, account.id), None)
    assert reason(tokens.identify, services, grant.access_token) == "session-ended"
    with services.db.read() as connection:
        assert connection.execute(identities.select()).all() == []
    for name in ("ada", "ada@example.org"):
        assert reason(accounts.authenticate, services, name, PASSWORD) == "invalid-credentials"


def test_an_expulsion_is_one_with_the_activation(services, monkeypatch):
    account = register(services)
    with services.db.write() as tx:
        tx.execute(update(users).values(state="active"))
    grant = log_in(services)
    token = token_for(services, account.id)

    def down(*_, **__):
        raise ConnectionError

    with monkeypatch.context() as patch:
        patch.setattr(type(services.cache), "set", down)
        with pytest.raises(ConnectionError):
            accounts.activate(services, token)
    assert accounts.profile(services, account.id).verified_email_key is None
    accounts.activate(services, token)
    assert reason(tokens.identify, services, grant.access_token) == "session-ended"


def test_whoever_comes_second_takes_back_nothing_of_the_first(services, monkeypatch):
    """A change that began before the account was disabled fails, and leaves the mark of the disabling."""
    account = join(services)
    grant = log_in(services)
    real = type(services.hasher).hash

    def disabled_meanwhile(hasher, password):
        accounts.disable(services, account.id)
        return real(hasher, password)

    with monkeypatch.context() as patch:
        patch.setattr(type(services.hasher), "hash", disabled_meanwhile)
        assert reason(accounts.change_password, services, account.id, PASSWORD, "a brand new one") == "reauth-failed"
    assert reason(tokens.identify, services, grant.access_token) == "session-ended"


def test_an_address_is_found_however_its_owner_writes_it(services):
    join(services, "uli", "uli@bücher.example")
    for login in ("uli@bücher.example", "ULI@xn--bcher-kva.example", " uli@bücher.example "):
        assert accounts.authenticate(services, login, PASSWORD).username == "uli"
    accounts.ask_for_reset(services, "uli@bücher.example")
    (asked,) = [arguments for task, arguments in jobs(services) if task == "mail.reset"]
    assert '"user": 0' not in asked


@pytest.mark.parametrize("behind", [" " * 239 + "1", "\0"])
def test_what_a_database_would_cut_or_pad_is_no_address(services, behind):
    join(services)
    accounts.ask_for_reset(services, "ada@example.org" + behind)
    (asked,) = [arguments for task, arguments in jobs(services) if task == "mail.reset"]
    assert '"user": 0' in asked
    assert reason(accounts.authenticate, services, "ada@example.org" + behind, PASSWORD) == "invalid-credentials"


def at_once(calls):
    """Make all calls at the same moment, and return for each what it returned, or the reason of its refusal."""
    gate = threading.Barrier(len(calls))

    def one(call):
        gate.wait(PATIENCE)
        try:
            return call()
        except Refused as error:
            return error.reason

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(one, calls))


def test_a_link_that_is_clicked_many_times_at_once_activates_once(services):
    account = register(services)
    token = token_for(services, account.id)
    found = at_once([lambda: accounts.activate(services, token).state] * 4)
    assert found == ["active"] * 4  # the owner's second click is answered like the first
    with services.db.read() as connection:
        written = connection.execute(select(events.c.kind).where(events.c.kind == "activation")).all()
    assert len(written) == 1


def test_an_address_that_two_prove_at_the_same_moment_is_one_s(services):
    accounts_of_it = [register(services, name, "same@example.org") for name in ("ada", "eve")]
    letters = [token_for(services, account.id) for account in accounts_of_it]
    found = at_once([lambda token=token: accounts.activate(services, token).state for token in letters])
    assert sorted(found) == ["activation-invalid", "active"]


def test_a_reset_s_token_that_is_used_many_times_at_once_sets_one_password(services):
    account = join(services)
    token = token_for(services, account.id, "reset")
    new = [f"a brand new one, number {number}" for number in range(4)]
    found = at_once([lambda word=word: accounts.reset_password(services, token, word).epoch for word in new])
    assert sorted(map(str, found)) == ["1", *["reset-invalid"] * 3]
    good = [word for word in new if services.hasher.verify(user_row(services, account.id).password_hash, word)]
    assert good == [new[found.index(1)]]


def test_reset_change_and_letter_at_once_wait_for_each_other(services):
    account = join(services)

    def one(number):
        try:
            if number % 3 == 0:
                token_for(services, account.id, "reset")
            elif number % 3 == 1:
                accounts.reset_password(services, token_for(services, account.id, "reset"), f"a brand new one {number}")
            else:
                accounts.change_password(services, account.id, PASSWORD, f"a brand new one {number}")
        except (Refused, TooMany):
            pass

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(one, range(30)))  # a deadlock would be an OperationalError


# --- logging in ------------------------------------------------------------------------------------------


def test_name_or_proved_address_and_password_log_in(services):
    account = join(services, "Ada")
    for login in ("ada", "ADA", "ada@example.org", "Ada@Example.org"):
        assert accounts.authenticate(services, login, PASSWORD).id == account.id


@pytest.mark.parametrize(
    ("login", "password"),
    [("ada", "wrong"), ("nobody", PASSWORD), ("nobody@example.org", PASSWORD), ("", ""), ("\0", PASSWORD), ("ada", "")],
)
def test_whatever_is_wrong_is_refused_with_one_reason(services, login, password):
    join(services)
    assert reason(accounts.authenticate, services, login, password) == "invalid-credentials"


def test_an_address_that_is_not_proved_logs_nobody_in(services):
    register(services)
    assert reason(accounts.authenticate, services, "ada@example.org", PASSWORD) == "invalid-credentials"


def test_an_account_without_a_password_is_like_none(services):
    account = join(services)
    with services.db.write() as tx:
        tx.execute(update(users).where(users.c.id == account.id).values(password_hash=None))
    assert reason(accounts.authenticate, services, "ada", PASSWORD) == "invalid-credentials"


def test_what_else_is_wrong_is_told_only_to_who_knows_the_password(services):
    account = register(services)
    assert reason(accounts.authenticate, services, "ada", "wrong") == "invalid-credentials"
    assert reason(accounts.authenticate, services, "ada", PASSWORD) == "account-not-activated"
    accounts.disable(services, account.id)
    assert reason(accounts.authenticate, services, "ada", "wrong") == "invalid-credentials"
    assert reason(accounts.authenticate, services, "ada", PASSWORD) == "account-disabled"


def test_unknown_names_cost_the_same_work(services, monkeypatch):
    join(services)
    hashed = []
    verify = Hasher.verify
    monkeypatch.setattr(Hasher, "verify", lambda self, h, p: hashed.append(p) or verify(self, h, p))
    for login in ("ada", "nobody", "nobody@example.org"):
        reason(accounts.authenticate, services, login, "wrong")
    assert len(hashed) == 3


def test_an_old_hash_is_made_anew_at_the_next_log_in(services):
    account = join(services)
    old = Hasher(memory_kib=32, time_cost=1, at_once=1).hash(PASSWORD)
    with services.db.write() as tx:
        tx.execute(update(users).where(users.c.id == account.id).values(password_hash=old))
    accounts.authenticate(services, "ada", PASSWORD)
    new = user_row(services, account.id).password_hash
    assert new != old
    assert accounts.authenticate(services, "ada", PASSWORD)
    assert user_row(services, account.id).password_hash == new


# --- passwords -------------------------------------------------------------------------------------------


def test_a_changed_password_ends_every_session_and_every_letter_s_token(services):
    account = join(services)
    grant, reset = log_in(services), token_for(services, account.id, "reset")
    changed = accounts.change_password(services, account.id, PASSWORD, "another long one")
    assert changed.epoch == 1
    assert reason(tokens.identify, services, grant.access_token) == "session-ended"
    assert reason(tokens.refresh, services, grant.refresh_token) == "refresh-invalid"
    assert reason(accounts.reset_password, services, reset, "a third long one") == "reset-invalid"
    assert reason(accounts.authenticate, services, "ada", PASSWORD) == "invalid-credentials"
    assert accounts.authenticate(services, "ada", "another long one")
    assert "mail.password_changed" in [task for task, _ in jobs(services)]


def test_a_change_needs_the_present_password_and_a_new_one_that_is_taken(services):
    account = join(services)
    assert reason(accounts.change_password, services, account.id, "wrong", "another long one") == "reauth-failed"
    for new, code in (("short", "too_short"), (PASSWORD, "password_same"), ("ada@example.org", "similar")):
        with pytest.raises(Invalid) as caught:
            accounts.change_password(services, account.id, PASSWORD, new)
        assert (caught.value.errors[0].pointer, caught.value.errors[0].code) == ("#/new_password", code)
    assert user_row(services, account.id).token_epoch == 0


def test_a_change_that_fails_at_the_last_moment_ends_no_session(services, monkeypatch):
    account = join(services)
    grant = log_in(services)
    monkeypatch.setattr(accounts.outbox, "put", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        accounts.change_password(services, account.id, PASSWORD, "another long one")
    assert tokens.identify(services, grant.access_token)
    assert accounts.authenticate(services, "ada", PASSWORD)


def test_a_new_password_is_chosen_by_a_letter_s_token_once(services):
    account = join(services)
    grant, token = log_in(services), token_for(services, account.id, "reset")
    with pytest.raises(Invalid):
        accounts.reset_password(services, token, "short")
    accounts.reset_password(services, token, "another long one")
    assert reason(accounts.reset_password, services, token, "a third long one") == "reset-invalid"
    assert reason(tokens.identify, services, grant.access_token) == "session-ended"
    assert accounts.authenticate(services, "ada", "another long one")


def test_a_reset_token_is_over_after_half_an_hour(services, clock):
    token = token_for(services, join(services).id, "reset")
    clock.advance(1800)
    assert reason(accounts.reset_password, services, token, "another long one") == "reset-invalid"


def test_a_reset_is_asked_for_by_address_and_nobody_hears_whether_it_is_known(services):
    account = join(services)
    register(services, "pending", "pending@example.org")
    for address in ("ADA@example.org", "pending@example.org", "nobody@example.org", "no address", "\0"):
        accounts.ask_for_reset(services, address)
    asked = [args for task, args in jobs(services) if task == "mail.reset"]
    assert sorted(asked) == sorted([f'{{"user": {account.id}}}', *['{"user": 0}'] * 4])


# --- disabling, profiles ---------------------------------------------------------------------------------


def test_a_disabled_account_s_sessions_end_on_their_next_call(services):
    account = join(services)
    grant = log_in(services)
    assert tokens.identify(services, grant.access_token)
    accounts.disable(services, account.id)
    assert reason(tokens.identify, services, grant.access_token) == "session-ended"
    assert reason(tokens.refresh, services, grant.refresh_token) == "refresh-invalid"


def test_sessions_that_a_disabling_ended_are_gone_and_logging_out_of_one_is_no_event(services):
    account = join(services)
    grant = log_in(services)
    session = tokens.identify(services, grant.access_token).session
    accounts.disable(services, account.id)
    assert tokens.end_by_token(services, grant.refresh_token)
    accounts.enable(services, account.id)
    assert not tokens.end_session(services, session, account.id)
    assert "logout" not in [event.kind for event in of_user(services, account.id, 100)]


def test_a_profile_is_changed_by_whoever_saw_its_present_version(services):
    account = join(services)
    row = accounts.update_profile(services, account.id, 1, {"nickname": "A", "about": "达"})
    assert (row.version, row.nickname, row.about) == (2, "A", "达")
    assert accounts.update_profile(services, account.id, 1, {"nickname": "B"}) is None
    assert user_row(services, account.id).nickname == "A"
