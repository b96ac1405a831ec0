"""/v1/users/<username>/password and /v1/password-resets."""

import redis

from shop import accounts
from tests.handlers.people import PASSWORD, Person, join, log_in
from tests.shop.people import token_for

CHANGE = {"current_password": PASSWORD, "new_password": "another long one"}


def test_a_changed_password_logs_everybody_else_out_and_this_session_goes_on(api, services):
    ada = join(services, api)
    elsewhere = log_in(api)
    response = ada("PUT", "/v1/users/ada/password", CHANGE)
    assert response.status == 200
    assert ada("GET", "/v1/users/ada").status == 401
    assert elsewhere("GET", "/v1/users/ada").status == 401
    renewed = Person(api, response.json)
    assert renewed("GET", "/v1/users/ada").status == 200
    assert len(renewed("GET", "/v1/tokens").json["items"]) == 1


def test_a_wrong_present_password_is_403_because_the_token_is_fine(api, services):
    ada = join(services, api)
    response = ada("PUT", "/v1/users/ada/password", CHANGE | {"current_password": "wrong"})
    assert (response.status, response.json["code"]) == (403, "reauth-failed")
    assert ada("GET", "/v1/users/ada").status == 200


def test_a_new_password_that_is_not_taken_is_told_with_its_pointer(api, services):
    ada = join(services, api)
    for new, code in (("short", "too_short"), (PASSWORD, "password_same")):
        response = ada("PUT", "/v1/users/ada/password", CHANGE | {"new_password": new})
        assert (response.status, response.json["errors"][0]["pointer"]) == (422, "#/new_password")
        assert response.json["errors"][0]["code"] == code


def test_a_reset_is_promised_to_any_address_alike(api, services):
    join(services, api)
    before = services.queue.counts().put
    answers = [
        api("POST", "/v1/password-resets", {"email": email}) for email in ("ada@example.org", "x@example.org", "x")
    ]
    assert {(answer.status, answer.body) for answer in answers} == {(202, b'{"status":"reset_pending"}')}
    assert services.queue.counts().put == before + 3


def test_a_new_password_is_chosen_with_the_letter_s_token_and_every_session_ends(api, services):
    ada = join(services, api)
    token = token_for(services, accounts.by_username(services, "ada").id, "reset")
    assert api("PUT", f"/v1/password-resets/{token}", {"password": "short"}).status == 422
    assert api("PUT", f"/v1/password-resets/{token}", {"password": "another long one"}).status == 204
    assert ada("GET", "/v1/users/ada").status == 401
    again = api("PUT", f"/v1/password-resets/{token}", {"password": "a third long one"})
    assert (again.status, again.json["code"]) == (400, "reset-invalid")
    assert api("POST", "/v1/tokens", {"username": "ada", "password": "another long one"}).status == 200


def test_a_new_password_is_not_told_as_a_failure_when_redis_goes_as_it_is_set(api, services, monkeypatch):
    ada = join(services, api)
    token = token_for(services, accounts.by_username(services, "ada").id, "reset")
    set_password, command = accounts._set_password, redis.Redis.execute_command

    def set_it_and_lose_redis(*arguments):
        account = set_password(*arguments)
        monkeypatch.setattr(redis.Redis, "execute_command", gone)
        return account

    def gone(*_, **__):
        raise redis.exceptions.ConnectionError

    monkeypatch.setattr(accounts, "_set_password", set_it_and_lose_redis)
    assert api("PUT", f"/v1/password-resets/{token}", {"password": CHANGE["new_password"]}).status == 204
    monkeypatch.setattr(redis.Redis, "execute_command", command)
    assert ada("GET", "/v1/users/ada").json["code"] == "session-ended"
    assert api("POST", "/v1/tokens/refresh", {"refresh_token": ada.refresh}).json["code"] == "refresh-invalid"
    assert api("POST", "/v1/tokens", {"username": "ada", "password": CHANGE["new_password"]}).status == 200
