"""A browser's part of "log in with Weibo", played against the look-alike over real HTTP."""

from urllib.parse import parse_qs, urlsplit

import requests

from dada import oauth
from sandbox.world import World
from tests.servers import PATIENCE

__all__ = ["Browser", "faults", "forget_requests", "token_requests"]

ADMIN = {"Authorization": "Bearer admin"}


class Browser:
    """One browser: it keeps its secret, and the look-alike's cookie."""

    def __init__(self) -> None:
        self.verifier = oauth.new_secret()
        self.challenge = oauth.challenge(self.verifier)
        self._session = requests.Session()

    def consent(self, authorization_url: str, uid: str = "9000000001", action: str = "allow") -> dict[str, str]:
        """Log in at the look-alike and consent (or not); return the query that it sends the browser back with."""
        self._session.post(authorization_url, {"action": "login", "uid": uid}, allow_redirects=False, timeout=PATIENCE)
        answer = self._session.post(authorization_url, {"action": action}, allow_redirects=False, timeout=PATIENCE)
        assert answer.status_code == 302, answer.text
        query = parse_qs(urlsplit(answer.headers["Location"]).query, keep_blank_values=True)
        return {name: values[0] for name, values in query.items()}


def faults(world: World, *kinds: dict[str, object]) -> None:
    """Set the look-alike's switches."""
    answer = requests.put(
        f"http://{world.http}/admin/faults", json={"faults": list(kinds)}, headers=ADMIN, timeout=PATIENCE
    )
    assert answer.status_code < 300, answer.text


def token_requests(world: World) -> int:
    """Return how many token requests the look-alike got since it was asked to forget them."""
    answer = requests.get(f"http://{world.http}/admin/requests?endpoint=access_token", headers=ADMIN, timeout=PATIENCE)
    return len(answer.json()["requests"])


def forget_requests(world: World) -> None:
    """Let the look-alike forget requests and faults."""
    requests.delete(f"http://{world.http}/admin/requests", headers=ADMIN, timeout=PATIENCE)
    requests.delete(f"http://{world.http}/admin/faults", headers=ADMIN, timeout=PATIENCE)
