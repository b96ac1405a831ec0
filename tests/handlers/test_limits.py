"""Limits on the wire."""

import dataclasses
import re
from ipaddress import ip_network
from urllib.parse import urlencode

import pytest

from dada.app import Request
from dada.operations import operation_of
from handlers import ROUTES
from handlers.limits import address_of, place_of, prefix
from tests.conftest import PAGE
from tests.handlers.description import CheckedClient
from tests.handlers.people import PASSWORD, join
from tests.shop.weibo_browser import Browser
from wsgi import make_app

NEW = {"username": "ada", "password": PASSWORD, "email": "ada@example.org"}


@pytest.fixture
def strict(services):
    """The API of a process that counts addresses, behind a proxy."""
    settings = dataclasses.replace(
        services.settings, address_limits=True, trusted_proxies=(ip_network("127.0.0.1/32"),)
    )
    counted = dataclasses.replace(services, settings=settings)
    return CheckedClient(make_app(counted), {"Origin": PAGE})


def new(number):
    return NEW | {"username": f"ada-{number}", "email": f"ada{number}@example.org"}


def left(answer):
    """Return of which quota how much is left."""
    name, number, seconds = re.fullmatch(r'"([a-z-]+)";r=(\d+);t=(\d+)', answer.header("RateLimit")).groups()
    assert 3500 < int(seconds) <= 3600
    return name, int(number)


def test_too_many_hear_429_as_the_standards_write_it(strict):
    for number in range(5):
        answer = strict("POST", "/v1/users", new(number))
        assert (answer.status, answer.header("RateLimit-Policy")) == (202, '"register";q=5;w=3600')
        assert left(answer) == ("register", 4 - number)
    refused = strict("POST", "/v1/users", new(5))
    assert refused.status == 429
    assert left(refused) == ("register", 0)
    assert refused.header("RateLimit").endswith(f";t={refused.header('Retry-After')}")
    assert refused.json["type"] == "https://iana.org/assignments/http-problem-types#quota-exceeded"
    assert refused.json["violated-policies"] == ["register"]
    assert refused.header("Access-Control-Allow-Origin") == PAGE


def test_a_typing_error_is_no_registration(strict):
    for _ in range(8):
        assert strict("POST", "/v1/users", NEW | {"password": "short"}).status == 422
    assert left(strict("POST", "/v1/users", NEW)) == ("register", 4)


def test_nobody_lists_all_names_by_asking_whether_they_are_taken(strict):
    assert strict("POST", "/v1/users", NEW).status == 202
    for _ in range(10):
        assert strict("POST", "/v1/users", NEW).status == 409
    assert strict("POST", "/v1/users", NEW).json["violated-policies"] == ["names"]


def test_who_asked_after_too_many_names_did_not_register_and_loses_no_registration_by_it(strict, services):
    assert strict("POST", "/v1/users", NEW).status == 202
    services.redis.set("{limits}:names:127.0.0.1/32", 10, px=30_000)
    for _ in range(8):
        assert strict("POST", "/v1/users", new(1)).json["violated-policies"] == ["names"]
    services.redis.delete("{limits}:names:127.0.0.1/32")
    assert left(strict("POST", "/v1/users", new(1))) == ("register", 3)


def test_a_lock_answers_alike_for_who_exists_and_who_does_not(api, services):
    join(services, api)
    for name in ("ada", "nobody"):
        for _ in range(5):
            assert api("POST", "/v1/tokens", {"username": name, "password": "wrong"}).status == 401
    told = []
    for name in ("ada", "nobody"):
        answer = api("POST", "/v1/tokens", {"username": name, "password": PASSWORD})
        assert (answer.status, answer.header("RateLimit-Policy")) == (429, '"login";q=5;w=300')
        assert re.fullmatch(r'"login";r=0;t=(2\d|30)', answer.header("RateLimit"))
        own = ("X-Request-Id", "Server-Timing", "Retry-After", "RateLimit")
        headers = [(n, v) for n, v in answer.headers if n not in own]
        members = {n: v for n, v in answer.json.items() if n not in ("instance", "request_id", "detail")}
        told.append((headers, members))
    assert told[0] == told[1]


