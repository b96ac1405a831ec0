"""Logging in with an account elsewhere: Weibo, against the look-alike over real HTTP."""

import dataclasses
import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import select

from dada import oauth
from dada.problems import Invalid
from shop import accounts, federation, house, limits, outbox, tokens
from shop.errors import Refused
from shop.events import broken
from shop.limits import NOWHERE
from shop.tables import events, identities, sessions, users
from shop.tokens import Device
from tests.servers import PATIENCE
from tests.shop.people import PASSWORD, jobs, join, log_in, register, token_for
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
    grant = federation.bind_existing(services, "weibo", first.ticket.token, browser.verifier, lambda: ada, DEVICE)
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
    federation.bind_existing(services, "weibo", arrival.ticket.token, browser.verifier, lambda: ada, DEVICE)
    assert rows(services)[0].subject == "9007199254740993"


def test_a_disabled_account_is_not_let_in_by_this_door_either(services):
    ada = join(services)
    browser, arrival = arrive(services)
    federation.bind_existing(services, "weibo", arrival.ticket.token, browser.verifier, lambda: ada, DEVICE)
    accounts.disable(services, ada.id)
    browser, params = come_back(services)
    assert reason(federation.arrive, services, "weibo", params, browser.verifier, DEVICE) == "account-disabled"


def test_who_began_elsewhere_and_was_disabled_for_a_time_is_let_in_again_and_his_account_stays(services, clock):
    browser, arrival = arrive(services)
    federation.bind_new(services, "weibo", arrival.ticket.token, browser.verifier, NEW, "en", DEVICE)
    join(services, "newest")
    user_id = accounts.by_username(services, NEW["username"]).id
    accounts.disable(services, user_id)
    clock.advance(8 * 86400)
    accounts.enable(services, user_id)
    house.forget_expired(services)
    assert arrive(services)[1].grant.username == NEW["username"]


def test_a_disabling_does_not_let_who_gave_another_s_address_stay_when_that_one_proves_it(services):
    browser, arrival = arrive(services)
    federation.bind_new(services, "weibo", arrival.ticket.token, browser.verifier, NEW, "en", DEVICE)
    user_id = accounts.by_username(services, NEW["username"]).id
    accounts.disable(services, user_id)
    accounts.enable(services, user_id)
    accounts.activate(services, token_for(services, user_id))
    assert arrive(services)[1].grant is None
    assert reason(accounts.authenticate, services, NEW["username"], NEW["password"]) == "invalid-credentials"


def test_an_account_that_nobody_activated_is_not_activated_by_disabling_it_for_a_time(services):
    account = register(services)
    accounts.disable(services, account.id)
    accounts.enable(services, account.id)
    assert reason(accounts.authenticate, services, "ada", PASSWORD) == "account-not-activated"


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


def test_a_state_is_over_ten_minutes_after_the_browser_left(services, world, clock):
    browser, params = come_back(services)
    clock.advance(600)
    assert reason(federation.arrive, services, "weibo", params, browser.verifier, DEVICE) == "oauth-state-invalid"
    browser, params = come_back(services)
    clock.advance(599)
    assert federation.arrive(services, "weibo", params, browser.verifier, DEVICE).ticket
    assert token_requests(world) == 1


def test_what_a_browser_left_with_is_remembered_under_the_state_s_hash_for_ten_minutes(services, clock):
    services.redis.flushdb()
    ada, browser = caller(services), Browser()
    departure = federation.begin(services, "weibo", browser.challenge, binding=ada, return_to="/addresses")
    (key,) = services.redis.keys("oauth:*")
    assert key.decode() == f"oauth:{hashlib.sha256(departure.state.encode()).hexdigest()}"
    assert 590_000 < services.redis.pttl(key) <= 600_000
    assert json.loads(services.redis.get(key)) == {
        "provider": "weibo",
        "challenge": browser.challenge,
        "redirect_uri": "http://127.0.0.1:7000/callback/weibo.html",
        "purpose": f"bind {ada.user_id} {ada.session}",
        "verifier": "",
        "created_at": int(clock() * 1000),
        "return_to": "/addresses",
        "place": list(NOWHERE),
    }


