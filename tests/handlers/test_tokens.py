"""/v1/tokens."""

import pytest

from shop import accounts
from tests.handlers.people import PASSWORD, Person, join, log_in

CREDENTIALS = {"username": "ada", "password": PASSWORD}


def test_logging_in_gives_a_pair_as_oauth_writes_it(api, services):
    join(services, api)
    response = api("POST", "/v1/tokens", CREDENTIALS)
    assert response.status == 200
    assert response.json.keys() == {
        "access_token", "token_type", "expires_in", "refresh_token", "refresh_expires_in", "username",
    }  # fmt: skip
    assert (response.json["token_type"], response.json["expires_in"], response.json["username"]) == (
        "Bearer",
        600,
        "ada",
    )
    assert response.header("Cache-Control") == "no-store"


def test_whatever_is_wrong_is_answered_byte_for_byte_alike(api, services):
    join(services, api)
    answers = [
        api("POST", "/v1/tokens", {"username": name, "password": password})
        for name, password in (("ada", "wrong"), ("nobody", PASSWORD), ("nobody@example.org", PASSWORD), ("\1", "x"))
    ]
    told = [{k: v for k, v in answer.json.items() if k not in ("instance", "request_id")} for answer in answers]
    assert told == [told[0]] * 4
    assert {answer.status for answer in answers} == {401}
    assert {answer.header("WWW-Authenticate") for answer in answers} == {'Bearer realm="dashop"'}
    assert {answer.header("Content-Length") for answer in answers} == {answers[0].header("Content-Length")}


def test_what_else_is_wrong_is_told_to_who_knows_the_password(api, services):
    api("POST", "/v1/users", CREDENTIALS | {"email": "ada@example.org"})
    assert api("POST", "/v1/tokens", CREDENTIALS).json["code"] == "account-not-activated"
    accounts.disable(services, accounts.by_username(services, "ada").id)
    response = api("POST", "/v1/tokens", CREDENTIALS)
    assert (response.status, response.json["code"]) == (403, "account-disabled")


def test_a_refresh_token_gives_the_next_pair_once(api, services, clock):
    ada = join(services, api)
    first = api("POST", "/v1/tokens/refresh", {"refresh_token": ada.refresh})
    assert first.status == 200
    clock.advance(11)
    again = api("POST", "/v1/tokens/refresh", {"refresh_token": ada.refresh})
    assert (again.status, again.json["code"]) == (401, "refresh-reused")
    assert (
        api("POST", "/v1/tokens/refresh", {"refresh_token": first.json["refresh_token"]}).json["code"]
        == "refresh-invalid"
    )
    assert Person(api, first.json)("GET", "/v1/users/ada").status == 401


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "x" * 300])
def test_a_refresh_token_that_is_none_is_401(api, token):
    response = api("POST", "/v1/tokens/refresh", {"refresh_token": token})
    assert (response.status, response.json["code"]) == (401, "refresh-invalid")


def test_one_s_sessions_are_listed(api, services):
    join(services, api)
    ada = log_in(api)
    items = ada("GET", "/v1/tokens", User_Agent="x").json["items"]
    assert len(items) == 2
    assert [item["current"] for item in items].count(True) == 1
    assert items[0].keys() == {"id", "created_at", "last_used_at", "user_agent", "network", "current"}
    assert items[0]["network"] == "127.0.0.0/24"


class TestLoggingOut:
    def test_here(self, api, services):
        ada = join(services, api)
        elsewhere = log_in(api)
        assert ada("DELETE", "/v1/tokens/current").status == 204
        assert ada("DELETE", "/v1/tokens/current").status == 204  # again is as good
        assert ada("GET", "/v1/tokens").status == 401
        assert elsewhere("GET", "/v1/tokens").status == 200

    def test_here_with_a_token_whose_time_is_over(self, api, services, clock):
        ada = join(services, api)
        clock.advance(3600)
        assert ada("GET", "/v1/tokens").status == 401
        assert ada("DELETE", "/v1/tokens/current").status == 204
        assert api("POST", "/v1/tokens/refresh", {"refresh_token": ada.refresh}).status == 401

    def test_here_with_the_refresh_token(self, api, services):
        ada = join(services, api)
        assert api("DELETE", "/v1/tokens/current", headers={"Authorization": f"Bearer {ada.refresh}"}).status == 204
        assert ada("GET", "/v1/tokens").status == 401

    @pytest.mark.parametrize("token", ["a.b.c", "A" * 107])
    def test_with_a_token_that_is_not_ours_is_no_error_and_ends_nothing(self, api, services, token):
        ada = join(services, api)
        forged = [token, f"{ada.access[:-2]}AA", f"{ada.refresh[:-4]}AAAA"]
        for wrong in forged:
            assert api("DELETE", "/v1/tokens/current", headers={"Authorization": f"Bearer {wrong}"}).status == 204
        assert ada("GET", "/v1/tokens").status == 200

    @pytest.mark.parametrize("token", ["x", "a.b", "a.b.c.d", "A" * 106, "A" * 106 + "B", "a.b." + "c" * 5000])
    def test_with_what_has_not_the_form_of_a_token(self, api, token):
        response = api("DELETE", "/v1/tokens/current", headers={"Authorization": f"Bearer {token}"})
        assert (response.status, response.json["code"]) == (401, "invalid-token")

    def test_with_no_token(self, api):
        assert api("DELETE", "/v1/tokens/current").json["code"] == "unauthorized"

    @pytest.mark.parametrize("query", ["", "?scope=all"])
    def test_everywhere(self, api, services, query):
        ada = join(services, api)
        elsewhere = log_in(api)
        assert ada("DELETE", f"/v1/tokens{query}").status == 204
        assert (ada("GET", "/v1/tokens").status, elsewhere("GET", "/v1/tokens").status) == (401, 401)

    def test_everywhere_else(self, api, services):
        ada = join(services, api)
        elsewhere = log_in(api)
        assert ada("DELETE", "/v1/tokens?scope=others").status == 204
        assert (ada("GET", "/v1/tokens").status, elsewhere("GET", "/v1/tokens").status) == (200, 401)

    def test_somewhere_that_is_not_known(self, api, services):
        assert join(services, api)("DELETE", "/v1/tokens?scope=here").status == 422


class TestLoggingOutThere:
    def test_it_acts_on_the_next_call_of_that_session_and_on_no_other(self, api, services):
        ada, elsewhere = join(services, api), log_in(api)
        there = next(item["id"] for item in elsewhere("GET", "/v1/tokens").json["items"] if item["current"])
        assert ada("DELETE", f"/v1/tokens/{there}").status == 204
        assert elsewhere("GET", "/v1/users/ada").status == 401
        assert ada("GET", "/v1/users/ada").status == 200
        assert ada("DELETE", f"/v1/tokens/{there}").status == 404

    def test_another_s_is_as_if_there_were_none(self, api, services):
        ada, eve = join(services, api), join(services, api, "eve")
        (hers,) = ada("GET", "/v1/tokens").json["items"]
        assert eve("DELETE", f"/v1/tokens/{hers['id']}").status == 404
        assert ada("GET", "/v1/users/ada").status == 200