EVERY = {
    "logging in": ("POST", "/v1/tokens", {"username": "x", "password": "x"}, 20, 401),
    "a letter's token": ("POST", "/v1/users/activation", {"token": "x"}, 20, 400),
    "a letter's token that is only looked at": ("GET", "/v1/users/activation?code=x", None, 20, 400),
    "a reset's token": ("PUT", "/v1/password-resets/x", {"password": "a brand new one"}, 20, 400),
    "leaving for Weibo": ("GET", "/v1/users/weibo/authorization", None, 20, 200),
    "coming back": ("POST", "/v1/users/weibo/users", {"state": "x", "code": "x", "verifier": "x"}, 20, 400),
}


@pytest.mark.parametrize(("method", "path", "body", "most", "status"), EVERY.values(), ids=EVERY)
def test_each_has_its_quota_for_an_address(strict, method, path, body, most, status):
    for number in range(most):
        named = body | {"username": f"x{number}"} if path == "/v1/tokens" else body
        assert strict(method, path, named).status == status
    assert strict(method, path, body).status == 429


BACK = {"state": "s" * 43, "code": "c", "verifier": "v" * 43}
TICKET = {"ticket": "t" * 43, "verifier": "v" * 43, "username": "ada", "password": "x"}
CALLS = {  # what somebody may send to each route that counts, well formed, whatever comes of it
    "/v1/users": new(1),
    "/v1/users/activation": {"token": "x"},
    "/v1/users/<username>/activation": None,
    "/v1/users/<username>/password": {"current_password": "x", "new_password": "a brand new one"},
    "/v1/password-resets": {"email": "x@example.org"},
    "/v1/password-resets/<token>": {"password": "a brand new one"},
    "/v1/tokens": {"username": "x", "password": "x"},
    "/v1/tokens/refresh": {"refresh_token": "…"},
    "/v1/users/weibo/authorization": None,
    "/v1/users/weibo/users": BACK,
    "/v1/users/weibo/bindings": TICKET,
    "/v1/users/oauth/<provider>/authorization": None,
    "/v1/users/oauth/<provider>/users": BACK,
    "/v1/users/oauth/<provider>/bindings": TICKET,
}
COUNTED = [
    (route.path, method)
    for route in ROUTES
    for method in route.who
    if operation_of(getattr(route.resource, method.lower())).limited
]


@pytest.mark.parametrize(("path", "method"), COUNTED)
def test_a_thousand_addresses_at_once_are_stopped_by_the_route(strict, services, path, method):
    person, body = join(services, strict), CALLS[path]
    asked = path.replace("<username>", "ada").replace("<token>", "x").replace("<provider>", "weibo")
    if path == "/v1/tokens/refresh":
        body = {"refresh_token": person.refresh}
    if method == "GET":
        asked, body = f"{asked}?{urlencode(body)}" if body and "token" not in body else asked, None
    person(method, asked, body)
    counters = services.redis.keys(f"{{limits}}:*-route:{path}")
    for counter in counters:
        services.redis.set(counter, 1_000_000, px=30_000)
    answer = person(method, asked, body)
    assert answer.status == 429
    (quota,) = answer.json["violated-policies"]
    assert f"{{limits}}:{quota}:{path}".encode() in counters
    assert answer.header("RateLimit") == f'"{quota}";r=0;t={answer.header("Retry-After")}'
    assert 0 < int(answer.header("Retry-After")) <= 30


def test_the_addresses_of_a_network_list_no_more_names_than_a_network_is_told(strict, services):
    assert strict("POST", "/v1/users", NEW).status == 202
    for number in range(100):
        answer = strict("POST", "/v1/users", NEW, {"X-Forwarded-For": f"2001:db8:7:{number:x}::1"})
        assert answer.status == 409
    refused = strict("POST", "/v1/users", NEW, {"X-Forwarded-For": "2001:db8:7:ffff::1"})
    assert refused.json["violated-policies"] == ["names-network"]
    assert strict("POST", "/v1/users", NEW, {"X-Forwarded-For": "2001:db8:8::1"}).status == 409


