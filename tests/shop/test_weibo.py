"""Log in with Weibo, against the look-alike over real HTTP."""

from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import select

from dada import oauth
from dada.problems import Invalid
from shop import accounts, tokens, weibo
from shop.errors import Refused
from shop.tables import identities, users
from shop.tokens import Device
from tests.shop.people import PASSWORD, join
from tests.shop.weibo_browser import Browser, faults, forget_requests, token_requests

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
    departure = weibo.begin(services, browser.challenge)
    return browser, browser.consent(departure.authorization_url, uid, action)


def arrive(services, browser=None, uid="9000000001"):
    browser, params = come_back(services, browser, uid)
    return browser, weibo.arrive(services, params, browser.verifier, DEVICE)


def rows(services):
    with services.db.read() as connection:
        return connection.execute(select(identities)).all()


# --- leaving and arriving --------------------------------------------------------------------------------


def test_the_way_to_weibo_is_made_of_settings_only(services):
    departure = weibo.begin(services, Browser().challenge)
    query = parse_qs(urlsplit(departure.authorization_url).query)
    assert departure.authorization_url.startswith(f"{services.settings.weibo_url}/oauth2/authorize?")
    assert query == {
        "response_type": ["code"],
        "client_id": ["1000000721"],
        "redirect_uri": ["http://127.0.0.1:7000/callback/weibo.html"],
        "state": [departure.state],
    }
    assert reason(weibo.begin, services, "no challenge") == "oauth-return-invalid"


def test_somebody_unknown_gets_a_ticket_and_his_number_is_kept(services, world):
    _, arrival = arrive(services)
    assert arrival.grant is None
    assert (arrival.ticket.name, arrival.ticket.expires_in) == ("林小满", 600)
    (row,) = rows(services)
    assert (row.provider, row.subject, row.user_id, row.name) == ("weibo", "9000000001", None, "林小满")
    assert token_requests(world) == 1


def test_somebody_known_and_bound_is_logged_in_with_a_session_of_his_own(services):
    ada = join(services)
    browser, first = arrive(services)
    grant = weibo.bind_existing(services, first.ticket.token, browser.verifier, lambda: ada, DEVICE)
    _, second = arrive(services)
    assert second.ticket is None
    assert tokens.identify(services, second.grant.access_token).user_id == ada.id
    assert (
        tokens.identify(services, grant.access_token).session
        != tokens.identify(services, second.grant.access_token).session
    )


def test_a_number_beyond_javascript_s_stays_exact(services):
    arrive(services, uid="9007199254740993")
    assert rows(services)[0].subject == "9007199254740993"


def test_a_disabled_account_is_not_let_in_by_this_door_either(services):
    ada = join(services)
    browser, arrival = arrive(services)
    weibo.bind_existing(services, arrival.ticket.token, browser.verifier, lambda: ada, DEVICE)
    accounts.disable(services, ada.id)
    browser, params = come_back(services)
    assert reason(weibo.arrive, services, params, browser.verifier, DEVICE) == "account-disabled"


# --- what is refused before the code is spent ------------------------------------------------------------


def test_another_browser_cannot_use_what_this_one_brought(services, world):
    _, params = come_back(services)
    assert reason(weibo.arrive, services, params, Browser().verifier, DEVICE) == "oauth-state-invalid"
    assert token_requests(world) == 0


def test_a_state_is_good_once_and_a_wrong_try_spends_it(services, world):
    browser, params = come_back(services)
    assert reason(weibo.arrive, services, params, "x" * 43, DEVICE) == "oauth-state-invalid"
    assert reason(weibo.arrive, services, params, browser.verifier, DEVICE) == "oauth-state-invalid"
    browser, params = come_back(services)
    assert weibo.arrive(services, params, browser.verifier, DEVICE).ticket
    assert reason(weibo.arrive, services, params, browser.verifier, DEVICE) == "oauth-state-invalid"
    assert token_requests(world) == 1


@pytest.mark.parametrize("missing", ["state", "code"])
def test_what_is_missing_fails_and_skips_nothing(services, world, missing):
    browser, params = come_back(services)
    del params[missing]
    expected = "oauth-state-invalid" if missing == "state" else "oauth-return-invalid"
    assert reason(weibo.arrive, services, params, browser.verifier, DEVICE) == expected
    assert token_requests(world) == 0


