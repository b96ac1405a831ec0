"""ROUTES: the whole API, who may call it, and what every answer carries."""

import pytest

from dada.answers import HEADERS
from dada.testing import audit_cors
from handlers import ROUTES
from tests.conftest import PAGE
from tests.handlers.people import join

EXPECTED = {
    "/v1/users": "POST anyone",
    "/v1/users/activation": "GET anyone, POST anyone",
    "/v1/users/<username>": "GET owner, PATCH owner",
    "/v1/users/<username>/activation": "POST anyone",
    "/v1/users/<username>/password": "PUT owner",
    "/v1/password-resets": "POST anyone",
    "/v1/password-resets/<token>": "PUT anyone",
    "/v1/tokens": "POST anyone, GET signed-in, DELETE signed-in",
    "/v1/tokens/refresh": "POST anyone",
    "/v1/tokens/current": "DELETE anyone",
    "/v1/tokens/<session>": "DELETE signed-in",
    "/v1/users/<username>/addresses": "GET owner, POST owner",
    "/v1/users/<username>/addresses/default": "PUT owner",
    "/v1/users/<username>/addresses/<int:id>": "GET owner, PUT owner, DELETE owner",
    "/v1/users/<username>/events": "GET owner",
    "/v1/users/<username>/identities": "GET owner",
    "/v1/users/<username>/identities/<provider>": "DELETE owner",
    "/v1/users/oauth/<provider>/authorization": "GET anyone",
    "/v1/users/oauth/<provider>/users": "GET anyone, POST anyone",
    "/v1/users/oauth/<provider>/bindings": "POST anyone",
    "/v1/users/weibo/authorization": "GET anyone",
    "/v1/users/weibo/users": "GET anyone, POST anyone",
    "/v1/users/weibo/bindings": "POST anyone",
    "/openapi.json": "GET anyone",
    "/problems/<code>": "GET anyone",
    "/healthz": "GET anyone",
    "/readyz": "GET anyone",
}
PRIVATE = [(method, route.path) for route in ROUTES for method, who in route.who.items() if who != "anyone"]


def test_the_api_is_this_and_no_more():
    found = {route.path: ", ".join(f"{method} {who}" for method, who in route.who.items()) for route in ROUTES}
    assert found == EXPECTED


def concrete(path):
    return path.replace("<username>", "ada").replace("<int:id>", "1").replace("<token>", "x")


@pytest.mark.parametrize(("method", "path"), PRIVATE, ids=str)
def test_what_is_not_for_anyone_is_for_nobody_without_a_token(api, method, path):
    response = api(method, concrete(path), {})
    assert (response.status, response.json["code"]) == (401, "unauthorized")
    assert response.header("WWW-Authenticate") == 'Bearer realm="dashop"'


@pytest.mark.parametrize(("method", "path"), [(m, p) for m, p in PRIVATE if "<username>" in p], ids=str)
def test_another_s_resource_is_as_if_there_were_none(services, api, method, path):
    join(services, api)
    eve = join(services, api, "eve")
    body = {"nickname": "x"} if method == "PATCH" else {}
    there, nowhere = eve(method, concrete(path), body), eve(method, concrete(path).replace("ada", "nobody"), body)
    assert there.status == nowhere.status == 404
    assert _without_ids(there) == _without_ids(nowhere)


def _without_ids(response):
    return {name: value for name, value in response.json.items() if name not in ("instance", "request_id")}


AUTHORIZATIONS = {
    "no token": ("Bearer", 400, "invalid_request"),
    "an empty token": ("Bearer ", 400, "invalid_request"),
    "two tokens": ("Bearer a.b.c, Bearer d.e.f", 400, "invalid_request"),
    "two credentials of two schemes": ("Basic YTpi,Bearer a.b.c", 400, "invalid_request"),
    "a token with a blank": ("Bearer a b", 400, "invalid_request"),
    "no token of ours": ("Bearer a.b.c", 401, "invalid_token"),
    "a scheme in another case": ("bEARER a.b.c", 401, "invalid_token"),
    "a token with padding": ("Bearer a.b.c==", 401, "invalid_token"),
}


@pytest.mark.parametrize(("written", "status", "error"), AUTHORIZATIONS.values(), ids=AUTHORIZATIONS)
def test_credentials_that_are_no_good_are_answered_as_rfc_6750_says(api, written, status, error):
    response = api("GET", "/v1/tokens", headers={"Authorization": written})
    assert response.status == status
    assert f'error="{error}"' in response.header("WWW-Authenticate")


def test_credentials_of_another_scheme_are_answered_with_a_bare_challenge(api):
    response = api("GET", "/v1/tokens", headers={"Authorization": "Basic YTpi"})
    assert (response.status, response.header("WWW-Authenticate")) == (401, 'Bearer realm="dashop"')


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/healthz", 200), ("GET", "/nowhere", 404), ("PUT", "/healthz", 405), ("POST", "/v1/users", 415)],
)
def test_every_answer_can_be_read_by_the_page_and_by_no_other(api, method, path, status):
    for origin, shared in ((PAGE, PAGE), ("https://evil.example", None), ("null", None)):
        response = api(method, path, headers={"Origin": origin})
        assert response.header("Access-Control-Allow-Origin") == shared
        assert response.status == (status if shared or method == "GET" else 403)
        assert "Origin" in response.header("Vary")
        assert response.header("Access-Control-Allow-Credentials") is None
        for name, value in HEADERS:
            assert value in response.header(name)
        assert response.header("Set-Cookie") is None


def test_a_preflight_is_answered_without_the_api_and_may_be_kept(api, redis_server):
    asked = {
        "Access-Control-Request-Method": "PATCH",
        "Access-Control-Request-Headers": "authorization,content-type,if-match",
    }
    redis_server.stop()
    try:
        response = api("OPTIONS", "/v1/users/ada", headers=asked)
    finally:
        redis_server.start()
    assert response.status == 204
    assert response.header("X-Request-Id")
    assert sorted(header for header in response.headers if header[0] not in {*dict(HEADERS), "X-Request-Id"}) == [
        ("Access-Control-Allow-Headers", "authorization, content-type, if-match"),
        ("Access-Control-Allow-Methods", "PATCH"),
        ("Access-Control-Allow-Origin", PAGE),
        ("Access-Control-Max-Age", "600"),
    ]
    assert response.header("Vary") == (
        "Authorization, Accept-Language, Origin, Access-Control-Request-Method, Access-Control-Request-Headers"
    )


def test_the_probes_of_the_scanners_find_nothing(api):
    paths = ["/healthz", "/v1/users", "/v1/users/ada/addresses/1", "/nowhere"]
    assert audit_cors(api.app, paths, [PAGE]) == {path: [] for path in paths}


@pytest.mark.parametrize(("method", "path"), PRIVATE[:3], ids=str)
def test_with_redis_down_nobody_is_let_in(services, api, redis_server, method, path):
    ada = join(services, api)
    redis_server.stop()
    try:
        response = ada(method, concrete(path), {"nickname": "x"})
        assert (response.status, response.header("Retry-After")) == (503, "1")
    finally:
        redis_server.start()
    assert ada("GET", "/v1/users/ada").status == 200
