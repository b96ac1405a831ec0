"""/v1/users/weibo, against the look-alike over real HTTP."""

import dataclasses
import json
import re
from pathlib import Path
from typing import get_args
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import select

from dada import oauth
from dada.testing import Client
from handlers.federation import ReturnTo
from sandbox.weibo_errors import ROWS
from sandbox.weibo_faults import KINDS
from shop.providers import read_descriptions
from shop.services import providers_of
from shop.tables import identities, one_time_tokens, outbox, sessions, users
from tests.conftest import PAGE
from tests.handlers.description import CheckedClient
from tests.handlers.people import PASSWORD, Person, join
from tests.servers import wait_until
from tests.shop.other_provider import OtherProvider
from tests.shop.weibo_browser import Browser, faults, forget_requests, token_requests
from wsgi import make_app


@pytest.fixture(autouse=True)
def _fresh(world):
    forget_requests(world)


def leave(api, browser):
    response = api(
        "GET", f"/v1/users/weibo/authorization?code_challenge={browser.challenge}&code_challenge_method=S256"
    )
    assert (response.status, response.json.keys()) == (200, {"authorization_url", "state"})
    return response.json["authorization_url"]


def arrive(api, browser, params):
    return api("POST", "/v1/users/weibo/users", {**params, "verifier": browser.verifier})


def come_back(api, uid="9000000001", action="allow"):
    browser = Browser()
    return browser, browser.consent(leave(api, browser), uid, action)


def ticket(api, uid="9000000001"):
    browser, params = come_back(api, uid)
    answer = arrive(api, browser, params)
    assert answer.json["status"] == "unbound"
    return {"ticket": answer.json["ticket"], "verifier": browser.verifier}


def test_the_first_time_one_is_asked_to_bind_or_register_and_the_second_time_let_in(api, services):
    join(services, api)
    browser, params = come_back(api)
    first = arrive(api, browser, params)
    assert first.status == 200
    assert first.json.keys() == {"status", "ticket", "expires_in", "weibo"}
    assert (first.json["status"], first.json["weibo"]["screen_name"]) == ("unbound", "林小满")
    bound = api("POST", "/v1/users/weibo/bindings", {
        "ticket": first.json["ticket"], "verifier": browser.verifier, "username": "ada", "password": PASSWORD,
    })  # fmt: skip
    assert (bound.status, bound.json["status"]) == (200, "logged_in")
    assert Person(api, bound.json)("GET", "/v1/users/ada").status == 200
    browser, params = come_back(api)
    second = arrive(api, browser, params)
    assert (second.json["status"], second.json["username"]) == ("logged_in", "ada")


def test_the_query_will_do_for_lessons(api):
    browser, params = come_back(api)
    query = f"code={params['code']}&state={params['state']}&verifier={browser.verifier}"
    assert api("GET", f"/v1/users/weibo/users?{query}").json["status"] == "unbound"


def test_looking_at_the_return_by_head_spends_neither_state_nor_code(api, world):
    browser, params = come_back(api)
    query = f"code={params['code']}&state={params['state']}&verifier={browser.verifier}"
    looked = api("HEAD", f"/v1/users/weibo/users?{query}")
    assert (looked.status, token_requests(world)) == (400, 0)
    assert arrive(api, browser, params).json["status"] == "unbound"


def test_outside_the_sandbox_the_return_is_taken_by_post_only(services):
    settings = dataclasses.replace(services.settings, oauth_return_by_get=False)
    api = Client(make_app(dataclasses.replace(services, settings=settings)), {"Origin": PAGE})
    browser, params = come_back(api)
    query = f"code={params['code']}&state={params['state']}&verifier={browser.verifier}"
    for path in ("/v1/users/weibo/users", "/v1/users/oauth/weibo/users"):
        for method in ("GET", "HEAD"):
            refused = api(method, f"{path}?{query}")
            assert (refused.status, refused.header("Allow")) == (405, "OPTIONS, POST")
        assert api("OPTIONS", path).header("Allow") == "OPTIONS, POST"
        assert "get" not in api("GET", "/openapi.json").json["paths"][path.replace("oauth/weibo", "oauth/{provider}")]
    assert arrive(api, browser, params).json["status"] == "unbound"