def test_a_state_of_nobody_s_is_refused(services, world):
    browser, params = come_back(services)
    params["state"] = oauth.new_secret()
    assert reason(weibo.arrive, services, params, browser.verifier, DEVICE) == "oauth-state-invalid"
    assert token_requests(world) == 0


def test_who_does_not_consent_is_not_logged_in(services, world):
    browser, params = come_back(services, action="cancel")
    assert params["error"] == "access_denied"
    assert reason(weibo.arrive, services, params, browser.verifier, DEVICE) == "oauth-denied"
    assert token_requests(world) == 0


def test_one_code_is_shown_to_weibo_once(services, world):
    browser, params = come_back(services)
    weibo.arrive(services, params, browser.verifier, DEVICE)
    departure = weibo.begin(services, browser.challenge)
    again = {"code": params["code"], "state": departure.state}
    assert reason(weibo.arrive, services, again, browser.verifier, DEVICE) == "oauth-code-rejected"
    assert token_requests(world) == 1


# --- what weibo may answer -------------------------------------------------------------------------------

ANSWERS = {
    "a used code": ({"endpoint": "access_token", "fault": "error", "row": "21325"}, "oauth-code-rejected"),
    "a wrong secret": ({"endpoint": "access_token", "fault": "error", "row": "21324-secret"}, "oauth-misconfigured"),
    "an overloaded provider": ({"endpoint": "access_token", "fault": "error", "row": "21331"}, "provider-unavailable"),
    "a gateway's HTML": ({"endpoint": "access_token", "fault": "html"}, "provider-unavailable"),
    "a redirect": ({"endpoint": "access_token", "fault": "redirect"}, "provider-answer"),
    "a cut connection": ({"endpoint": "access_token", "fault": "reset"}, "provider-unavailable"),
    "half an answer": ({"endpoint": "access_token", "fault": "truncated"}, "provider-answer"),
    "ten megabytes": ({"endpoint": "access_token", "fault": "large", "size": 10_000_000}, "provider-answer"),
    "a member twice": ({"endpoint": "access_token", "fault": "duplicate-keys", "member": "uid"}, "provider-answer"),
    "a token for another application": (
        {"endpoint": "get_token_info", "fault": "foreign-appkey"},
        "oauth-code-rejected",
    ),
    "a token that is over": ({"endpoint": "get_token_info", "fault": "expire-in", "value": 0}, "oauth-code-rejected"),
    "a token of somebody else": ({"endpoint": "get_token_info", "fault": "uid-mismatch"}, "provider-answer"),
    "a uid that is none": ({"endpoint": "get_token_info", "fault": "uid-type", "to": "null"}, "provider-answer"),
    "a rejected token": ({"endpoint": "get_token_info", "fault": "error", "row": "21317-info"}, "oauth-code-rejected"),
    "a profile of somebody else": ({"endpoint": "users_show", "fault": "uid-mismatch"}, "provider-answer"),
    "an application not approved": (
        {"endpoint": "users_show", "fault": "error", "row": "21321"},
        "oauth-misconfigured",
    ),
    "no profile for now": ({"endpoint": "users_show", "fault": "error", "row": "10001"}, "provider-unavailable"),
}


@pytest.mark.parametrize(("fault", "expected"), ANSWERS.values(), ids=ANSWERS)
def test_what_weibo_answers_wrongly_logs_nobody_in_and_is_asked_once(services, world, fault, expected):
    browser, params = come_back(services)
    faults(world, fault)
    assert reason(weibo.arrive, services, params, browser.verifier, DEVICE) == expected
    assert token_requests(world) == 1
    with services.db.read() as connection:
        assert connection.execute(select(users)).all() == []


@pytest.mark.parametrize("fault", ["surrogate-name", "nul-name"])
def test_a_name_that_is_no_text_greets_nobody_and_harms_nothing(services, world, fault):
    browser, params = come_back(services)
    faults(world, {"endpoint": "users_show", "fault": fault})
    try:
        arrival = weibo.arrive(services, params, browser.verifier, DEVICE)
    except Refused as error:
        assert error.reason == "provider-answer"
    else:
        assert arrival.ticket.name.isprintable()


