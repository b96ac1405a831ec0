"""Weibo as a provider: what it may answer, and what becomes of it."""

import pytest
from sqlalchemy import select

from dada.oauth import TokenAnswer
from shop import federation
from shop.errors import Refused
from shop.http import Reply
from shop.tables import identities, users
from shop.weibo import Weibo
from tests.shop.test_federation import DEVICE, arrive, come_back, reason
from tests.shop.weibo_browser import faults, forget_requests, token_requests


@pytest.fixture(autouse=True)
def _fresh(world):
    forget_requests(world)


ANSWERS = {
    "a used code": ({"endpoint": "access_token", "fault": "error", "row": "21325"}, "oauth-code-rejected"),
    "a wrong secret": ({"endpoint": "access_token", "fault": "error", "row": "21324-secret"}, "oauth-code-rejected"),
    "an application not approved, at once": (
        {"endpoint": "access_token", "fault": "error", "row": "21337"},
        "oauth-provider-unapproved",
    ),
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
        "oauth-provider-unapproved",
    ),
    "no profile for now": ({"endpoint": "users_show", "fault": "error", "row": "10001"}, "provider-unavailable"),
}


@pytest.mark.parametrize(("fault", "expected"), ANSWERS.values(), ids=ANSWERS)
def test_what_weibo_answers_wrongly_logs_nobody_in_and_is_asked_once(services, world, fault, expected):
    browser, params = come_back(services)
    faults(world, fault)
    assert reason(federation.arrive, services, "weibo", params, browser.verifier, DEVICE) == expected
    assert token_requests(world) == 1
    with services.db.read() as connection:
        assert connection.execute(select(users)).all() == []


@pytest.mark.parametrize("fault", ["surrogate-name", "nul-name"])
def test_a_name_that_is_no_text_greets_nobody_and_harms_nothing(services, world, fault):
    browser, params = come_back(services)
    faults(world, {"endpoint": "users_show", "fault": fault})
    try:
        arrival = federation.arrive(services, "weibo", params, browser.verifier, DEVICE)
    except Refused as error:
        assert error.reason == "provider-answer"
    else:
        assert arrival.ticket.name.isprintable()


@pytest.mark.parametrize(("client_id", "told"), [("True", b"true"), ("None", b"null"), ("7", b"7.0"), ("7", b"[7]")])
def test_an_application_s_number_is_a_number_or_its_text_and_nothing_that_is_spelled_like_it(client_id, told):
    class Told:
        def post(self, *_):
            return Reply(200, b'{"uid":1,"expire_in":9,"appkey":' + told + b"}")

    ours = Weibo.at("https://weibo.example", client_id, "secret", "https://shop.example")
    with pytest.raises(Refused) as caught:
        ours.whose(Told(), TokenAnswer("token", 9, {"uid": "1"}))
    assert caught.value.detail == "the token was made for another application"


def test_no_token_of_weibo_s_is_kept_anywhere(services, world, redis_server):
    arrive(services)
    token = next(iter(world.weibo.store._tokens)) if hasattr(world.weibo.store, "_tokens") else "2.00"
    with services.db.read() as connection:
        kept = [str(row) for table in (identities, users) for row in connection.execute(select(table)).all()]
    with redis_server.client() as client:
        kept += [str(client.get(key)) for key in client.scan_iter() if client.type(key) == b"string"]
    assert not any(token in text for text in kept)