def test_a_thousand_addresses_list_no_more_names_than_the_route_tells(strict, services):
    assert strict("POST", "/v1/users", NEW).status == 202
    assert strict("POST", "/v1/users", NEW).status == 409
    assert services.redis.get("{limits}:names-route:/v1/users") == b"1"  # what is not told is given back
    services.redis.set("{limits}:names-route:/v1/users", 300, px=30_000)
    assert strict("POST", "/v1/users", NEW).json["violated-policies"] == ["names-route"]


def test_who_leaves_for_a_provider_and_does_not_come_back_cannot_fill_redis(strict, services):
    browser = Browser()
    path = f"/v1/users/weibo/authorization?code_challenge={browser.challenge}"
    urls = []
    for _ in range(20):
        for key in services.redis.scan_iter("{limits}:oauth:*"):
            services.redis.delete(key)  # a minute went by
        urls.append(strict("GET", path).json["authorization_url"])
    for key in services.redis.scan_iter("{limits}:oauth:*"):
        services.redis.delete(key)
    refused = strict("GET", path)
    assert (refused.status, refused.json["violated-policies"]) == (429, ["oauth-open"])
    assert 0 < int(refused.header("Retry-After")) <= 600
    assert len(list(services.redis.scan_iter("oauth:*"))) == 20
    back = {**browser.consent(urls[0]), "verifier": browser.verifier}
    assert strict("POST", "/v1/users/weibo/users", back).status == 200
    assert strict("GET", path).status == 200


def test_letters_are_few_for_an_address_whoever_they_are_for(strict):
    for number in range(20):
        path = f"/v1/users/x{number}/activation"
        assert strict("POST", path).status == 202
    assert strict("POST", "/v1/password-resets", {"email": "x@example.org"}).json["violated-policies"] == ["letters"]


def request(address, forwarded=None):
    environ = {"REQUEST_METHOD": "GET", "REMOTE_ADDR": address}
    return Request(environ | ({"HTTP_X_FORWARDED_FOR": forwarded} if forwarded else {}), "1")


PROXIES = (ip_network("10.0.0.0/8"), ip_network("2001:db8::/32"))
FORWARDED = {
    "nobody forwards": ("192.0.2.1", None, "192.0.2.1"),
    "a stranger says for whom": ("192.0.2.1", "198.51.100.7", "192.0.2.1"),
    "a proxy says for whom": ("10.0.0.1", "198.51.100.7", "198.51.100.7"),
    "a proxy behind another": ("10.0.0.1", "198.51.100.7, 10.0.0.2", "198.51.100.7"),
    "what a stranger wrote to the proxy": ("10.0.0.1", "127.0.0.1, 198.51.100.7", "198.51.100.7"),
    "a proxy by IPv6": ("2001:db8::1", "2001:db9::7", "2001:db9::7"),
    "a proxy that says nothing": ("10.0.0.1", None, "10.0.0.1"),
    "nonsense from a proxy": ("10.0.0.1", "unknown", "unknown"),
}


@pytest.mark.parametrize(("address", "forwarded", "found"), FORWARDED.values(), ids=FORWARDED)
def test_an_address_is_taken_from_who_is_trusted(address, forwarded, found):
    assert address_of(request(address, forwarded), PROXIES) == found


def test_one_subscriber_s_addresses_are_one(services):
    places = {place_of(services, request(f"2001:db8:1:2::{number}")) for number in range(9)}
    assert places == {("2001:db8:1:2::/64", "2001:db8:1::/48", "")}
    assert place_of(services, request("192.0.2.7")) == ("192.0.2.7/32", "192.0.2.0/24", "")
    assert prefix("unknown") == ""