def test_who_fills_the_store_with_states_is_stopped_where_addresses_are_not_counted_too(services):
    services.redis.flushdb()
    browser = Browser()
    departures = [federation.begin(services, "weibo", browser.challenge) for _ in range(600)]
    with pytest.raises(limits.TooMany) as caught:
        federation.begin(services, "weibo", browser.challenge)
    assert caught.value.standing.name == "oauth-open-all"
    back = {"state": departures[0].state, "error": "access_denied"}
    assert reason(federation.arrive, services, "weibo", back, browser.verifier, DEVICE) == "oauth-denied"
    assert federation.begin(services, "weibo", browser.challenge)


def test_where_a_browser_wanted_to_go_is_told_when_it_is_back(services):
    browser = Browser()
    departure = federation.begin(services, "weibo", browser.challenge, return_to="/addresses")
    params = browser.consent(departure.authorization_url)
    assert federation.arrive(services, "weibo", params, browser.verifier, DEVICE).return_to == "/addresses"


# --- what a browser left for -------------------------------------------------------------------------------


def caller(services, name="ada", agent="a browser"):
    """Join, or log in again, and return who is logged in."""
    if accounts.by_username(services, name) is None:
        join(services, name)
    return tokens.identify(services, log_in(services, name, agent=agent).access_token)


def come_back_for(services, leaving, uid="9000000001"):
    """Let a browser leave for *leaving*, who wants to bind (None: to log in), and come back."""
    browser = Browser()
    departure = federation.begin(services, "weibo", browser.challenge, binding=leaving)
    return browser, browser.consent(departure.authorization_url, uid)


def test_who_left_to_bind_gets_a_ticket_that_is_good_for_him_and_his_session_only(services):
    ada, elsewhere, eve = caller(services), caller(services, agent="another"), caller(services, "eve")
    browser, params = come_back_for(services, ada)
    arrival = federation.arrive(services, "weibo", params, browser.verifier, DEVICE, binding=ada)
    assert arrival.grant is None
    ticket = (services, "weibo", arrival.ticket.token, browser.verifier)
    mine = accounts.by_username(services, "ada")
    for other, account in ((None, mine), (elsewhere, mine), (eve, accounts.by_username(services, "eve"))):
        bind = (federation.bind_existing, *ticket, lambda account=account: account, DEVICE)
        assert reason(*bind, binding=other) == "ticket-invalid"
    assert reason(federation.bind_new, *ticket, NEW, "en", DEVICE) == "ticket-invalid"
    assert rows(services) == []
    assert federation.bind_existing(*ticket, lambda: mine, DEVICE, binding=ada)
    assert rows(services)[0].user_id == ada.user_id


