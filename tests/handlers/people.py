"""People who call the API in process."""

from dada.testing import Client, Response
from tests.shop.people import PASSWORD, token_for

__all__ = ["PASSWORD", "Person", "join"]


class Person:
    """Somebody with tokens: calls go out in his name."""

    def __init__(self, api: Client, granted: dict[str, str]) -> None:
        self._api = api
        self.access, self.refresh, self.name = granted["access_token"], granted["refresh_token"], granted["username"]

    def __call__(self, method: str, path: str, body: object = None, **headers: str) -> Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self._api(method, path, body, {"Authorization": f"Bearer {self.access}", **named})


def join(services, api: Client, name: str = "ada") -> Person:
    """Register, activate and log somebody in, all by the API but for the letter."""
    new = {"username": name, "password": PASSWORD, "email": f"{name}@example.org"}
    assert api("POST", "/v1/users", new).status == 202
    from shop import accounts

    token = token_for(services, accounts.by_username(services, name).id)
    assert api("POST", "/v1/users/activation", {"token": token}).status == 204
    return log_in(api, name)


def log_in(api: Client, name: str = "ada") -> Person:
    """Log somebody in."""
    response = api("POST", "/v1/tokens", {"username": name, "password": PASSWORD})
    assert response.status == 200, response
    return Person(api, response.json)