def test_no_token_of_weibo_s_is_kept_anywhere(services, world, redis_server):
    arrive(services)
    token = next(iter(world.weibo.store._tokens)) if hasattr(world.weibo.store, "_tokens") else "2.00"
    with services.db.read() as connection:
        kept = [str(row) for table in (identities, users) for row in connection.execute(select(table)).all()]
    with redis_server.client() as client:
        kept += [str(client.get(key)) for key in client.scan_iter() if client.type(key) == b"string"]
    assert not any(token in text for text in kept)


# --- tickets ---------------------------------------------------------------------------------------------


def test_a_ticket_binds_once(services):
    ada = join(services)
    browser, arrival = arrive(services)
    ticket = arrival.ticket.token
    grant = weibo.bind_existing(services, ticket, browser.verifier, lambda: ada, DEVICE)
    assert tokens.identify(services, grant.access_token).user_id == ada.id
    assert reason(weibo.bind_existing, services, ticket, browser.verifier, lambda: ada, DEVICE) == "ticket-invalid"
    assert rows(services)[0].user_id == ada.id


def test_a_ticket_is_worth_nothing_in_another_browser(services):
    ada = join(services)
    browser, arrival = arrive(services)
    for verifier in (Browser().verifier, None, "", browser.challenge):
        assert (
            reason(weibo.bind_existing, services, arrival.ticket.token, verifier, lambda: ada, DEVICE)
            == "ticket-invalid"
        )


def test_a_ticket_has_five_tries(services):
    ada = join(services)
    browser, arrival = arrive(services)
    ticket = arrival.ticket.token

    def wrong():
        return accounts.authenticate(services, "ada", "wrong")

    for _ in range(5):
        assert reason(weibo.bind_existing, services, ticket, browser.verifier, wrong, DEVICE) == "invalid-credentials"
    assert reason(weibo.bind_existing, services, ticket, browser.verifier, lambda: ada, DEVICE) == "ticket-invalid"


def test_a_weibo_account_belongs_to_one_account(services):
    ada, eve = join(services), join(services, "eve")
    first_browser, first = arrive(services)
    second_browser, second = arrive(services)
    weibo.bind_existing(services, first.ticket.token, first_browser.verifier, lambda: ada, DEVICE)
    assert (
        reason(weibo.bind_existing, services, second.ticket.token, second_browser.verifier, lambda: eve, DEVICE)
        == "identity-taken"
    )
    assert rows(services)[0].user_id == ada.id


def test_an_account_has_one_weibo_account(services):
    ada = join(services)
    browser, first = arrive(services)
    weibo.bind_existing(services, first.ticket.token, browser.verifier, lambda: ada, DEVICE)
    browser, second = arrive(services, uid="9000000002")
    assert (
        reason(weibo.bind_existing, services, second.ticket.token, browser.verifier, lambda: ada, DEVICE)
        == "already-bound"
    )


NEW = {"username": "newcomer", "password": PASSWORD, "email": "new@example.org"}


def test_somebody_new_is_registered_bound_and_logged_in_at_once(services):
    browser, arrival = arrive(services)
    grant = weibo.bind_new(services, arrival.ticket.token, browser.verifier, NEW, "zh-CN", DEVICE)
    caller = tokens.identify(services, grant.access_token)
    row = accounts.profile(services, caller.user_id)
    assert (row.username, row.state, row.verified_email_key) == ("newcomer", "active", None)
    assert rows(services)[0].user_id == row.id


def test_an_address_that_somebody_proved_is_given_to_nobody_by_this_door(services):
    owner = join(services, "owner", "new@example.org")
    browser, arrival = arrive(services)
    grant = weibo.bind_new(services, arrival.ticket.token, browser.verifier, NEW, "en", DEVICE)
    assert tokens.identify(services, grant.access_token).user_id != owner.id


def test_what_is_wrong_with_the_new_account_leaves_nothing_behind_and_the_ticket_good(services):
    join(services, "newcomer")
    browser, arrival = arrive(services)
    ticket = arrival.ticket.token
    with pytest.raises(Invalid):
        weibo.bind_new(services, ticket, browser.verifier, NEW | {"password": "short"}, "en", DEVICE)
    assert reason(weibo.bind_new, services, ticket, browser.verifier, NEW, "en", DEVICE) == "username-taken"
    assert rows(services)[0].user_id is None
    assert weibo.bind_new(services, ticket, browser.verifier, NEW | {"username": "other"}, "en", DEVICE)