def test_a_page_that_cannot_hash_is_given_a_secret(api):
    response = api("GET", "/v1/users/weibo/authorization")
    verifier = response.json["flow_secret"]
    browser = Browser()
    params = browser.consent(response.json["authorization_url"])
    assert api("POST", "/v1/users/weibo/users", {**params, "verifier": verifier}).json["status"] == "unbound"


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("code_challenge=x", 400, "oauth-return-invalid"),
        (f"code_challenge={'a' * 43}&code_challenge_method=plain", 422, "validation"),
    ],
)
def test_a_challenge_that_is_none_or_plain_is_refused(api, query, status, code):
    response = api("GET", f"/v1/users/weibo/authorization?{query}")
    assert (response.status, response.json["code"]) == (status, code)


def test_who_does_not_consent_hears_403(api):
    browser, params = come_back(api, action="cancel")
    answer = arrive(api, browser, {name: params[name] for name in ("error", "state")})
    assert (answer.status, answer.json["code"]) == (403, "oauth-denied")


def test_another_browser_or_a_second_time_hears_400(api):
    browser, params = come_back(api)
    stolen = api("POST", "/v1/users/weibo/users", {**params, "verifier": oauth.new_secret()})
    assert (stolen.status, stolen.json["code"]) == (400, "oauth-state-invalid")
    assert arrive(api, browser, params).status == 400


POLLUTED = {
    "no state": ({"code": "c"}, "oauth-state-invalid"),
    "an empty state": ({"state": "", "code": "c"}, "oauth-state-invalid"),
    "two states": ({"state": ["STATE", "STATE"], "code": "c"}, "oauth-return-invalid"),
    "a state that is a number": ({"state": 7, "code": "c"}, "oauth-return-invalid"),
    "a state that is nothing": ({"state": None, "code": "c"}, "oauth-return-invalid"),
    "a state as long as a book": ({"state": "s" * 2000, "code": "c"}, "oauth-return-invalid"),
    "a state with a line end": ({"state": "STATE\r\n", "code": "c"}, "oauth-state-invalid"),
    "no code": ({"state": "STATE"}, "oauth-return-invalid"),
    "an empty code": ({"state": "STATE", "code": ""}, "oauth-return-invalid"),
    "two codes": ({"state": "STATE", "code": ["c", "d"]}, "oauth-return-invalid"),
    "a code of 513 characters": ({"state": "STATE", "code": "c" * 513}, "oauth-return-invalid"),
    "a code as long as a book": ({"state": "STATE", "code": "c" * 2000}, "oauth-return-invalid"),
    "a code with a line end": ({"state": "STATE", "code": "c\r\nX-Evil: 1"}, "oauth-return-invalid"),
    "a code with a blank": ({"state": "STATE", "code": "c d"}, "oauth-return-invalid"),
    "a code that is not ASCII": ({"state": "STATE", "code": "é"}, "oauth-return-invalid"),
    "an error that is an object": ({"state": "STATE", "error": {}}, "oauth-return-invalid"),
}


@pytest.mark.parametrize(("members", "code"), POLLUTED.values(), ids=POLLUTED)
def test_parameters_that_are_missing_twice_too_long_or_foreign_are_400_and_ask_nobody(api, world, members, code):
    browser = Browser()
    state = parse_qs(urlsplit(leave(api, browser)).query)["state"][0]
    put_in = json.loads(json.dumps(members).replace("STATE", state))
    refused = api("POST", "/v1/users/weibo/users", put_in | {"verifier": browser.verifier})
    assert (refused.status, refused.json["code"], token_requests(world)) == (400, code, 0)


