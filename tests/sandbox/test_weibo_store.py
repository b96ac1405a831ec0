"""Codes, tokens, grants and sessions: what they are bound to, and when they end."""

import base64
import hashlib
import re
import threading

import pytest

from sandbox import weibo_store
from sandbox.weibo_store import Application, Store
from sandbox.weibo_users import USERS

KEY, URI, UID = "2000000001", "http://127.0.0.1:7000/weibo.html", 9000000001
APPLICATIONS = [Application(KEY, "s", URI, "one"), Application("2222222222", "t", URI, "two")]


@pytest.fixture
def store(clock, dice):
    return Store(APPLICATIONS, USERS, clock=clock, randomness=dice)


def test_a_code_is_32_lower_case_hex_digits_and_never_the_same(store):
    codes = {store.new_code(KEY, URI, UID) for _ in range(50)}
    assert len(codes) == 50
    assert all(re.fullmatch("[0-9a-f]{32}", code) for code in codes)


def test_a_token_has_the_recorded_shape(store, clock):
    token = store.redeem(store.new_code(KEY, URI, UID, "email"), KEY, URI)
    assert re.fullmatch(r"2\.00[A-Za-z0-9]{28}", token.text)
    assert (token.app_key, token.uid, token.scope, token.created) == (KEY, UID, "email", int(clock.now))
    assert token.left(clock.now) == 157_679_999
    assert token.left(clock.now + 157_680_009) == -10


def test_a_code_is_good_once_and_its_second_use_takes_the_token_along(store):
    code = store.new_code(KEY, URI, UID)
    token = store.redeem(code, KEY, URI)
    assert store.token(token.text) == token
    assert store.redeem(code, KEY, URI) is None
    assert store.token(token.text) is None


def test_the_second_use_can_leave_the_token_alone(store):
    code = store.new_code(KEY, URI, UID)
    token = store.redeem(code, KEY, URI)
    assert store.redeem(code, KEY, URI, keep_on_replay=True) is None
    assert store.token(token.text) == token


@pytest.mark.parametrize(("seconds", "good"), [(0, True), (59.9, True), (60, False), (3600, False)])
def test_a_code_lives_sixty_seconds(store, clock, seconds, good):
    code = store.new_code(KEY, URI, UID)
    clock.now += seconds
    assert (store.redeem(code, KEY, URI) is not None) is good


def test_a_used_code_still_takes_its_token_along_when_it_would_have_expired(store, clock):
    code = store.new_code(KEY, URI, UID)
    token = store.redeem(code, KEY, URI)
    clock.now += 3600
    assert store.redeem(code, KEY, URI) is None
    assert store.token(token.text) is None


FOREIGN = {
    "another application": ("2222222222", URI),
    "another redirect_uri": (KEY, URI + "/"),
    "both": ("2222222222", "http://127.0.0.1:7000/"),
}


@pytest.mark.parametrize(("app_key", "redirect_uri"), FOREIGN.values(), ids=FOREIGN)
def test_a_code_is_bound_and_a_foreign_hand_does_not_spend_it(store, app_key, redirect_uri):
    code = store.new_code(KEY, URI, UID)
    assert store.redeem(code, app_key, redirect_uri) is None
    assert store.redeem(code, KEY, URI) is not None


def test_an_invented_code_is_none(store):
    assert store.redeem("0" * 32, KEY, URI) is None


class TestPkce:
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"  # RFC 7636 appendix B
    challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"

    def test_the_challenge_is_the_standard_s(self):
        digest = hashlib.sha256(self.verifier.encode()).digest()
        assert base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == self.challenge

    @pytest.mark.parametrize(
        ("verifier", "good"),
        [(verifier, True), (verifier + "x", False), ("", False), ("é", False), (None, True)],
        ids=["the right one", "a wrong one", "an empty one", "one that is not ASCII", "not looked at"],
    )
    def test_a_verifier_is_compared_where_it_is_looked_at(self, store, verifier, good):
        code = store.new_code(KEY, URI, UID, challenge=self.challenge)
        assert (store.redeem(code, KEY, URI, verifier=verifier) is not None) is good

    def test_a_code_without_challenge_fails_where_a_verifier_is_looked_at(self, store):
        assert store.redeem(store.new_code(KEY, URI, UID), KEY, URI, verifier="") is None

    def test_a_wrong_verifier_does_not_spend_the_code(self, store):
        code = store.new_code(KEY, URI, UID, challenge=self.challenge)
        assert store.redeem(code, KEY, URI, verifier="wrong") is None
        assert store.redeem(code, KEY, URI, verifier=self.verifier) is not None


