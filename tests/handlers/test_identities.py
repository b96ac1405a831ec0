"""/v1/users/<username>/identities."""

from tests.handlers.people import PASSWORD, join
from tests.handlers.test_federation import ticket
from tests.shop.weibo_browser import forget_requests


def bound(api, services, world):
    forget_requests(world)
    ada = join(services, api)
    proof = {"username": "ada", "password": PASSWORD}
    assert api("POST", "/v1/users/weibo/bindings", ticket(api) | proof).status == 200
    return ada


def test_what_is_bound_is_listed(api, services, world):
    ada = bound(api, services, world)
    (item,) = ada("GET", "/v1/users/ada/identities").json["items"]
    assert item.keys() == {"provider", "name", "bound_at"}
    assert (item["provider"], item["name"]) == ("weibo", "林小满")


def test_it_is_taken_away_once(api, services, world):
    ada = bound(api, services, world)
    assert ada("DELETE", "/v1/users/ada/identities/weibo").status == 204
    assert ada("GET", "/v1/users/ada/identities").json == {"items": []}
    assert ada("DELETE", "/v1/users/ada/identities/weibo").status == 404
    assert ada("GET", "/v1/users/ada/events?limit=1").json["items"][0]["kind"] == "unbind"


def test_who_proved_himself_long_ago_does_so_again_first(api, services, world, clock):
    ada = bound(api, services, world)
    clock.advance(301)
    refused = ada("DELETE", "/v1/users/ada/identities/weibo")
    assert (refused.status, refused.json["code"]) == (403, "reauth-failed")
    assert len(ada("GET", "/v1/users/ada/identities").json["items"]) == 1
    (event,) = ada("GET", "/v1/users/ada/events?limit=1").json["items"]
    assert (event["kind"], event["outcome"], event["by_me"]) == ("unbind", "reauth-failed", True)


def test_another_provider_s_paths_are_there_for_who_is_known(api):
    for path in ("authorization", "users?state=x"):
        assert api("GET", f"/v1/users/oauth/nobody/{path}").status == 404
