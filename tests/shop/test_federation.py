"""Logging in with an account elsewhere: Weibo, against the look-alike over real HTTP."""

from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import select

from dada import oauth
from dada.problems import Invalid
from shop import accounts, federation, tokens
from shop.errors import Refused
from shop.tables import identities, users
from shop.tokens import Device
from tests.shop.people import PASSWORD, jobs, join
from tests.shop.weibo_browser import Browser, forget_requests, token_requests

DEVICE = Device("a browser", "127.0.0.0/24")


@pytest.fixture(autouse=True)
def _fresh(world):
    forget_requests(world)


def reason(call, *args, **kwargs):
    with pytest.raises(Refused) as caught:
        call(*args, **kwargs)
    return caught.value.reason


def come_back(services, browser=None, uid="9000000001", action="allow"):
    """Let a browser leave and come back; return what it brings."""
    browser = browser or Browser()
    departure = federation.begin(services, "weibo", browser.challenge)
    return browser, browser.consent(departure.authorization_url, uid, action)


def arrive(services, browser=None, uid="9000000001"):
    browser, params = come_back(services, browser, uid)
    return browser, federation.arrive(services, "weibo", params, browser.verifier, DEVICE)


def rows(services):
    with services.db.read() as connection:
        return connection.execute(select(identities)).all()


# --- leaving and arriving --------------------------------------------------------------------------------


def test_the_way_to_weibo_is_made_of_settings_only(services):
    departure = federation.begin(services, "weibo", Browser().challenge)
    query = parse_qs(urlsplit(departure.authorization_url).query)
    assert departure.authorization_url.startswith(f"{services.settings.weibo_url}/oauth2/authorize?")
    assert query == {
        "response_type": ["code"],
        "client_id": ["1000000721"],
        "redirect_uri": ["http://127.0.0.1:7000/callback/weibo.html"],
        "state": [departure.state],
    }
    assert reason(federation.begin, services, "weibo", "no challenge") == "oauth-return-invalid"


def test_somebody_unknown_gets_a_ticket_and_nothing_of_him_is_kept(services, world):
    _, arrival = arrive(services)
    assert arrival.grant is None
    assert (arrival.ticket.name, arrival.ticket.expires_in) == ("林小满", 600)
    assert rows(services) == []
    assert token_requests(world) == 1


def test_somebody_known_and_bound_is_logged_in_with_a_session_of_his_own(services):
    ada = join(services)
    browser, first = arrive(services)
    grant = federation.bind_existing(services, first.ticket.token, browser.verifier, lambda: ada, DEVICE)
    _, second = arrive(services)
    assert second.ticket is None
    assert tokens.identify(services, second.grant.access_token).user_id == ada.id
    assert (
        tokens.identify(services, grant.access_token).session
        != tokens.identify(services, second.grant.access_token).session
    )


def test_a_number_beyond_javascript_s_stays_exact(services):
    ada = join(services)
    browser, arrival = arrive(services, uid="9007199254740993")
    federation.bind_existing(services, arrival.ticket.token, browser.verifier, lambda: ada, DEVICE)
    assert rows(services)[0].subject == "9007199254740993"


def test_a_disabled_account_is_not_let_in_by_this_door_either(services):
    ada = join(services)
    browser, arrival = arrive(services)
    federation.bind_existing(services, arrival.ticket.token, browser.verifier, lambda: ada, DEVICE)
    accounts.disable(services, ada.id)
    browser, params = come_back(services)
    assert reason(federation.arrive, services, "weibo", params, browser.verifier, DEVICE) == "account-disabled"


# --- what is refused before the code is spent ------------------------------------------------------------


def test_another_browser_cannot_use_what_this_one_brought(services, world):
    _, params = come_back(services)
    assert reason(federation.arrive, services, "weibo", params, Browser().verifier, DEVICE) == "oauth-state-invalid"
    assert token_requests(world) == 0


def test_a_state_is_good_once_and_a_wrong_try_spends_it(services, world):
    browser, params = come_back(services)
    assert reason(federation.arrive, services, "weibo", params, "x" * 43, DEVICE) == "oauth-state-invalid"
    assert reason(federation.arrive, services, "weibo", params, browser.verifier, DEVICE) == "oauth-state-invalid"
    browser, params = come_back(services)
    assert federation.arrive(services, "weibo", params, browser.verifier, DEVICE).ticket
    assert reason(federation.arrive, services, "weibo", params, browser.verifier, DEVICE) == "oauth-state-invalid"
    assert token_requests(world) == 1


@pytest.mark.parametrize("missing", ["state", "code"])
def test_what_is_missing_fails_and_skips_nothing(services, world, missing):
    browser, params = come_back(services)
    del params[missing]
    expected = "oauth-state-invalid" if missing == "state" else "oauth-return-invalid"
    assert reason(federation.arrive, services, "weibo", params, browser.verifier, DEVICE) == expected
    assert token_requests(world) == 0