ENDS = {
    "this one": lambda services, ada: tokens.end_session(services, ada.session),
    "all of them": lambda services, ada: tokens.end_all(services, ada.user_id),
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_a_session_that_ends_while_it_binds_leaves_its_thief_no_way_in(services, end):
    """Its owner ends it between the look at its token and the binding, which would have lasted."""
    ada = caller(services)
    browser, params = come_back_for(services, ada)
    arrival = federation.arrive(services, "weibo", params, browser.verifier, DEVICE, binding=ada)

    def prove():
        end(services, ada)
        return accounts.by_username(services, "ada")

    bind = (services, "weibo", arrival.ticket.token, browser.verifier, prove, DEVICE)
    assert reason(federation.bind_existing, *bind, binding=ada) == "session-ended"
    assert rows(services) == []


def test_a_session_cannot_end_between_the_last_look_at_it_and_its_binding(services, monkeypatch):
    """Whoever ends it then waits: after he is told that it ended, it binds nothing more."""
    ada = caller(services)
    browser, params = come_back_for(services, ada)
    arrival = federation.arrive(services, "weibo", params, browser.verifier, DEVICE, binding=ada)
    free, put = [], outbox.put

    def look(*given, **told):  # called after the look at the session, before the binding is there for others
        its_row = select(sessions.c.id).where(sessions.c.id == ada.session).with_for_update(skip_locked=True)
        if services.settings.database_url.startswith("mysql"):  # in SQLite one writes at a time
            with services.db.write() as another:
                free.extend(another.execute(its_row).all())
        put(*given, **told)

    monkeypatch.setattr(outbox, "put", look)
    bind = (services, "weibo", arrival.ticket.token, browser.verifier, lambda: accounts.by_username(services, "ada"))
    assert federation.bind_existing(*bind, DEVICE, binding=ada)
    assert (free, len(rows(services))) == ([], 1)


SWAPS = {
    "a way that was for logging in, taken for binding": (None, "ada"),
    "a way that was for binding, taken for logging in": ("ada", None),
    "a way that was for binding to another": ("eve", "ada"),
    "a way that was for binding in another session": ("ada", "ada again"),
}


@pytest.mark.parametrize(("left", "back"), SWAPS.values(), ids=SWAPS)
def test_a_browser_comes_back_for_what_it_left_for_and_as_who_it_left(services, world, left, back):
    people = {None: None, "ada": caller(services), "ada again": caller(services), "eve": caller(services, "eve")}
    browser, params = come_back_for(services, people[left])
    arrived = (federation.arrive, services, "weibo", params, browser.verifier, DEVICE)
    assert reason(*arrived, binding=people[back]) == "oauth-state-invalid"
    assert (token_requests(world), rows(services)) == (0, [])
    assert reason(*arrived, binding=people[left]) == "oauth-state-invalid"  # the state is spent all the same


def test_who_came_to_bind_what_is_bound_is_logged_in_as_nobody(services):
    ada, eve = caller(services), caller(services, "eve")
    browser, first = arrive(services)
    federation.bind_existing(
        services, "weibo", first.ticket.token, browser.verifier, lambda: accounts.by_username(services, "ada"), DEVICE
    )
    for who, expected in ((eve, "identity-taken"), (ada, "already-bound")):
        browser, params = come_back_for(services, who)
        arrived = (federation.arrive, services, "weibo", params, browser.verifier, DEVICE)
        before = len(tokens.sessions_of(services, ada.user_id, ""))
        assert reason(*arrived, binding=who) == expected
        assert len(tokens.sessions_of(services, ada.user_id, "")) == before
    assert [row.user_id for row in rows(services)] == [ada.user_id]


# --- what is told of it ------------------------------------------------------------------------------------


def happened(services):
    """Return kind, outcome and flow of every event of a log-in elsewhere."""
    with services.db.read() as connection:
        found = connection.execute(select(events).order_by(events.c.id)).all()
    return [(row.kind, row.outcome, row.flow) for row in found if row.flow]


def flow_of(params):
    return ".".join(hashlib.sha256(params[name].encode()).hexdigest()[:8] for name in ("state", "code"))


def test_every_way_that_an_arrival_ends_is_told_by_the_first_digits_of_hashes_only(services, caplog):
    ada = join(services)
    browser, params = come_back(services)
    arrival = federation.arrive(services, "weibo", params, browser.verifier, DEVICE)
    flow = flow_of(params)
    ticket = (services, "weibo", arrival.ticket.token)
    assert reason(federation.bind_existing, *ticket, Browser().verifier, lambda: ada, DEVICE) == "ticket-invalid"
    federation.bind_existing(*ticket, browser.verifier, lambda: ada, DEVICE)
    told = [("ticket", "ok", flow), ("bind", "ticket-invalid", flow), ("bind", "ok", flow)]
    assert happened(services) == told

    assert reason(federation.arrive, services, "weibo", params, browser.verifier, DEVICE) == "oauth-state-invalid"
    told.append(("login", "oauth-state-invalid", flow))
    browser, params = come_back(services)
    federation.arrive(services, "weibo", params, browser.verifier, DEVICE)
    told.append(("login", "ok", flow_of(params)))
    browser, denied = come_back(services, action="cancel")
    assert reason(federation.arrive, services, "weibo", denied, browser.verifier, DEVICE) == "oauth-denied"
    told.append(("login", "oauth-denied", hashlib.sha256(denied["state"].encode()).hexdigest()[:8]))
    who = caller(services)
    _, foreign = come_back_for(services, None)
    binding = {"binding": who}
    assert reason(federation.arrive, services, "weibo", foreign, "x" * 43, DEVICE, **binding) == "oauth-state-invalid"
    told.append(("bind", "oauth-state-invalid", flow_of(foreign)))
    assert happened(services) == told

    assert list(broken(services.db, services.settings.lasting_secret)) == []
    secrets = [params["state"], params["code"], denied["state"], browser.verifier, arrival.ticket.token]
    with services.db.read() as connection:
        kept = str(connection.execute(select(events)).all())
    assert f"a browser leaves for weibo, flow {flow[:8]}" in caplog.text
    assert not [secret for secret in secrets if secret in kept or secret in caplog.text]


def test_whoever_changes_the_flow_of_an_event_breaks_the_chain_there(services):
    arrive(services)
    with services.db.write() as tx:
        number = tx.execute(select(events.c.id).where(events.c.kind == "ticket")).scalar_one()
        tx.execute(events.update().where(events.c.id == number).values(flow=""))
    assert [place.id for place in broken(services.db, services.settings.lasting_secret)] == [number]


def test_who_is_on_call_hears_that_the_provider_refuses_us(services, world, caplog):
    browser, params = come_back(services)
    faults(world, {"endpoint": "access_token", "fault": "error", "row": "21324-secret"})
    assert reason(federation.arrive, services, "weibo", params, browser.verifier, DEVICE) == "oauth-code-rejected"
    alerts = [record for record in caplog.records if record.levelname == "ERROR"]
    assert [(record.name, record.getMessage()) for record in alerts] == [
        ("shop.federation", "weibo refuses a request of ours, with status 401")
    ]


# --- tickets ---------------------------------------------------------------------------------------------


def test_a_ticket_binds_once(services):
    ada = join(services)
    browser, arrival = arrive(services)
    ticket = arrival.ticket.token
    grant = federation.bind_existing(services, "weibo", ticket, browser.verifier, lambda: ada, DEVICE)
    assert tokens.identify(services, grant.access_token).user_id == ada.id
    assert (
        reason(federation.bind_existing, services, "weibo", ticket, browser.verifier, lambda: ada, DEVICE)
        == "ticket-invalid"
    )
    assert rows(services)[0].user_id == ada.id


def test_a_ticket_is_worth_nothing_in_another_browser(services):
    """Who has it without the secret gets nothing, and takes from its owner no more than tries."""
    ada = join(services)
    browser, arrival = arrive(services)
    bind = (services, "weibo", arrival.ticket.token)
    for wrong in (Browser().verifier, None, "", browser.challenge):
        assert reason(federation.bind_existing, *bind, wrong, lambda: ada, DEVICE) == "ticket-invalid"
    assert federation.bind_existing(*bind, browser.verifier, lambda: ada, DEVICE)


def test_a_ticket_of_one_provider_is_worth_nothing_at_the_door_of_another(services):
    """Or a page would say that it binds an account there, and bind one elsewhere."""
    ada = join(services)
    browser, arrival = arrive(services)
    other = dataclasses.replace(services.providers["weibo"].client, name="octopus")
    two = {**services.providers, "octopus": dataclasses.replace(services.providers["weibo"], client=other)}
    shop = dataclasses.replace(services, providers=two)
    ticket = (arrival.ticket.token, browser.verifier)
    assert reason(federation.bind_existing, shop, "octopus", *ticket, lambda: ada, DEVICE) == "ticket-invalid"
    assert reason(federation.bind_new, shop, "octopus", *ticket, NEW, "en", DEVICE) == "ticket-invalid"
    assert reason(federation.bind_existing, shop, "nowhere", *ticket, lambda: ada, DEVICE) == "not-found"
    assert rows(services) == []
    assert federation.bind_existing(shop, "weibo", *ticket, lambda: ada, DEVICE)


def test_a_ticket_that_was_shown_in_other_browsers_five_times_is_over(services):
    ada = join(services)
    browser, arrival = arrive(services)
    for verifier in [*(Browser().verifier for _ in range(5)), browser.verifier]:
        bind = (services, "weibo", arrival.ticket.token, verifier, lambda: ada, DEVICE)
        assert reason(federation.bind_existing, *bind) == "ticket-invalid"


def test_a_ticket_is_over_ten_minutes_after_it_was_given_however_often_it_was_tried(services, clock):
    ada = join(services)
    browser, arrival = arrive(services)

    def wrong():
        raise Refused("invalid-credentials")

    bind = (federation.bind_existing, services, "weibo", arrival.ticket.token, browser.verifier)
    clock.advance(599)
    assert reason(*bind, wrong, DEVICE) == "invalid-credentials"
    (key,) = services.redis.keys("ticket:*")
    assert services.redis.pttl(key) <= 1000
    clock.advance(1)
    assert reason(*bind, lambda: ada, DEVICE) == "ticket-invalid"


def test_who_was_proved_before_the_password_changed_binds_nothing(services):
    join(services)
    proved = accounts.authenticate(services, "ada", PASSWORD)
    browser, arrival = arrive(services)

    def prove():
        accounts.change_password(services, proved.id, PASSWORD, "a brand new one")
        return proved

    assert reason(
        federation.bind_existing, services, "weibo", arrival.ticket.token, browser.verifier, prove, DEVICE
    ) == ("session-ended")
    assert rows(services) == []


def test_a_ticket_has_five_tries(services):
    ada = join(services)
    browser, arrival = arrive(services)
    ticket = arrival.ticket.token

    def wrong():
        return accounts.authenticate(services, "ada", "wrong")

    for _ in range(5):
        assert (
            reason(federation.bind_existing, services, "weibo", ticket, browser.verifier, wrong, DEVICE)
            == "invalid-credentials"
        )
    assert (
        reason(federation.bind_existing, services, "weibo", ticket, browser.verifier, lambda: ada, DEVICE)
        == "ticket-invalid"
    )


def test_a_weibo_account_belongs_to_one_account(services):
    ada, eve = join(services), join(services, "eve")
    first_browser, first = arrive(services)
    second_browser, second = arrive(services)
    federation.bind_existing(services, "weibo", first.ticket.token, first_browser.verifier, lambda: ada, DEVICE)
    assert (
        reason(
            federation.bind_existing,
            services,
            "weibo",
            second.ticket.token,
            second_browser.verifier,
            lambda: eve,
            DEVICE,
        )
        == "identity-taken"
    )
    assert rows(services)[0].user_id == ada.id


def test_an_account_has_one_weibo_account(services):
    ada = join(services)
    browser, first = arrive(services)
    federation.bind_existing(services, "weibo", first.ticket.token, browser.verifier, lambda: ada, DEVICE)
    browser, second = arrive(services, uid="9000000002")
    assert (
        reason(federation.bind_existing, services, "weibo", second.ticket.token, browser.verifier, lambda: ada, DEVICE)
        == "already-bound"
    )


NEW = {"username": "newcomer", "password": PASSWORD, "email": "new@example.org"}


def test_somebody_new_is_registered_bound_and_logged_in_at_once(services):
    browser, arrival = arrive(services)
    grant = federation.bind_new(services, "weibo", arrival.ticket.token, browser.verifier, NEW, "zh-CN", DEVICE)
    caller = tokens.identify(services, grant.access_token)
    row = accounts.profile(services, caller.user_id)
    assert (row.username, row.state, row.verified_email_key) == ("newcomer", "active", None)
    assert rows(services)[0].user_id == row.id


def test_an_address_that_somebody_proved_is_given_to_nobody_by_this_door(services):
    owner = join(services, "owner", "new@example.org")
    browser, arrival = arrive(services)
    grant = federation.bind_new(services, "weibo", arrival.ticket.token, browser.verifier, NEW, "en", DEVICE)
    assert tokens.identify(services, grant.access_token).user_id != owner.id


def test_what_is_wrong_with_the_new_account_leaves_nothing_behind_and_the_ticket_good(services):
    join(services, "newcomer")
    browser, arrival = arrive(services)
    ticket = arrival.ticket.token
    with pytest.raises(Invalid):
        federation.bind_new(services, "weibo", ticket, browser.verifier, NEW | {"password": "short"}, "en", DEVICE)
    assert (
        reason(federation.bind_new, services, "weibo", ticket, browser.verifier, NEW, "en", DEVICE) == "username-taken"
    )
    assert rows(services) == []
    assert federation.bind_new(services, "weibo", ticket, browser.verifier, NEW | {"username": "other"}, "en", DEVICE)


# --- what is bound ---------------------------------------------------------------------------------------


def bound(services):
    """Let ada have a Weibo account, and return hers."""
    ada = join(services)
    browser, arrival = arrive(services)
    federation.bind_existing(services, "weibo", arrival.ticket.token, browser.verifier, lambda: ada, DEVICE)
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
    "temporarily_unavailable": "oauth-return-invalid",
    "server_error": "oauth-return-invalid",
    "what is no error of the standard's": "oauth-return-invalid",
    "unauthorized_client": "oauth-return-invalid",
    "invalid_scope": "oauth-return-invalid",
}