def test_a_member_or_a_parameter_that_stands_there_twice_is_400(api, world):
    browser, params = come_back(api)
    twice = (
        f'{{"state": "{params["state"]}", "code": "c", "code": "{params["code"]}", "verifier": "{browser.verifier}"}}'
    )
    assert api("POST", "/v1/users/weibo/users", raw=twice.encode()).status == 400
    query = f"code=c&code={params['code']}&state={params['state']}&verifier={browser.verifier}"
    assert api("GET", f"/v1/users/weibo/users?{query}").status == 400
    assert token_requests(world) == 0


@pytest.mark.parametrize(
    "error", ["server_error", "temporarily_unavailable", "invalid_scope", "<script>alert(1)</script>"]
)
def test_what_the_provider_says_went_wrong_is_400_and_not_repeated(api, services, error):
    browser = Browser()
    state = parse_qs(urlsplit(leave(api, browser)).query)["state"][0]
    told = {"state": state, "error": error}
    refused = arrive(api, browser, told)
    assert (refused.status, refused.json["code"]) == (400, "oauth-return-invalid")
    assert b"script" not in refused.body
    assert arrive(api, browser, told).json["code"] == "oauth-state-invalid"  # it was spent by then


# --- where the page leads afterwards --------------------------------------------------------------------------


def test_where_the_page_wants_to_go_comes_back_with_the_ticket_and_with_the_session(api, services):
    ada = join(services, api)
    for status in ("unbound", "logged_in"):
        browser = Browser()
        path = f"/v1/users/weibo/authorization?code_challenge={browser.challenge}&return_to=/addresses"
        params = browser.consent(api("GET", path).json["authorization_url"])
        answer = arrive(api, browser, params)
        assert (answer.json["status"], answer.json["return_to"]) == (status, "/addresses")
        if status == "unbound":
            bind = {"ticket": answer.json["ticket"], "verifier": browser.verifier}
            assert ada("POST", "/v1/users/weibo/bindings", bind).status == 200


@pytest.mark.parametrize("elsewhere", [
    "https://evil.example", "//evil.example", "/\\evil.example", "/account%0d%0aLocation:x", "javascript:alert(1)",
    "/account/../..//evil.example", "/Account", "",
])  # fmt: skip
def test_nobody_is_led_to_where_a_stranger_s_link_says(api, services, elsewhere):
    services.redis.flushdb()
    refused = api("GET", f"/v1/users/weibo/authorization?return_to={elsewhere}")
    assert (refused.status, refused.json["code"]) == (422, "validation")
    assert services.redis.keys("oauth:*") == []


# --- binding by who is logged in --------------------------------------------------------------------------------


def leave_to_bind(who, browser):
    return who("GET", f"/v1/users/weibo/authorization?code_challenge={browser.challenge}&purpose=bind")


def come_back_to_bind(who, uid="9000000001"):
    browser = Browser()
    return browser, browser.consent(leave_to_bind(who, browser).json["authorization_url"], uid)


def test_who_is_logged_in_leaves_to_bind_comes_back_and_binds(api, services):
    ada = join(services, api)
    browser, params = come_back_to_bind(ada)
    told = params | {"verifier": browser.verifier, "purpose": "bind"}
    back = ada("POST", "/v1/users/weibo/users", told)
    assert (back.status, back.json["status"]) == (200, "unbound")
    bind = {"ticket": back.json["ticket"], "verifier": browser.verifier}
    by_password = bind | {"username": "ada", "password": PASSWORD}
    assert api("POST", "/v1/users/weibo/bindings", by_password).json["code"] == "ticket-invalid"
    assert ada("POST", "/v1/users/weibo/bindings", bind).status == 200
    browser, params = come_back(api, "9000000001")
    assert arrive(api, browser, params).json["status"] == "logged_in"


def test_only_who_proved_himself_lately_leaves_to_bind(api, services, clock):
    ada, browser = join(services, api), Browser()
    anonymous = api("GET", f"/v1/users/weibo/authorization?code_challenge={browser.challenge}&purpose=bind")
    assert (anonymous.status, anonymous.json["code"]) == (401, "unauthorized")
    clock.advance(301)
    late = leave_to_bind(ada, browser)
    assert (late.status, late.json["code"]) == (403, "reauth-failed")
    (event,) = ada("GET", "/v1/users/ada/events?limit=1").json["items"]
    assert (event["kind"], event["outcome"], event["by_me"]) == ("bind", "reauth-failed", True)