def test_a_state_of_nobody_s_is_refused(services, world):
    browser, params = come_back(services)
    params["state"] = oauth.new_secret()
    assert reason(federation.arrive, services, "weibo", params, browser.verifier, DEVICE) == "oauth-state-invalid"
    assert token_requests(world) == 0


def test_who_does_not_consent_is_not_logged_in(services, world):
    browser, params = come_back(services, action="cancel")
    assert params["error"] == "access_denied"
    assert reason(federation.arrive, services, "weibo", params, browser.verifier, DEVICE) == "oauth-denied"
    assert token_requests(world) == 0


def test_one_code_is_shown_to_weibo_once(services, world):
    browser, params = come_back(services)
    federation.arrive(services, "weibo", params, browser.verifier, DEVICE)
    departure = federation.begin(services, "weibo", browser.challenge)
    again = {"code": params["code"], "state": departure.state}
    assert reason(federation.arrive, services, "weibo", again, browser.verifier, DEVICE) == "oauth-code-rejected"
    assert token_requests(world) == 1


# --- tickets ---------------------------------------------------------------------------------------------


def test_a_ticket_binds_once(services):
    ada = join(services)
    browser, arrival = arrive(services)
    ticket = arrival.ticket.token
    grant = federation.bind_existing(services, ticket, browser.verifier, lambda: ada, DEVICE)
    assert tokens.identify(services, grant.access_token).user_id == ada.id
    assert reason(federation.bind_existing, services, ticket, browser.verifier, lambda: ada, DEVICE) == "ticket-invalid"
    assert rows(services)[0].user_id == ada.id


def test_a_ticket_is_worth_nothing_in_another_browser(services):
    ada = join(services)
    for wrong in (lambda _: Browser().verifier, lambda _: None, lambda _: "", lambda browser: browser.challenge):
        browser, arrival = arrive(services)
        bind = (federation.bind_existing, services, arrival.ticket.token)
        assert reason(*bind, wrong(browser), lambda: ada, DEVICE) == "ticket-invalid"
        assert reason(*bind, browser.verifier, lambda: ada, DEVICE) == "ticket-invalid"  # it was shown elsewhere


def test_a_ticket_is_over_ten_minutes_after_it_was_given_however_often_it_was_tried(services, clock):
    ada = join(services)
    browser, arrival = arrive(services)

    def wrong():
        raise Refused("invalid-credentials")

    bind = (federation.bind_existing, services, arrival.ticket.token, browser.verifier)
    clock.advance(599)
    assert reason(*bind, wrong, DEVICE) == "invalid-credentials"
    (key,) = services.redis.keys("ticket:*")
    assert services.redis.pttl(key) <= 1000
    clock.advance(2)
    assert reason(*bind, wrong, DEVICE) in ("invalid-credentials", "ticket-invalid")
    assert reason(*bind, lambda: ada, DEVICE) == "ticket-invalid"


def test_who_was_proved_before_the_password_changed_binds_nothing(services):
    join(services)
    proved = accounts.authenticate(services, "ada", PASSWORD)
    browser, arrival = arrive(services)

    def prove():
        accounts.change_password(services, proved.id, PASSWORD, "a brand new one")
        return proved

    assert reason(federation.bind_existing, services, arrival.ticket.token, browser.verifier, prove, DEVICE) == (
        "session-ended"
    )
    assert rows(services) == []


def test_a_ticket_has_five_tries(services):
    ada = join(services)
    browser, arrival = arrive(services)
    ticket = arrival.ticket.token

    def wrong():
        return accounts.authenticate(services, "ada", "wrong")

    for _ in range(5):
        assert (
            reason(federation.bind_existing, services, ticket, browser.verifier, wrong, DEVICE) == "invalid-credentials"
        )
    assert reason(federation.bind_existing, services, ticket, browser.verifier, lambda: ada, DEVICE) == "ticket-invalid"


def test_a_weibo_account_belongs_to_one_account(services):
    ada, eve = join(services), join(services, "eve")
    first_browser, first = arrive(services)
    second_browser, second = arrive(services)
    federation.bind_existing(services, first.ticket.token, first_browser.verifier, lambda: ada, DEVICE)
    assert (
        reason(federation.bind_existing, services, second.ticket.token, second_browser.verifier, lambda: eve, DEVICE)
        == "identity-taken"
    )
    assert rows(services)[0].user_id == ada.id


def test_an_account_has_one_weibo_account(services):
    ada = join(services)
    browser, first = arrive(services)
    federation.bind_existing(services, first.ticket.token, browser.verifier, lambda: ada, DEVICE)
    browser, second = arrive(services, uid="9000000002")
    assert (
        reason(federation.bind_existing, services, second.ticket.token, browser.verifier, lambda: ada, DEVICE)
        == "already-bound"
    )


NEW = {"username": "newcomer", "password": PASSWORD, "email": "new@example.org"}


def test_somebody_new_is_registered_bound_and_logged_in_at_once(services):
    browser, arrival = arrive(services)
    grant = federation.bind_new(services, arrival.ticket.token, browser.verifier, NEW, "zh-CN", DEVICE)
    caller = tokens.identify(services, grant.access_token)
    row = accounts.profile(services, caller.user_id)
    assert (row.username, row.state, row.verified_email_key) == ("newcomer", "active", None)
    assert rows(services)[0].user_id == row.id