@pytest.mark.parametrize(("error", "expected"), ERRORS.items(), ids=ERRORS)
def test_what_the_provider_says_is_told_as_what_it_is(services, error, expected):
    browser = Browser()
    departure = federation.begin(services, "weibo", browser.challenge)
    params = {"error": error, "state": departure.state}
    assert reason(federation.arrive, services, "weibo", params, browser.verifier, DEVICE) == expected


def _outcome(call, *arguments):
    try:
        call(*arguments)
    except Refused as error:
        return error.reason
    return "done"


@pytest.mark.parametrize("uid", [f"900000000{number}" for number in range(1, 4)])
def test_two_who_bind_one_identity_at_once_wait_for_each_other_and_one_gets_it(services, uid):
    """One with an account, one who registers: each takes its locks in the same order (`accounts.lock`)."""
    ada = join(services, "ada")
    (first, mine), (second, hers) = arrive(services, uid=uid), arrive(services, uid=uid)
    new = {"username": "eve", "password": PASSWORD, "email": "eve@example.org"}
    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(
            _outcome,
            federation.bind_existing,
            services,
            "weibo",
            mine.ticket.token,
            first.verifier,
            lambda: ada,
            DEVICE,
        )
        two = pool.submit(
            _outcome, federation.bind_new, services, "weibo", hers.ticket.token, second.verifier, new, "en", DEVICE
        )
    assert sorted([one.result(), two.result()]) == ["done", "identity-taken"]


