"""/v1/users/<username>/identities: the accounts elsewhere that one may log in with."""

from dada.app import Answer, Request
from handlers.callers import must_be_fresh
from handlers.users import when
from shop import federation
from shop.services import Services

__all__ = ["Identities", "Identity"]


class Identities:
    """All that are bound to one's account."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def get(self, request: Request) -> Answer:
        """They, the oldest first."""
        rows = federation.identities_of(self._services, request.identity.user_id)
        items = [{"provider": row.provider, "name": row.name, "bound_at": when(row.bound_at)} for row in rows]
        return Answer(200, {"items": items})


class Identity:
    """One of them."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def delete(self, request: Request) -> Answer:
        """Take it away.  Who did not prove himself in the last minutes logs in again first."""
        must_be_fresh(self._services, request.identity)
        federation.unbind(self._services, request.identity.user_id, request.params["provider"])
        return Answer(204)
