"""What is told of each request: a line of the log, and in the sandbox the time it took."""

import logging
from dataclasses import replace
from ipaddress import ip_network

import pytest

from dada.testing import Client
from shop.logs import Formatter
from tests.conftest import PAGE
from wsgi import make_app

UUID = "0f5c3a52-8d3e-4f0e-9a62-6d8a4f1b2c3d"


def client(services, **settings):
    changed = replace(services, settings=replace(services.settings, **settings))
    return Client(make_app(changed), {"Origin": PAGE})


def lines(caplog):
    return [record for record in caplog.records if record.name == "api.access"]


def test_a_request_is_a_line_without_its_query_and_without_secrets(services, caplog):
    secret = "x" * 43
    with caplog.at_level(logging.INFO, "api.access"):
        answer = client(services, access_log=True)("PUT", f"/v1/password-resets/{secret}?code=swordfish", {})
    (line,) = lines(caplog)
    assert (line.request, line.method, line.status) == (answer.header("X-Request-Id"), "PUT", 422)
    assert (line.route, line.path) == ("/v1/password-resets/<token>", "/v1/password-resets/<token>")
    assert line.milliseconds >= 0
    assert not any("swordfish" in str(value) or secret in str(value) for value in vars(line).values())


SPELLINGS = {
    "as it is": lambda token: token,
    "with a letter spelled otherwise": lambda token: f"{token[:20]}%{ord(token[20]):02x}{token[21:]}",
    "with every letter spelled otherwise": lambda token: "".join(f"%{ord(char):02x}" for char in token),
}


@pytest.mark.parametrize("fails", [False, True], ids=["it is refused", "it fails"])
@pytest.mark.parametrize("spell", SPELLINGS.values(), ids=SPELLINGS)
def test_a_reset_s_token_is_in_no_log_and_no_header(services, caplog, monkeypatch, spell, fails):
    def fail(_services, token, _password):
        raise RuntimeError(f"no such thing: {token}")

    if fails:
        monkeypatch.setattr("shop.accounts.reset_password", fail)
    token = "swordfish-_" + "x" * 32
    api = client(services, access_log=True, env="production", api_url="http://127.0.0.1:8000")
    with caplog.at_level(logging.INFO):
        answer = api("PUT", f"/v1/password-resets/{spell(token)}", {"password": "a brand new one"})
    assert answer.status == (500 if fails else 400)
    written = [Formatter("api").format(record) for record in caplog.records]
    assert lines(caplog)
    for part in (token, spell(token), token[:20], token[21:]):
        assert not any(part in line for line in written), written
        assert part not in str(answer.headers)
        assert part not in answer.body.decode()
    assert answer.header("Referrer-Policy") == "no-referrer"


@pytest.mark.parametrize("spell", SPELLINGS.values(), ids=SPELLINGS)
@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/v1/password-resets/{}"), ("PUT", "/v1/password-resets/{}/"), ("PUT", "//v1/password-resets/{}"),
     ("PUT", f"/{'x/' * 80}password-resets/{{}}")],
)  # fmt: skip
def test_a_reset_s_token_is_in_no_log_where_no_route_is_found(services, caplog, spell, method, path):
    token = "swordfish-_" + "x" * 32
    with caplog.at_level(logging.INFO):
        answer = client(services, access_log=True)(method, path.format(spell(token)), {"password": "a brand new one"})
    assert answer.status in (404, 405)
    written = [Formatter("api").format(record) for record in caplog.records]
    assert lines(caplog)
    assert not any(part in line for line in written for part in (token[:20], spell(token)[:20])), written


@pytest.mark.parametrize(
    ("method", "path", "told"),
    [
        ("GET", "/nowhere", ("GET", "", "/nowhere", 404)),
        ("BREW", "/healthz", ("other", "", "/healthz", 501)),
        ("DELETE", "/healthz", ("DELETE", "", "/healthz", 405)),
        ("GET", "/" + "a b/" * 2000, ("GET", "", ("/" + "a b/" * 2000)[:200], 404)),
    ],
)
def test_what_is_not_found_is_a_line_too(services, caplog, method, path, told):
    with caplog.at_level(logging.INFO, "api.access"):
        client(services, access_log=True)(method, path)
    (line,) = lines(caplog)
    assert (line.method, line.route, line.path, line.status) == told


def test_there_are_no_lines_where_nobody_wants_them(services, caplog):
    with caplog.at_level(logging.INFO, "api.access"):
        client(services, access_log=False)("GET", "/healthz")
    assert lines(caplog) == []


def test_in_the_sandbox_a_page_sees_how_long_an_answer_took(services):
    answer = client(services)("GET", "/healthz")
    assert answer.header("Server-Timing").startswith("app;dur=")
    assert answer.header("Timing-Allow-Origin") == PAGE


def test_elsewhere_nobody_does(services):
    answer = client(services, env="production", api_url="http://127.0.0.1:8000")("GET", "/healthz")
    assert answer.status == 200
    assert answer.header("Server-Timing") is answer.header("Timing-Allow-Origin") is None


NAMES = {
    "a UUID": (UUID, UUID),
    "without hyphens, as nginx has it": (UUID.replace("-", ""), UUID),
    "in capitals": (UUID.upper(), UUID),
    "something else": ("swordfish", None),
    "a UUID and more": (f"{UUID}\n", None),
    "hyphens elsewhere": ("-" + UUID.replace("-", ""), None),
}


@pytest.mark.parametrize(("given", "expected"), NAMES.values(), ids=NAMES)
def test_a_proxy_that_is_trusted_names_the_request(services, given, expected):
    trusted = client(services, trusted_proxies=(ip_network("127.0.0.0/8"),))
    told = trusted("GET", "/nowhere", headers={"X-Request-Id": given})
    assert (told.header("X-Request-Id") == expected) == (expected is not None)
    assert told.json["request_id"] == told.header("X-Request-Id") != given.upper()


def test_nobody_else_names_it(services):
    assert client(services)("GET", "/healthz", headers={"X-Request-Id": UUID}).header("X-Request-Id") != UUID