# --- several at once ---------------------------------------------------------------------------------------


def at_once(call, *every):
    """Call with each of *every*, all at the same moment; return what came of each: "done", or the reason."""
    ready = Barrier(len(every))

    def one(given):
        ready.wait(PATIENCE)
        return _outcome(call, *given)

    with ThreadPoolExecutor(len(every)) as pool:
        return sorted(pool.map(one, every))


def test_one_return_that_comes_eight_times_at_once_spends_one_code(services, world):
    browser, params = come_back(services)
    came = at_once(federation.arrive, *[(services, "weibo", params, browser.verifier, DEVICE)] * 8)
    assert came == ["done", *["oauth-state-invalid"] * 7]
    assert token_requests(world) == 1


def test_one_code_that_comes_with_eight_states_at_once_is_shown_once(services, world):
    browser, params = come_back(services)
    states = [federation.begin(services, "weibo", browser.challenge).state for _ in range(8)]
    returns = [
        (services, "weibo", {"state": state, "code": params["code"]}, browser.verifier, DEVICE) for state in states
    ]
    assert at_once(federation.arrive, *returns) == ["done", *["oauth-code-rejected"] * 7]
    assert token_requests(world) == 1


def test_one_ticket_that_is_used_eight_times_at_once_binds_once(services):
    ada = join(services)
    browser, arrival = arrive(services)
    bind = (services, "weibo", arrival.ticket.token, browser.verifier, lambda: ada, DEVICE)
    assert at_once(federation.bind_existing, *[bind] * 8) == ["done", *["ticket-invalid"] * 7]
    assert len(rows(services)) == 1


