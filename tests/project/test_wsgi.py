"""The web process, as it is put together."""

import dataclasses

import pytest

from dada.testing import Client
from tests.conftest import PAGE
from wsgi import make_app


def test_outside_the_sandbox_it_answers_to_one_name(services):
    settings = dataclasses.replace(services.settings, env="production", api_url="https://api.shop.example")
    api = Client(make_app(dataclasses.replace(services, settings=settings)), {"Origin": PAGE})
    assert api("GET", "/healthz").json["code"] == "misdirected-request"
    for name in ("api.shop.example", "API.shop.example", "api.shop.example:443"):
        assert api("GET", "/healthz", None, {"Host": name}).status == 200, name
    assert api("GET", "/healthz", None, {"Host": "api.shop.example:8000"}).status == 421


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
    "another host": ("GET", "/healthz", {"Host": "evil.example"}, 421),
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