class TestTokens:
    def get(self, store, app_key=KEY, uid=UID, scope=""):
        return store.redeem(store.new_code(app_key, URI, uid, scope), app_key, URI)

    def test_the_same_again_while_it_lives(self, store, clock):
        first = self.get(store)
        clock.now += 1000
        assert self.get(store) == first

    def test_another_after_it_expired(self, store, clock):
        first = self.get(store)
        clock.now += 157_679_999
        second = self.get(store)
        assert second.text != first.text
        assert store.token(first.text) == first  # known still, to be told that it expired

    @pytest.mark.parametrize("other", [{"app_key": "2222222222"}, {"uid": 9000000002}, {"scope": "email"}], ids=str)
    def test_another_for_another_application_user_or_scope(self, store, other):
        assert self.get(store).text != self.get(store, **other).text

    def test_revoking_ends_the_token_and_the_grant(self, store):
        store.grant(KEY, UID)
        token = self.get(store)
        store.revoke(token)
        assert store.token(token.text) is None
        assert not store.granted(KEY, UID)


class TestSessions:
    def test_they_begin_and_end(self, store):
        session = store.log_in(UID)
        assert store.logged_in(session).uid == UID
        store.log_out(session)
        store.log_out(session)
        assert store.logged_in(session) is None

    @pytest.mark.parametrize("session", ["", "nonsense"])
    def test_an_invented_one_is_nobody_s(self, store, session):
        assert store.logged_in(session) is None

    def test_one_of_a_user_who_is_not_there_is_nobody_s(self, store):
        assert store.logged_in(store.log_in(1)) is None


def test_grants_are_for_one_application_and_one_user(store):
    store.grant(KEY, UID)
    assert store.granted(KEY, UID)
    assert not store.granted("2222222222", UID)
    assert not store.granted(KEY, 9000000002)


def test_who_there_is_can_be_found(store):
    assert store.application(KEY).name == "one"
    assert store.application("0") is None
    assert store.user(UID) is USERS[0]
    assert store.user(1) is None
    assert store.user_named("林小满") is USERS[0]
    assert store.user_named("林") is None


@pytest.mark.parametrize("memory", ["codes", "tokens", "sessions"])
def test_memory_is_bounded_and_the_oldest_is_forgotten(store, monkeypatch, memory):
    monkeypatch.setattr(weibo_store, f"MAX_{memory.upper()}", 3)
    codes = [store.new_code(KEY, URI, 1000 + number) for number in range(5)]
    sessions = [store.log_in(UID) for _ in range(5)]
    tokens = [store.redeem(code, KEY, URI) for code in codes]
    kept = {
        "codes": [token is not None for token in tokens],
        "tokens": [store.token(token.text) is not None for token in tokens if token],
        "sessions": [store.logged_in(session) is not None for session in sessions],
    }
    assert {name: flags.count(True) for name, flags in kept.items()} == {
        **dict.fromkeys(kept, 5),
        memory: 3,
        **({"tokens": 3} if memory == "codes" else {}),
    }
    assert kept[memory][-1]


def test_of_many_threads_one_gets_the_token(store):
    code, won = store.new_code(KEY, URI, UID), []
    gate = threading.Barrier(8)

    def race():
        gate.wait()
        won.append(store.redeem(code, KEY, URI, keep_on_replay=True))

    threads = [threading.Thread(target=race) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(token is not None for token in won) == 1
