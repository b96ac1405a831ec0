"""The web process, as it is put together."""

import dataclasses

import pytest

from dada.testing import Client
from handlers import ROUTES
from handlers.health import PROBES
from tests.conftest import PAGE
from wsgi import make_app


@pytest.fixture
def production(services):
    settings = dataclasses.replace(services.settings, env="production", api_url="https://api.shop.example")
    return Client(make_app(dataclasses.replace(services, settings=settings)), {"Origin": PAGE})


def test_outside_the_sandbox_it_answers_to_one_name(production):
    assert production("GET", "/openapi.json").json["code"] == "misdirected-request"
    for name in ("api.shop.example", "API.shop.example", "api.shop.example:443"):
        assert production("GET", "/openapi.json", None, {"Host": name}).status == 200, name
    assert production("GET", "/openapi.json", None, {"Host": "api.shop.example:8000"}).status == 421


NAMES = {
    "this machine's": ("localhost", 200),
    "with any port": ("localhost:1234", 200),
    "in capitals": ("LOCALHOST:8000", 200),
    "its address": ("127.0.0.1:8000", 200),
    "another of its addresses": ("127.1.2.3", 200),
    "its address of IPv6": ("[::1]:8000", 200),
    "a name below": ("shop.localhost:8000", 200),
    "that of its setting": ("classroom.example:9000", 200),
    "another's": ("evil.example", 421),
    "another's that looks so": ("localhost.evil.example:8000", 421),
    "another's address": ("10.0.0.1:8000", 421),
    "no name": ("a b.localhost", 400),
    "two ports": ("localhost:80:80", 400),
}


@pytest.mark.parametrize(("host", "status"), NAMES.values(), ids=NAMES)
def test_the_sandbox_answers_to_names_of_this_machine_and_to_no_name_that_was_made_to_point_here(
    services, host, status
):
    settings = dataclasses.replace(services.settings, api_url="http://classroom.example:8000")
    app = Client(make_app(dataclasses.replace(services, settings=settings)))
    assert app("GET", "/openapi.json", None, {"Host": host}).status == status


ADDRESSES = ("10.1.2.3:8000", "[fd00::1]:8000", "api-7.internal", "127.0.0.1")


@pytest.mark.parametrize("host", ADDRESSES)
def test_whoever_watches_the_process_asks_its_address_and_gets_nothing_else_there(production, redis_server, host):
    paths = [route.path for route in ROUTES if "<" not in route.path]
    answered = {path: production("GET", path, None, {"Host": host}).status for path in paths}
    assert {path for path, status in answered.items() if status != 421} == set(PROBES)
    assert {answered[path] for path in PROBES} == {200}


@pytest.mark.parametrize("path", ["/healthz/", "/%68ealthz", "//healthz", "/healthz/../openapi.json", "/HEALTHZ"])
def test_nothing_passes_for_a_probe(production, path):
    assert production("GET", path, None, {"Host": ADDRESSES[0]}).status == 421


COMMON = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-site",
    "Strict-Transport-Security": "max-age=31536000",
    "Cache-Control": "no-store",
}
PREFLIGHT = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "authorization"}
HERE = {"Host": "api.shop.example"}
ANSWERS = {
    "a probe": ("GET", "/healthz", HERE, 200),
    "a document": ("GET", "/problems/not-found", HERE, 200),
    "a preflight": ("OPTIONS", "/v1/users/ada/addresses/1", HERE | PREFLIGHT, 204),
    "a preflight of another page": ("OPTIONS", "/v1/users", HERE | PREFLIGHT | {"Origin": "https://evil.example"}, 403),
    "plain OPTIONS": ("OPTIONS", "/v1/users", HERE, 204),
    "an end that is not there": ("GET", "/nowhere", HERE, 404),
    "another method": ("PUT", "/healthz", HERE, 405),
    "no credentials": ("GET", "/v1/tokens", HERE, 401),
    "another host": ("GET", "/openapi.json", {"Host": "evil.example"}, 421),
    "an unknown method": ("BREW", "/healthz", HERE, 501),
    "a fault of ours": ("GET", "/broken", HERE, 500),
    "a fault that leaves the application": ("GET", "/fails", HERE, 500),
}


def guarded(services, api_url):
    settings = dataclasses.replace(services.settings, env="production", api_url=api_url)
    app = make_app(dataclasses.replace(services, settings=settings))
    matched, answered = app._app.router.match, app._app._on_answer

    def match(method, path):
        return 1 / 0 if path == "/broken" else matched(method, path)

    def on_answer(request, status):
        return 1 / 0 if request.path == "/fails" else answered(request, status)

    app._app.router.match, app._app._on_answer = match, on_answer
    return Client(app, {"Origin": PAGE})


@pytest.mark.parametrize(("method", "path", "headers", "status"), ANSWERS.values(), ids=ANSWERS)
def test_every_answer_carries_the_headers_that_keep_browsers_safe(services, method, path, headers, status):
    response = guarded(services, "https://api.shop.example")(method, path, None, headers)
    assert response.status == status
    names = [name for name, _ in response.headers]
    for name, value in COMMON.items():
        assert (names.count(name), response.header(name)) == (1, value), name
    assert names.count("X-Request-Id") == names.count("Vary") == 1
    assert {"Origin", "Authorization"} <= set(response.header("Vary").split(", "))
    assert "Server" not in names


def test_whether_browsers_shall_insist_on_tls_is_said_by_our_address_and_not_by_the_request(services):
    for api_url, told in (("https://api.shop.example", "max-age=31536000"), ("http://127.0.0.1:8000", None)):
        api = guarded(services, api_url)
        for headers in (PREFLIGHT, {}):
            response = api("OPTIONS", "/healthz", None, {"Host": api_url.partition("//")[2], **headers})
            assert response.header("Strict-Transport-Security") == told


def test_each_preflight_has_an_id_of_its_own(services):
    api = guarded(services, "http://127.0.0.1:8000")
    ids = {
        api("OPTIONS", "/healthz", None, {"Host": "127.0.0.1:8000", **PREFLIGHT}).header("X-Request-Id") for _ in "ab"
    }
    assert len(ids) == 2