def test_a_way_back_for_binding_is_no_log_in_and_the_reverse(api, services, world):
    """A link that ends a bind as a log-in, or a log-in as a bind, would make one account another's."""
    ada, eve = join(services, api), join(services, api, "eve")
    ways = {
        "a bind taken for a log-in": (come_back_to_bind(ada), api, {}),
        "a bind taken for a log-in, with the token": (come_back_to_bind(ada), ada, {}),
        "a log-in taken for a bind": (come_back(api), ada, {"purpose": "bind"}),
        "a bind of somebody else's": (come_back_to_bind(ada), eve, {"purpose": "bind"}),
    }
    for (browser, params), who, more in ways.values():
        refused = who("POST", "/v1/users/weibo/users", params | {"verifier": browser.verifier} | more)
        assert (refused.status, refused.json["code"]) == (400, "oauth-state-invalid")
    browser, params = come_back_to_bind(ada)
    nobody = api("POST", "/v1/users/weibo/users", params | {"verifier": browser.verifier, "purpose": "bind"})
    assert (nobody.status, token_requests(world)) == (401, 0)


def test_a_token_that_one_brings_to_a_log_in_is_not_looked_at(api, services):
    """Who had somebody's session before does not keep it by a log-in: it is a new one (session fixation)."""
    ada, eve = join(services, api), join(services, api, "eve")
    assert ada("POST", "/v1/users/weibo/bindings", ticket(api)).status == 200
    browser, params = come_back(api)
    answer = eve("POST", "/v1/users/weibo/users", params | {"verifier": browser.verifier})
    assert answer.json["username"] == "ada"
    assert answer.json["refresh_token"] not in (ada.refresh, eve.refresh)
    browser, params = come_back(api)
    nonsense = {"Authorization": "Bearer no.good.token"}
    answer = api("POST", "/v1/users/weibo/users", params | {"verifier": browser.verifier}, nonsense)
    assert answer.json["username"] == "ada"


def test_a_binding_that_another_sends_again_with_its_key_gets_nobody_s_tokens(api, services):
    """Ticket, verifier and key are in the body and the head: what makes it ada's is her token."""
    ada, eve = join(services, api), join(services, api, "eve")
    same = {"method": "POST", "path": "/v1/users/weibo/bindings", "body": ticket(api), "Idempotency_Key": '"one"'}
    assert ada(**same).status == 200
    again = ada(**same)
    assert (again.status, again.header("Idempotency-Replayed"), again.json["username"]) == (200, "true", "ada")
    assert eve(**same).json["code"] == "ticket-invalid"
    nobody = api(same["method"], same["path"], same["body"], {"Idempotency-Key": '"one"'})
    assert (nobody.status, nobody.json["code"]) == (401, "unauthorized")


def test_guesses_through_the_binding_and_through_the_log_in_are_counted_together(api, services):
    join(services, api)
    for number in range(5):
        guess = {"username": "ada", "password": f"wrong {number}"}
        if number % 2:
            assert api("POST", "/v1/tokens", guess).status == 401
        else:
            assert api("POST", "/v1/users/weibo/bindings", ticket(api) | guess).status == 401
    right = {"username": "ada", "password": PASSWORD}
    locked = api("POST", "/v1/users/weibo/bindings", ticket(api) | right)
    assert (locked.status, locked.json["code"]) == (429, "quota-exceeded")
    with services.db.read() as connection:
        assert connection.execute(select(identities)).all() == []


def test_nothing_here_redirects_or_a_browser_might_send_a_body_on(api):
    told = api("GET", "/openapi.json").json["paths"]
    statuses = {
        status for path in told.values() for one in path.values() if "responses" in one for status in one["responses"]
    }
    assert {status for status in statuses if status.startswith("3")} <= {"304"}


