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
