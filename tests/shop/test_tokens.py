"""Sessions: access tokens for ten minutes, refresh tokens that are good once."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from dada import base64url
from dada.jwt import Issuer, TokenError, peek
from shop import accounts, events, keyring, tokens
from shop.errors import Refused
from shop.tables import sessions
from tests.servers import PATIENCE
from tests.shop.people import PASSWORD, jobs, join, log_in


def reason(call, *args, **kwargs):
    with pytest.raises((Refused, TokenError)) as caught:
        call(*args, **kwargs)
    return caught.value.reason


@pytest.fixture
def ada(services):
    return join(services)


# --- access tokens ---------------------------------------------------------------------------------------


def test_an_access_token_has_the_shape_of_rfc_9068(services, ada, clock):
    grant = log_in(services)
    seen = peek(grant.access_token)
    assert seen.header == {"alg": "HS256", "typ": "at+jwt", "kid": "test-1"}
    assert seen.claims.keys() == {"iss", "aud", "sub", "client_id", "iat", "exp", "jti", "sid", "epoch", "auth_time"}
    assert (seen.claims["sub"], seen.claims["exp"] - seen.claims["iat"]) == (str(ada.id), 600)
    assert "ada" not in seen.claims.values()
    assert (grant.expires_in, grant.username) == (600, "ada")


def test_it_says_who_calls(services, ada):
    caller = tokens.identify(services, log_in(services).access_token)
    assert (caller.user_id, caller.username, caller.key) == (ada.id, "ada", "ada")


def test_it_is_good_for_ten_minutes(services, ada, clock):
    grant = log_in(services)
    clock.advance(599)
    assert tokens.identify(services, grant.access_token)
    clock.advance(1)
    assert reason(tokens.identify, services, grant.access_token) == "expired"


@pytest.mark.parametrize(("ahead", "good"), [(30, True), (60, True), (61, False), (600, False)])
def test_a_clock_that_is_a_minute_ahead_logs_nobody_out_and_one_that_is_more_makes_no_tokens(
    services, ada, clock, ahead, good
):
    clock.advance(ahead)
    grant = log_in(services)  # by the machine whose clock is ahead
    clock.advance(-ahead)
    if good:
        assert tokens.identify(services, grant.access_token).username == "ada"
    else:
        assert reason(tokens.identify, services, grant.access_token) == "expired"


def test_a_token_of_another_kind_or_of_another_key_of_ours_is_no_access_token(services, ada):
    ring = services.keys.ring
    claims = {name: value for name, value in peek(log_in(services).access_token).claims.items() if name != "iat"}
    settings = {"issuer": claims.pop("iss"), "audience": claims.pop("aud"), "lifetime": 600, "clock": services.clock}
    for key, typ, expected in (
        (ring.keys(keyring.ACCESS)[0], "JWT", "type"),
        (ring.keys(keyring.REFRESH)[0], "at+jwt", "signature"),
    ):
        assert reason(tokens.identify, services, Issuer(key, **settings, typ=typ).sign(claims)) == expected


@pytest.mark.parametrize("name", ["exp", "nbf", "iat", "auth_time", "epoch"])
@pytest.mark.parametrize("make", [lambda number: number + 0.5, float, bool, str], ids=["half", "1.0", "true", "text"])
def test_a_number_of_another_type_than_ours_makes_no_access_token(services, ada, name, make):
    tokens.end_all(services, ada.id)  # into epoch 1: a true would equal that
    key = services.keys.ring.keys(keyring.ACCESS)[0]
    claims = {"nbf": int(services.clock())} | dict(peek(log_in(services).access_token).claims)

    def signed(**changes):
        header = {"alg": "HS256", "typ": "at+jwt", "kid": key.kid}
        parts = (base64url.encode(json.dumps(part).encode()) for part in (header, claims | changes))
        text = ".".join(parts)
        return f"{text}.{base64url.encode(key.mac(text.encode()))}"

    assert tokens.identify(services, signed()).user_id == ada.id
    assert reason(tokens.identify, services, signed(**{name: make(claims[name])})) == "claim"


def test_a_refresh_token_is_no_access_token_and_the_other_way_round(services, ada):
    grant = log_in(services)
    assert reason(tokens.identify, services, grant.refresh_token) == "malformed"
    assert reason(tokens.refresh, services, grant.access_token) == "refresh-invalid"


def test_whose_session_it_says_it_is_must_be_whose_it_is(services, ada):
    eve = join(services, "eve")
    mine, hers = peek(log_in(services).access_token).claims, peek(log_in(services, "eve").access_token).claims
    ring = services.keys.ring
    issuer = Issuer(
        ring.keys(keyring.ACCESS)[0], issuer=mine["iss"], audience=mine["aud"], lifetime=600, typ="at+jwt",
        clock=services.clock,
    )  # fmt: skip
    forged = {**{name: mine[name] for name in ("client_id", "jti", "epoch", "auth_time", "sub")}, "sid": hers["sid"]}
    assert eve.id != ada.id
    assert reason(tokens.identify, services, issuer.sign(forged)) == "session-ended"


def test_the_ring_turns_and_nobody_is_logged_out(services, ada, clock, secrets_folder):
    import json
    import os

    grant = log_in(services)
    path = secrets_folder / "keys.json"
    old = json.loads(path.read_text())["keys"][0] | {"use": "verify"}
    new = {"kid": "test-2", "secret": base64url.encode(bytes(range(32))), "use": "sign"}
    path.write_text(json.dumps({"sandbox": True, "keys": [new, old]}))
    os.utime(path, (1, 1))
    clock.advance(2)
    assert tokens.identify(services, grant.access_token)
    again = tokens.refresh(services, grant.refresh_token)
    assert peek(again.access_token).header["kid"] == "test-2"
    path.write_text(json.dumps({"sandbox": True, "keys": [new]}))
    os.utime(path, (2, 2))
    clock.advance(2)
    assert reason(tokens.identify, services, grant.access_token) == "signature"
    assert tokens.identify(services, again.access_token)


# --- refresh tokens --------------------------------------------------------------------------------------


def test_a_refresh_token_is_exchanged_for_the_next_pair(services, ada, clock):
    first = log_in(services)
    clock.advance(60)
    second = tokens.refresh(services, first.refresh_token)
    assert second.refresh_token != first.refresh_token
    assert (
        tokens.identify(services, second.access_token).session == tokens.identify(services, first.access_token).session
    )
    assert tokens.refresh(services, second.refresh_token)


def test_only_hashes_of_it_are_kept(services, ada):
    first = log_in(services)
    second = tokens.refresh(services, first.refresh_token)
    with services.db.read() as connection:
        row = connection.execute(select(sessions)).one()
    for token in (first.refresh_token, second.refresh_token):
        secret = base64url.decode(token)[16:48]
        assert secret not in (row.tip, row.previous, row.successor_box)
        assert len(token) == 107


def test_a_lost_answer_is_given_again_within_ten_seconds(services, ada, clock):
    first = log_in(services)
    clock.advance(0.7)
    second = tokens.refresh(services, first.refresh_token)
    clock.advance(9.9)
    again = tokens.refresh(services, first.refresh_token)
    assert (again.access_token, again.refresh_token) == (second.access_token, second.refresh_token)
    assert (second.expires_in, again.expires_in) == (600, 591)
    assert tokens.refresh(services, second.refresh_token)


def test_parallel_refreshes_get_one_successor(services, ada):
    first = log_in(services)
    got, barrier = [], threading.Barrier(4)

    def run():
        barrier.wait(PATIENCE)
        pair = tokens.refresh(services, first.refresh_token)
        got.append((pair.access_token, pair.refresh_token))

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 4
    assert len(set(got)) == 1


def test_a_token_that_comes_again_ends_its_family_and_its_owner_is_told(services, ada, clock):
    first = log_in(services)
    second = tokens.refresh(services, first.refresh_token)
    clock.advance(10)
    assert reason(tokens.refresh, services, first.refresh_token) == "refresh-reused"
    assert reason(tokens.refresh, services, second.refresh_token) == "refresh-invalid"
    assert reason(tokens.identify, services, second.access_token) == "session-ended"
    assert "mail.token_reused" in [task for task, _ in jobs(services)]


def test_one_token_that_comes_again_four_times_at_once_is_one_event_and_one_letter(services, ada, clock, monkeypatch):
    first = log_in(services)
    tokens.refresh(services, first.refresh_token)
    clock.advance(11)
    barrier, end = threading.Barrier(4), tokens._end_family

    def end_together(*arguments):
        barrier.wait(PATIENCE)  # all have seen that it was used
        end(*arguments)

    monkeypatch.setattr(tokens, "_end_family", end_together)
    with ThreadPoolExecutor(4) as pool:
        told = list(pool.map(lambda _: reason(tokens.refresh, services, first.refresh_token), range(4)))
    assert told == ["refresh-reused"] * 4
    assert [task for task, _ in jobs(services)].count("mail.token_reused") == 1
    assert [row.kind for row in events.of_user(services, ada.id, 100)].count("token.reuse") == 1


def test_the_token_before_the_one_before_ends_it_at_once(services, ada):
    first = log_in(services)
    second = tokens.refresh(services, first.refresh_token)
    tokens.refresh(services, second.refresh_token)
    assert reason(tokens.refresh, services, first.refresh_token) == "refresh-reused"


def test_other_families_of_the_user_go_on(services, ada, clock):
    first, other = log_in(services), log_in(services)
    tokens.refresh(services, first.refresh_token)
    clock.advance(11)
    reason(tokens.refresh, services, first.refresh_token)
    assert tokens.refresh(services, other.refresh_token)


MADE_UP = ["", "x", "A" * 107, "A" * 106, "A" * 108, "\ud800" * 107, "=" * 107]


@pytest.mark.parametrize("token", MADE_UP)
def test_a_token_that_was_never_given_out_ends_nothing(services, ada, token):
    grant = log_in(services)
    assert reason(tokens.refresh, services, token) == "refresh-invalid"
    assert tokens.identify(services, grant.access_token)


def test_a_made_up_secret_for_a_real_session_ends_nothing(services, ada):
    grant = log_in(services)
    data = base64url.decode(grant.refresh_token)
    forged = base64url.encode(data[:16] + bytes(32) + data[48:])
    assert reason(tokens.refresh, services, forged) == "refresh-invalid"
    assert tokens.identify(services, grant.access_token)


def test_a_session_that_idles_for_two_weeks_is_over(services, ada, clock):
    grant = log_in(services)
    assert grant.refresh_expires_in == 14 * 86400
    clock.advance(14 * 86400)
    assert reason(tokens.refresh, services, grant.refresh_token) == "refresh-invalid"


def test_a_session_is_over_after_thirty_days_however_busy(services, ada, clock):
    grant = log_in(services)
    for _ in range(3):
        clock.advance(9 * 86400)
        grant = tokens.refresh(services, grant.refresh_token)
    assert grant.refresh_expires_in == 3 * 86400
    clock.advance(3 * 86400)
    assert reason(tokens.refresh, services, grant.refresh_token) == "refresh-invalid"


# --- ending ----------------------------------------------------------------------------------------------


def test_logging_out_acts_on_the_next_call(services, ada):
    grant = log_in(services)
    session = tokens.identify(services, grant.access_token).session
    tokens.end_session(services, session)
    assert reason(tokens.identify, services, grant.access_token) == "session-ended"
    assert reason(tokens.refresh, services, grant.refresh_token) == "refresh-invalid"
    tokens.end_session(services, session)  # again is as good


def test_one_session_that_ends_four_times_at_once_is_one_event(services, ada, monkeypatch):
    session = tokens.identify(services, log_in(services).access_token).session
    barrier, lock = threading.Barrier(4 if not services.db.is_sqlite else 1), accounts.lock

    def lock_together(tx, user_id):
        barrier.wait(PATIENCE)  # all have seen that it is there; on SQLite one comes after the other
        return lock(tx, user_id)

    monkeypatch.setattr(accounts, "lock", lock_together)
    with ThreadPoolExecutor(4) as pool:
        told = list(pool.map(lambda _: tokens.end_session(services, session), range(4)))
    assert sorted(told) == [False, False, False, True]
    assert [row.kind for row in events.of_user(services, ada.id, 100)].count("logout") == 1


def test_a_session_that_ends_as_its_pair_is_made_anew_gets_none(services, ada, monkeypatch):
    session, lock = tokens.identify(services, log_in(services).access_token).session, accounts.lock

    def end_first(tx, user_id):
        row = lock(tx, user_id)
        tx.execute(sessions.delete().where(sessions.c.id == session))
        return row

    monkeypatch.setattr(accounts, "lock", end_first)
    assert reason(tokens.reissue, services, session) == "refresh-invalid"


def test_a_refresh_token_good_or_used_ends_its_session(services, ada):
    grant = log_in(services)
    tokens.refresh(services, grant.refresh_token)
    assert tokens.end_by_token(services, grant.refresh_token)
    assert reason(tokens.identify, services, grant.access_token) == "session-ended"
    assert tokens.end_by_token(services, grant.refresh_token)  # again is as good
    assert not tokens.end_by_token(services, "x")


def test_logging_out_everywhere_ends_all_and_everywhere_else_all_but_one(services, ada):
    grants = [log_in(services) for _ in range(3)]
    mine = tokens.identify(services, grants[0].access_token).session
    tokens.end_all(services, ada.id, but=mine)
    assert tokens.identify(services, grants[0].access_token)
    assert {reason(tokens.identify, services, grant.access_token) for grant in grants[1:]} == {"session-ended"}
    tokens.end_all(services, ada.id)
    assert reason(tokens.identify, services, grants[0].access_token) == "session-ended"


def test_logging_out_here_everywhere_in_and_going_on_at_once_never_deadlock(services, ada):
    ends = (
        lambda grant: tokens.end_by_token(services, grant.access_token),
        lambda _: tokens.end_all(services, ada.id),
        lambda grant: tokens.end_all(services, ada.id, but=tokens.identify(services, grant.access_token).session),
        lambda grant: tokens.refresh(services, grant.refresh_token),
    )

    def one(number):
        try:
            ends[number % 4](log_in(services))
        except Refused:  # another ended it
            pass

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(one, range(120)))  # a deadlock would be an OperationalError


def test_another_s_sessions_are_not_touched(services, ada):
    join(services, "eve")
    hers = log_in(services, "eve")
    tokens.end_all(services, ada.id)
    assert tokens.identify(services, hers.access_token)


def test_a_wiped_cache_logs_nobody_out_and_revives_nobody(services, ada, redis_server):
    alive, ended = log_in(services), log_in(services)
    tokens.end_session(services, tokens.identify(services, ended.access_token).session)
    with redis_server.client() as client:
        client.flushall()
    assert tokens.identify(services, alive.access_token)
    assert reason(tokens.identify, services, ended.access_token) == "session-ended"


def test_what_was_read_before_a_session_ended_does_not_bring_it_back(services, ada, monkeypatch):
    """A slow call reads a live row, the session ends, the slow call fills the cache: the end stays."""
    from shop import liveness

    grant = log_in(services)
    session = tokens.identify(services, grant.access_token).session
    liveness.forget(services, ada.id, session)
    real = services.cache.set

    def slow(key, value, seconds, *, if_new=False):
        if if_new:
            tokens.end_session(services, session)
        return real(key, value, seconds, if_new=if_new)

    monkeypatch.setattr(services.cache, "set", slow)
    assert reason(tokens.identify, services, grant.access_token) == "session-ended"


def test_after_a_password_change_the_session_goes_on_with_a_new_pair(services, ada):
    grant, other = log_in(services), log_in(services)
    session = tokens.identify(services, grant.access_token).session
    changed = accounts.change_password(services, ada.id, PASSWORD, "another long one", session)
    renewed = tokens.renew(services, session, changed)
    assert tokens.identify(services, renewed.access_token).session == session
    assert reason(tokens.identify, services, grant.access_token) == "session-ended"
    assert reason(tokens.identify, services, other.access_token) == "session-ended"
    assert tokens.refresh(services, renewed.refresh_token)
    assert reason(tokens.refresh, services, grant.refresh_token) == "refresh-reused"


def test_who_was_proved_before_the_password_changed_is_not_logged_in_by_it(services, ada):
    proved = accounts.authenticate(services, "ada", PASSWORD)
    accounts.change_password(services, ada.id, PASSWORD, "another long one")
    assert reason(tokens.log_in, services, proved, tokens.Device()) == "session-ended"
    logins = [row.outcome for row in events.of_user(services, ada.id, 100) if row.kind == "login"]
    assert logins == ["session-ended"]
    assert "mail.new_device" not in [task for task, _ in jobs(services)]


def test_a_new_pair_that_is_asked_for_while_the_account_is_disabled_is_refused_and_no_event_says_it_was_made(
    services, ada, monkeypatch
):
    grant, read = log_in(services), tokens._refreshable

    def disabled_meanwhile(services, sid):
        row = read(services, sid)
        accounts.disable(services, ada.id)
        return row

    monkeypatch.setattr(tokens, "_refreshable", disabled_meanwhile)
    assert reason(tokens.refresh, services, grant.refresh_token) == "refresh-invalid"
    assert "refresh" not in [row.kind for row in events.of_user(services, ada.id, 100)]


def test_a_session_does_not_go_on_after_a_password_change_if_all_were_ended_meanwhile(services, ada):
    session = tokens.identify(services, log_in(services).access_token).session
    changed = accounts.change_password(services, ada.id, PASSWORD, "another long one", session)
    accounts.count_up(services, ada.id, "logout-all")
    assert reason(tokens.renew, services, session, changed) == "session-ended"


def test_a_new_pair_that_is_asked_for_while_the_password_changes_does_not_stand_in_the_session_s_way(
    services, ada, monkeypatch
):
    grant, read, changed = log_in(services), tokens._refreshable, []
    session = tokens.identify(services, grant.access_token).session

    def changed_meanwhile(services, sid):
        row = read(services, sid)
        changed.append(accounts.change_password(services, ada.id, PASSWORD, "another long one", session))
        return row

    with monkeypatch.context() as patch:
        patch.setattr(tokens, "_refreshable", changed_meanwhile)
        assert reason(tokens.refresh, services, grant.refresh_token) == "refresh-invalid"
    renewed = tokens.renew(services, session, changed[0])
    assert tokens.refresh(services, renewed.refresh_token)


def test_one_s_sessions_are_listed_the_latest_first(services, ada, clock):
    log_in(services, agent="old")
    clock.advance(60)
    new = log_in(services, agent="new")
    current = tokens.identify(services, new.access_token).session
    listed = tokens.sessions_of(services, ada.id, current)
    assert [(session.user_agent, session.current) for session in listed] == [("new", True), ("old", False)]
    clock.advance(14 * 86400 - 30)
    assert [session.user_agent for session in tokens.sessions_of(services, ada.id, current)] == ["new"]


def test_a_session_that_ended_with_its_epoch_is_not_listed(services, ada):
    log_in(services, agent="old")
    accounts.disable(services, ada.id)
    accounts.enable(services, ada.id)
    log_in(services, agent="new")
    assert [session.user_agent for session in tokens.sessions_of(services, ada.id, "")] == ["new"]


AGENTS = {
    "the same browser": ("Firefox/130.0", False),
    "the same after an update": ("Firefox/131.0.2", False),
    "another browser": ("Chromium/130.0", True),
    "no words": ("", True),
}


@pytest.mark.parametrize(("agent", "told"), AGENTS.values(), ids=AGENTS)
def test_a_browser_that_was_not_seen_before_is_told_of(services, agent, told):
    join(services)
    log_in(services, agent="Firefox/130.0")
    log_in(services, agent=agent)
    assert ("mail.new_device" in [task for task, _ in jobs(services)]) is told
