"""The web process, as it is put together."""

import dataclasses

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
