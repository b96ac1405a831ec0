"""Idempotency-Key: a POST that may be sent twice and acts once."""

import threading

import pytest

from handlers.documents import operations
from shop import addresses
from tests.handlers.people import PASSWORD, Person, join
from tests.handlers.test_federation import ticket
from tests.servers import PATIENCE
from tests.shop.weibo_browser import forget_requests

PARTS = {"receiver": "Ada", "phone": "123", "detail": "1 Main Street"}
HERE = "/v1/users/ada/addresses"
KEY = '"8e03978e-40d5-43e8-bc93-6894a57f9324"'


@pytest.fixture
def ada(services, api):
    return join(services, api)


def test_the_same_is_answered_the_same_and_done_once(ada):
    first, second = (ada("POST", HERE, PARTS, Idempotency_Key=KEY) for _ in range(2))
    assert (first.status, first.json, first.header("Location"), first.header("ETag")) == (
        second.status, second.json, second.header("Location"), second.header("ETag"),
    )  # fmt: skip
    assert (first.header("Idempotency-Replayed"), second.header("Idempotency-Replayed")) == (None, "true")
    assert len(ada("GET", HERE).json["items"]) == 1
    assert ada("POST", HERE, PARTS).status == 201
    assert len(ada("GET", HERE).json["items"]) == 2


def test_a_path_that_is_spelled_otherwise_is_the_same_path(ada):
    first, second = (ada("POST", path, PARTS, Idempotency_Key=KEY) for path in (HERE, HERE.replace("ada", "%61da")))
    assert (second.header("Idempotency-Replayed"), second.json) == ("true", first.json)
    assert len(ada("GET", HERE).json["items"]) == 1


def test_the_same_key_with_another_body_is_422(ada):
    ada("POST", HERE, PARTS, Idempotency_Key=KEY)
    response = ada("POST", HERE, PARTS | {"tag": "home"}, Idempotency_Key=KEY)
    assert (response.status, response.json["code"]) == (422, "idempotency-mismatch")


def test_while_the_first_one_runs_it_is_409(ada, monkeypatch):
    running, go_on, add, answers = threading.Event(), threading.Event(), addresses.add, []

    def slowly(*given):
        running.set()
        assert go_on.wait(PATIENCE)
        return add(*given)

    monkeypatch.setattr(addresses, "add", slowly)
    first = threading.Thread(target=lambda: answers.append(ada("POST", HERE, PARTS, Idempotency_Key=KEY)))
    first.start()
    assert running.wait(PATIENCE)
    response = ada("POST", HERE, PARTS, Idempotency_Key=KEY)
    go_on.set()
    first.join()
    assert (response.status, response.json["code"]) == (409, "idempotency-running")
    assert [answer.status for answer in answers] == [201]
    assert ada("POST", HERE, PARTS, Idempotency_Key=KEY).json == answers[0].json


@pytest.mark.parametrize("written", ["", '""', '"a', "a b", "a,b", '"' + "a" * 256 + '"'])
def test_a_key_that_is_none_is_400(ada, written):
    response = ada("POST", HERE, PARTS, Idempotency_Key=written)
    assert (response.status, response.json["code"]) == (400, "bad-request")
    assert ada("GET", HERE).json["items"] == []


def test_a_key_is_one_s_own(services, api, ada):
    eve = join(services, api, "eve")
    ada("POST", HERE, PARTS, Idempotency_Key=KEY)
    response = eve("POST", "/v1/users/eve/addresses", PARTS, Idempotency_Key=KEY)
    assert (response.status, response.header("Idempotency-Replayed")) == (201, None)


def test_what_was_refused_may_be_sent_again_mended_under_its_key(ada):
    assert ada("POST", HERE, {}, Idempotency_Key=KEY).status == 422
    assert ada("POST", HERE, PARTS, Idempotency_Key=KEY).status == 201


def test_whoever_registers_twice_with_a_key_is_not_told_that_the_name_is_taken(api):
    new = {"username": "bob", "password": PASSWORD, "email": "bob@example.org"}
    first, second = (api("POST", "/v1/users", new, {"Idempotency-Key": KEY}) for _ in range(2))
    assert (first.status, second.status, second.json) == (202, 202, first.json)
    assert api("POST", "/v1/users", new).status == 409


def test_a_binding_whose_answer_was_lost_is_answered_with_a_new_pair_and_no_token_is_kept(services, api, ada, world):
    forget_requests(world)
    binding = ticket(api) | {"username": "ada", "password": PASSWORD}
    lost, found = (api("POST", "/v1/users/weibo/bindings", binding, {"Idempotency-Key": KEY}) for _ in range(2))
    assert (lost.status, found.status, found.header("Idempotency-Replayed")) == (200, 200, "true")
    assert Person(api, found.json)("GET", "/v1/users/ada").status == 200
    assert api("POST", "/v1/tokens/refresh", {"refresh_token": found.json["refresh_token"]}).status == 200
    [name] = services.redis.keys("once:*")
    kept = services.redis.get(name).decode()
    for answer in (lost, found):
        assert answer.json["access_token"] not in kept
        assert answer.json["refresh_token"] not in kept
    assert services.redis.ttl(name) <= 600
    Person(api, found.json)("DELETE", "/v1/tokens")
    over = api("POST", "/v1/users/weibo/bindings", binding, {"Idempotency-Key": KEY})
    assert (over.status, over.json["code"]) == (401, "refresh-invalid")


def test_an_answer_is_not_kept_where_redis_went_away_meanwhile(ada, services, monkeypatch, redis_server):
    add = addresses.add

    def and_redis_dies(*given):
        row = add(*given)
        redis_server.stop()
        return row

    monkeypatch.setattr(addresses, "add", and_redis_dies)
    try:
        assert ada("POST", HERE, PARTS, Idempotency_Key=KEY).status == 201
    finally:
        redis_server.start()


def test_the_posts_that_make_something_take_a_key():
    takers = {one.path for one in operations() for header in one.operation.headers if header.name == "Idempotency-Key"}
    assert takers == {
        "/v1/users", "/v1/users/<username>/addresses",
        "/v1/users/weibo/bindings", "/v1/users/oauth/<provider>/bindings",
    }  # fmt: skip
