"""Providers that are described in a file, against a small one over real HTTP."""

import dataclasses
import json

import pytest
from sqlalchemy import select

from dada.errors import Misuse
from shop import federation
from shop.errors import Refused
from shop.providers import greeting, read_descriptions
from shop.services import providers_of
from shop.tables import identities
from shop.tokens import Device
from tests.conftest import PAGE
from tests.shop.other_provider import OtherProvider
from tests.shop.people import join
from tests.shop.weibo_browser import Browser

DEVICE = Device("a browser", "127.0.0.0/24")


@pytest.fixture
def octopus():
    provider = OtherProvider()
    yield provider
    provider.close()


@pytest.fixture
def shop(services, octopus, tmp_path):
    """The shop with one more provider."""
    path = tmp_path / "providers.json"
    path.write_text(json.dumps([octopus.description()]))
    settings = dataclasses.replace(services.settings, providers=read_descriptions(path, PAGE))
    return dataclasses.replace(services, settings=settings, providers=providers_of(settings))


def arrive(shop, octopus):
    browser = Browser()
    departure = federation.begin(shop, "octopus", browser.challenge)
    params = octopus.consent(departure.authorization_url)
    return browser, federation.arrive(shop, "octopus", params, browser.verifier, DEVICE)


def test_one_logs_in_with_it_as_with_weibo(shop, octopus):
    ada = join(shop)
    browser, first = arrive(shop, octopus)
    assert (first.ticket.name, first.ticket.avatar) == ("octo", "https://octopus.example/77.png")
    federation.bind_existing(shop, "octopus", first.ticket.token, browser.verifier, lambda: ada, DEVICE)
    _, second = arrive(shop, octopus)
    assert second.grant.username == "ada"
    with shop.db.read() as connection:
        (row,) = connection.execute(select(identities)).all()
    assert (row.provider, row.subject, row.user_id) == ("octopus", "77", ada.id)


def test_the_same_number_at_another_provider_is_somebody_else(shop, octopus):
    octopus.profile = {"id": "9000000001", "login": "x"}
    ada = join(shop)
    with shop.db.write() as tx:
        row = {"provider": "weibo", "subject": "9000000001", "user_id": ada.id, "created_at": 1, "bound_at": 1}
        tx.execute(identities.insert().values(row))
    _, arrival = arrive(shop, octopus)
    assert (arrival.grant, arrival.ticket.name) == (None, "x")


def test_a_state_of_one_provider_is_none_of_another(shop, octopus):
    browser = Browser()
    params = octopus.consent(federation.begin(shop, "octopus", browser.challenge).authorization_url)
    with pytest.raises(Refused) as caught:
        federation.arrive(shop, "weibo", params, browser.verifier, DEVICE)
    assert (caught.value.reason, octopus.seen) == ("oauth-state-invalid", [])


PROFILES = {
    "no subject": ({"login": "octo"}, 200, "provider-answer"),
    "a subject that is no text": ({"id": [1]}, 200, "provider-answer"),
    "a subject that is true": ({"id": True}, 200, "provider-answer"),
    "a subject of blanks": ({"id": " "}, 200, "provider-answer"),
    "a subject that is too long": ({"id": "x" * 65}, 200, "provider-answer"),
    "no object": ([1], 200, "provider-answer"),
    "no JSON": (b"<html>", 200, "provider-answer"),
    "a member twice": (b'{"id":1,"id":2}', 200, "provider-answer"),
    "an error": ({"message": "no"}, 403, "oauth-code-rejected"),
    "an outage": ({"message": "no"}, 502, "provider-unavailable"),
}


@pytest.mark.parametrize(("profile", "status", "reason"), PROFILES.values(), ids=PROFILES)
def test_what_it_answers_wrongly_logs_nobody_in(shop, octopus, profile, status, reason):
    octopus.profile, octopus.status = profile, status
    with pytest.raises(Refused) as caught:
        arrive(shop, octopus)
    assert caught.value.reason == reason
    with shop.db.read() as connection:
        assert connection.execute(select(identities)).all() == []


def test_a_greeting_is_whatever_of_it_is_fit_to_be_shown():
    assert greeting("a\x00b\u202e", "javascript:alert(1)") == ("ab", "")
    assert greeting(None, 7) == ("", "")
    assert greeting("a", "http://127.0.0.1.evil.example/a.png") == ("a", "")
    assert greeting("a", "https://x.example@evil.example/a.png") == ("a", "")
    assert greeting("a", "http://127.0.0.1:9000/a.svg") == ("a", "http://127.0.0.1:9000/a.svg")
    assert greeting("x" * 99, "https://x.example/" + "y" * 500) == ("x" * 60, "")


def problems(tmp_path, told):
    path = tmp_path / "providers.json"
    path.write_text(told if isinstance(told, str) else json.dumps(told))
    with pytest.raises(Misuse) as caught:
        read_descriptions(path, PAGE)
    assert "octo-secret" not in str(caught.value)
    return [(problem.code, problem.field) for problem in caught.value.problems]


@pytest.mark.parametrize("name", ["weibo", "oauth", "status", "ticket"])
def test_a_provider_has_no_name_that_means_something_else_in_a_path_or_an_answer(octopus, tmp_path, name):
    assert problems(tmp_path, [octopus.description(name=name)]) == [("provider", "providers[0].name")]


def test_no_file_is_no_provider(tmp_path):
    assert read_descriptions(tmp_path / "providers.json", PAGE) == ()


def test_everything_that_is_wrong_is_told_at_once(tmp_path, octopus):
    entry = octopus.description(name="weibo", pkce="yes", scope="read", colour="red")
    del entry["user_url"]
    assert problems(tmp_path, [octopus.description(), entry]) == [
        ("provider", f"providers[1].{member}") for member in ("name", "user_url", "scope", "pkce", "colour")
    ]


@pytest.mark.parametrize("told", ["{", {}, [1]], ids=["no JSON", "no list", "no objects"])
def test_a_file_that_makes_no_sense_is_told(tmp_path, told):
    assert problems(tmp_path, told) == [("providers", str(tmp_path / "providers.json"))]


@pytest.mark.parametrize("url", ["http://octopus.example/user", "octopus", "https://octopus.example/user#x"])
@pytest.mark.parametrize("member", ["authorize_url", "token_url", "user_url"])
def test_a_url_that_is_not_safe_is_told(tmp_path, octopus, member, url):
    assert problems(tmp_path, [octopus.description(**{member: url})]) == [("oauth-url", f"providers[0].{member}")]


def test_two_of_one_name_are_told(tmp_path, octopus):
    assert problems(tmp_path, [octopus.description()] * 2) == [("providers", "name")]