def test_no_answer_of_a_flow_is_kept_by_anybody(api):
    browser, params = come_back(api)
    left = api("GET", f"/v1/users/weibo/authorization?code_challenge={browser.challenge}")
    back = arrive(api, browser, params)
    assert {left.header("Cache-Control"), back.header("Cache-Control")} == {"no-store"}


def test_the_return_s_members_are_known_ones(api):
    assert api("POST", "/v1/users/weibo/users", {"code": "x", "uid": "1"}).status == 422


def test_somebody_new_is_registered_and_bound(api):
    new = {"username": "newcomer", "password": PASSWORD, "email": "new@example.org"}
    bound = api("POST", "/v1/users/weibo/bindings", ticket(api) | {"register": new})
    assert (bound.status, bound.json["username"]) == (200, "newcomer")
    profile = Person(api, bound.json)("GET", "/v1/users/newcomer").json
    assert (profile["email_verified"], profile["has_password"]) == (False, True)


def test_whoever_is_logged_in_lately_binds_with_his_session(api, services, clock):
    ada = join(services, api)
    assert ada("POST", "/v1/users/weibo/bindings", ticket(api)).status == 200
    clock.advance(301)
    late = ada("POST", "/v1/users/weibo/bindings", ticket(api, "9000000002"))
    assert (late.status, late.json["code"]) == (403, "reauth-failed")


def test_who_binds_with_his_session_stays_in_it_and_has_proved_himself_no_later_than_before(api, services, clock):
    """A second session would be one that its owner does not know, and would be fresh without a proof."""
    ada = join(services, api)
    clock.advance(200)
    bound = Person(api, ada("POST", "/v1/users/weibo/bindings", ticket(api)).json)
    assert len(bound("GET", "/v1/tokens").json["items"]) == 1
    assert api("POST", "/v1/tokens/refresh", {"refresh_token": bound.refresh}).status == 200
    clock.advance(101)
    late = bound("DELETE", "/v1/users/ada/identities/weibo")
    assert (late.status, late.json["code"]) == (403, "reauth-failed")


