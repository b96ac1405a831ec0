"""/v1/users/activation."""

from shop import accounts
from tests.handlers.people import PASSWORD
from tests.shop.people import token_for

NEW = {"username": "ada", "password": PASSWORD, "email": "ada@example.org"}


def letter(services):
    return token_for(services, accounts.by_username(services, "ada").id)


def test_looking_changes_nothing_and_posting_activates(api, services):
    api("POST", "/v1/users", NEW)
    token = letter(services)
    for _ in range(3):
        response = api("GET", f"/v1/users/activation?code={token}")
        assert (response.status, response.json) == (200, {"valid": True})
    assert api("POST", "/v1/users/activation", {"token": token}).status == 204
    assert api("POST", "/v1/users/activation", {"token": token}).status == 204
    assert api("GET", f"/v1/users/activation?code={token}").status == 400


def test_whatever_is_wrong_has_one_answer(api, services):
    api("POST", "/v1/users", NEW)
    answers = [
        api("GET", "/v1/users/activation"),
        api("GET", "/v1/users/activation?code="),
        api("GET", "/v1/users/activation?code=x"),
        api("POST", "/v1/users/activation", {"token": "x"}),
        api("POST", "/v1/users/activation", {"token": ""}),
        api("GET", f"/v1/users/activation?code={'x' * 300}"),
        api("POST", "/v1/users/activation", {"token": "达" * 300}),
    ]
    assert {(answer.status, answer.json["code"]) for answer in answers} == {(400, "activation-invalid")}


def test_another_letter_is_promised_to_anybody(api, services):
    api("POST", "/v1/users", NEW)
    for name in ("ada", "nobody", "%00", "weibo"):
        response = api("POST", f"/v1/users/{name}/activation")
        assert response.status in (202, 404), response
    assert api("POST", "/v1/users/ada/activation").status == api("POST", "/v1/users/nobody/activation").status == 429