def test_guesses_by_one_ticket_at_once_are_five_at_most(services):
    join(services)
    browser, arrival = arrive(services)
    guesses = []

    def guess():
        guesses.append(1)
        raise Refused("invalid-credentials")

    bind = (services, "weibo", arrival.ticket.token, browser.verifier, guess, DEVICE)
    for _ in range(3):
        at_once(federation.bind_existing, *[bind] * 6)
    assert len(guesses) <= federation.TRIES


def test_of_six_who_bind_one_identity_at_once_one_gets_it(services):
    binds = []
    for number in range(6):
        account = join(services, f"user{number}")
        browser, arrival = arrive(services)
        binds.append(
            (services, "weibo", arrival.ticket.token, browser.verifier, lambda account=account: account, DEVICE)
        )
    assert at_once(federation.bind_existing, *binds) == ["done", *["identity-taken"] * 5]
    assert len(rows(services)) == 1


def test_of_two_identities_that_one_account_binds_at_once_it_gets_one(services):
    ada, binds = join(services), []
    for uid in ("9000000001", "9000000002"):
        browser, arrival = arrive(services, uid=uid)
        binds.append((services, "weibo", arrival.ticket.token, browser.verifier, lambda: ada, DEVICE))
    assert at_once(federation.bind_existing, *binds) == ["already-bound", "done"]
    assert len(rows(services)) == 1