REFUSED = {
    "a wrong password": ({"username": "ada", "password": "wrong"}, 401, "invalid-credentials"),
    "no password": ({"username": "ada"}, 422, "validation"),
    "nobody": ({}, 401, "unauthorized"),
    "a uid of one's own": ({"username": "ada", "password": PASSWORD, "uid": "7"}, 422, "validation"),
    "a new account that cannot be": (
        {"register": {"username": "a", "password": "x", "email": "x"}}, 422, "validation",
    ),
    "a name that is taken": (
        {"register": {"username": "ada", "password": PASSWORD, "email": "x@example.org"}}, 409, "username-taken",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("members", "status", "code"), REFUSED.values(), ids=REFUSED)
def test_a_binding_is_refused(api, services, members, status, code):
    join(services, api)
    response = api("POST", "/v1/users/weibo/bindings", ticket(api) | members)
    assert (response.status, response.json["code"]) == (status, code)


def test_what_is_wrong_with_a_new_account_is_told_where_it_stands_and_all_at_once(api, services):
    new = {"username": "a", "password": "x", "email": "x"}
    pointers = ["#/register/email", "#/register/password", "#/register/username"]
    for body, more in ((ticket(api), []), ({"verifier": "x"}, ["#/ticket"])):
        response = api("POST", "/v1/users/weibo/bindings", body | {"register": new})
        assert sorted(error["pointer"] for error in response.json["errors"]) == [*pointers, *more]
    response = api("POST", "/v1/users/weibo/bindings", {"verifier": "x", "register": {"username": 7, "x": 1}})
    assert sorted(error["pointer"] for error in response.json["errors"]) == [
        *pointers, "#/register/x", "#/ticket",
    ]  # fmt: skip


def test_a_ticket_is_good_once(api, services):
    join(services, api)
    binding = ticket(api) | {"username": "ada", "password": PASSWORD}
    assert api("POST", "/v1/users/weibo/bindings", binding).status == 200
    again = api("POST", "/v1/users/weibo/bindings", binding)
    assert (again.status, again.json["code"]) == (400, "ticket-invalid")


def test_a_ticket_is_no_access_token_and_an_access_token_no_ticket(api, services):
    ada = join(services, api)
    binding = ticket(api)
    assert api("GET", "/v1/tokens", headers={"Authorization": f"Bearer {binding['ticket']}"}).status == 401
    wrong = binding | {"ticket": ada.refresh, "username": "ada", "password": PASSWORD}
    assert api("POST", "/v1/users/weibo/bindings", wrong).json["code"] == "ticket-invalid"


def test_another_provider_has_the_same_under_its_name(services, tmp_path):
    octopus = OtherProvider()
    (tmp_path / "providers.json").write_text(json.dumps([octopus.description()]))
    settings = dataclasses.replace(services.settings, providers=read_descriptions(tmp_path / "providers.json", PAGE))
    both = dataclasses.replace(services, settings=settings, providers=providers_of(settings))
    api, browser, here = CheckedClient(make_app(both), {"Origin": PAGE}), Browser(), "/v1/users/oauth/octopus"
    try:
        ada = join(both, api)
        left = api("GET", f"{here}/authorization?code_challenge={browser.challenge}")
        params = octopus.consent(left.json["authorization_url"])
        first = api("POST", f"{here}/users", params | {"verifier": browser.verifier})
        assert (first.json["status"], first.json["octopus"]["screen_name"]) == ("unbound", "octo")
        ticket = {"ticket": first.json["ticket"], "verifier": browser.verifier}
        assert ada("POST", f"{here}/bindings", ticket).json["username"] == "ada"
        assert [item["provider"] for item in ada("GET", "/v1/users/ada/identities").json["items"]] == ["octopus"]
        params = octopus.consent(
            api("GET", f"{here}/authorization?code_challenge={browser.challenge}").json["authorization_url"]
        )
        query = f"code={params['code']}&state={params['state']}&verifier={browser.verifier}"
        assert api("GET", f"{here}/users?{query}").json["status"] == "logged_in"
        assert api("GET", "/v1/users/oauth/nobody/authorization").json["code"] == "not-found"
    finally:
        octopus.close()


# --- what the look-alike can do wrong -----------------------------------------------------------------------

WHO = ("access_token", "get_token_info", "users_show")
REFUSALS = {
    "oauth-code-rejected": 400, "oauth-provider-unapproved": 503,
    "provider-answer": 502, "provider-unavailable": 502, "provider-timeout": 504,
}  # fmt: skip
# What somebody sees who comes back while the provider does that at its three endpoints; "" where it does not matter.
SEEN = {
    "delay": ({"seconds": 1}, ("provider-timeout", "provider-timeout", "provider-timeout")),
    "answer": ({"body": "nonsense"}, ("provider-answer", "provider-answer", "provider-answer")),
    "html": ({}, ("provider-unavailable", "provider-unavailable", "provider-unavailable")),
    "reset": ({}, ("provider-unavailable", "provider-unavailable", "provider-unavailable")),
    "cut-off": ({}, ("provider-unavailable", "provider-unavailable", "provider-unavailable")),
    "redirect": ({}, ("provider-answer", "provider-answer", "provider-answer")),
    "uid-type": ({"to": "list"}, ("provider-answer", "provider-answer", "provider-answer")),
    "uid-mismatch": ({}, ("provider-answer", "provider-answer", "provider-answer")),
    "foreign-appkey": ({}, (None, "oauth-code-rejected", None)),
    "expire-in": ({"value": -1}, ("", "oauth-code-rejected", None)),
    "missing-member": ({"member": "uid"}, ("provider-answer", "provider-answer", "")),
    "surrogate-name": ({}, (None, None, "provider-answer")),
    "nul-name": ({}, (None, None, "")),
    "duplicate-keys": ({}, ("provider-answer", "provider-answer", "provider-answer")),
    "truncated": ({}, ("provider-answer", "provider-answer", "provider-answer")),
    "large": ({}, ("provider-answer", "provider-answer", "provider-answer")),
}
FAULTS = [
    (endpoint, fault, parameters, code)
    for fault, (parameters, codes) in SEEN.items()
    for endpoint, code in zip(WHO, codes, strict=True)
    if code is not None
]


def test_every_switch_of_the_look_alike_is_tried():
    can = {(endpoint, name) for name, kind in KINDS.items() if not kind.standing for endpoint in kind.endpoints}
    tried = {(endpoint, fault) for endpoint, fault, _, _ in FAULTS} | {(endpoint, "error") for endpoint in WHO}
    assert {(endpoint, name) for endpoint, name in can if endpoint in WHO} == tried
    assert {name for endpoint, name in can if endpoint == "return"} == set(STATES)


def nothing_is_kept(services):
    with services.db.read() as connection:
        for table in (users, identities, sessions, outbox, one_time_tokens):
            assert connection.execute(select(table)).all() == []
    kept = {key.decode().partition(":")[0] for key in services.redis.scan_iter()}
    assert not kept & {"ticket", "oauth"}


def sees(api, services, world, faulty, code):
    """Come back while the provider does *faulty*, and look at what is answered, kept and sent."""
    browser, params = come_back(api)
    faults(world, faulty)
    answer = arrive(api, browser, params)
    wait_until(lambda: token_requests(world), "the look-alike to write a late request down")
    assert token_requests(world) == 1
    if not code:
        assert answer.json["status"] == "unbound"
        return
    assert answer.json["code"] in code
    assert answer.status == REFUSALS[answer.json["code"]]
    assert (answer.header("Retry-After") is not None) == (answer.status >= 500)
    nothing_is_kept(services)
    faults(world)
    again = arrive(api, browser, params)  # neither state nor code is good any more
    assert (again.status, again.json["code"], token_requests(world)) == (400, "oauth-state-invalid", 1)


@pytest.mark.parametrize(("endpoint", "fault", "parameters", "code"), FAULTS, ids=str)
def test_a_provider_that_does_wrong_is_answered_and_leaves_nothing(
    api, services, world, monkeypatch, endpoint, fault, parameters, code
):
    monkeypatch.setattr("shop.http.READ_SECONDS", 0.3)
    services.redis.flushdb()
    sees(api, services, world, {"endpoint": endpoint, "fault": fault, **parameters}, code and [code])


@pytest.mark.parametrize("endpoint", WHO)
@pytest.mark.parametrize("row", ROWS)
def test_every_error_that_weibo_knows_is_answered_and_leaves_nothing(api, services, world, endpoint, row):
    services.redis.flushdb()
    sees(api, services, world, {"endpoint": endpoint, "fault": "error", "row": row}, REFUSALS)


STATES = {"state-dropped": 400, "state-changed": 400, "state-doubled": 400}


@pytest.mark.parametrize(("fault", "status"), STATES.items(), ids=STATES)
def test_a_state_that_comes_back_wrong_asks_the_provider_nothing(api, services, world, fault, status):
    services.redis.flushdb()
    browser = Browser()
    url = leave(api, browser)
    faults(world, {"endpoint": "return", "fault": fault})
    params = browser.consent(url)
    if fault == "state-doubled":  # the page sees two, and hands over neither; this is who hands over the first
        params["state"] += params["state"]
    answer = arrive(api, browser, params)
    assert (answer.status, token_requests(world)) == (status, 0)
    with services.db.read() as connection:
        assert connection.execute(select(users)).all() == []


def test_the_page_asks_to_be_led_back_to_what_the_api_leads_back_to():
    page = Path(__file__).parents[2] / "web/js/oauth.js"
    [listed] = re.findall(r"LEADS_BACK = new Set\((\[.*?\])\)", page.read_text("utf-8"))
    assert set(json.loads(listed)) == set(get_args(ReturnTo))