def test_an_address_that_somebody_proved_is_given_to_nobody_by_this_door(services):
    owner = join(services, "owner", "new@example.org")
    browser, arrival = arrive(services)
    grant = federation.bind_new(services, arrival.ticket.token, browser.verifier, NEW, "en", DEVICE)
    assert tokens.identify(services, grant.access_token).user_id != owner.id


def test_what_is_wrong_with_the_new_account_leaves_nothing_behind_and_the_ticket_good(services):
    join(services, "newcomer")
    browser, arrival = arrive(services)
    ticket = arrival.ticket.token
    with pytest.raises(Invalid):
        federation.bind_new(services, ticket, browser.verifier, NEW | {"password": "short"}, "en", DEVICE)
    assert reason(federation.bind_new, services, ticket, browser.verifier, NEW, "en", DEVICE) == "username-taken"
    assert rows(services) == []
    assert federation.bind_new(services, ticket, browser.verifier, NEW | {"username": "other"}, "en", DEVICE)


# --- what is bound ---------------------------------------------------------------------------------------


def bound(services):
    """Let ada have a Weibo account, and return hers."""
    ada = join(services)
    browser, arrival = arrive(services)
    federation.bind_existing(services, arrival.ticket.token, browser.verifier, lambda: ada, DEVICE)
    return ada


def test_what_is_bound_is_listed_and_its_owner_was_told(services):
    ada = bound(services)
    (row,) = federation.identities_of(services, ada.id)
    assert (row.provider, row.subject, row.name) == ("weibo", "9000000001", "林小满")
    assert "mail.identity_bound" in [task for task, _ in jobs(services)]


def test_what_is_unbound_belongs_to_nobody_and_its_owner_is_told(services):
    ada = bound(services)
    federation.unbind(services, ada.id, "weibo")
    assert federation.identities_of(services, ada.id) == []
    assert arrive(services)[1].ticket
    assert "mail.identity_unbound" in [task for task, _ in jobs(services)]
    assert reason(federation.unbind, services, ada.id, "weibo") == "not-found"


def test_the_last_way_to_log_in_stays(services):
    ada = bound(services)
    with services.db.write() as tx:
        tx.execute(users.update().where(users.c.id == ada.id).values(password_hash=None))
    assert reason(federation.unbind, services, ada.id, "weibo") == "last-login-method"
    assert len(federation.identities_of(services, ada.id)) == 1


def test_an_identity_of_a_provider_that_is_gone_is_no_other_way_to_log_in(services):
    ada = bound(services)
    with services.db.write() as tx:
        tx.execute(users.update().where(users.c.id == ada.id).values(password_hash=None))
        tx.execute(identities.insert().values(
            provider="gone", subject="7", user_id=ada.id, name="", created_at=1, bound_at=1
        ))  # fmt: skip
    assert reason(federation.unbind, services, ada.id, "weibo") == "last-login-method"
    federation.unbind(services, ada.id, "gone")


def test_an_unknown_provider_is_not_found(services):
    assert reason(federation.begin, services, "nobody", Browser().challenge) == "not-found"
    assert reason(federation.arrive, services, "nobody", {}, "x" * 43, DEVICE) == "not-found"


ERRORS = {
    "access_denied": "oauth-denied",
    "temporarily_unavailable": "provider-unavailable",
    "server_error": "provider-unavailable",
    "what is no error of the standard's": "provider-unavailable",
    "unauthorized_client": "oauth-misconfigured",
    "invalid_scope": "oauth-misconfigured",
}


@pytest.mark.parametrize(("error", "expected"), ERRORS.items(), ids=ERRORS)
def test_what_the_provider_says_is_told_as_what_it_is(services, error, expected):
    browser = Browser()
    departure = federation.begin(services, "weibo", browser.challenge)
    params = {"error": error, "state": departure.state}
    assert reason(federation.arrive, services, "weibo", params, browser.verifier, DEVICE) == expected


def _bound(bind, *arguments):
    try:
        bind(*arguments)
    except Refused as error:
        return error.reason
    return "bound"


@pytest.mark.parametrize("uid", [f"900000000{number}" for number in range(1, 4)])
def test_two_who_bind_one_identity_at_once_wait_for_each_other_and_one_gets_it(services, uid):
    """One with an account, one who registers: each takes its locks in the same order (`accounts.lock`)."""
    ada = join(services, "ada")
    (first, mine), (second, hers) = arrive(services, uid=uid), arrive(services, uid=uid)
    new = {"username": "eve", "password": PASSWORD, "email": "eve@example.org"}
    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(
            _bound, federation.bind_existing, services, mine.ticket.token, first.verifier, lambda: ada, DEVICE
        )
        two = pool.submit(_bound, federation.bind_new, services, hers.ticket.token, second.verifier, new, "en", DEVICE)
    assert sorted([one.result(), two.result()]) == ["bound", "identity-taken"]