def test_two_who_each_take_away_one_of_two_last_ways_leave_one(services):
    ada = bound(services)
    others = {**services.providers, "octopus": services.providers["weibo"]}
    services = dataclasses.replace(services, providers=others)
    with services.db.write() as tx:
        tx.execute(users.update().where(users.c.id == ada.id).values(password_hash=None))
        row = {"provider": "octopus", "subject": "7", "user_id": ada.id, "created_at": 1, "bound_at": 1}
        tx.execute(identities.insert().values(row))
    unbinds = [(services, ada.id, provider) for provider in ("weibo", "octopus")]
    assert at_once(federation.unbind, *unbinds) == ["done", "last-login-method"]
    assert len(rows(services)) == 1


def test_one_who_binds_what_another_takes_away_at_that_moment_waits_or_is_refused(services):
    ada, eve = bound(services), join(services, "eve")
    with services.db.write() as tx:  # what is held: the ticket was given before it was bound
        tx.execute(identities.delete())
    browser, arrival = arrive(services)
    with services.db.write() as tx:
        row = {"provider": "weibo", "subject": "9000000001", "user_id": ada.id, "created_at": 1, "bound_at": 1}
        tx.execute(identities.insert().values(row))
    calls = (
        (federation.unbind, services, ada.id, "weibo"),
        (federation.bind_existing, services, "weibo", arrival.ticket.token, browser.verifier, lambda: eve, DEVICE),
    )
    came = at_once(lambda call, *given: call(*given), *calls)
    assert (came, [row.user_id for row in rows(services)]) in [
        (["done", "done"], [eve.id]),
        (["done", "identity-taken"], []),
    ]
