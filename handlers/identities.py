"""/v1/users/<username>/identities: the accounts elsewhere that one may log in with."""

from typing import Annotated

from msgspec import Meta, Struct

from dada.app import Answer, Request
from dada.operations import operation
from handlers.callers import must_be_fresh
from handlers.users import Time, when
from shop import federation
from shop.services import Services

__all__ = ["Identities", "Identity"]


class Bound(Struct, kw_only=True):
    """An account elsewhere that one may log in with."""

    provider: Annotated[str, Meta(examples=["weibo"])]
    name: Annotated[str, Meta(examples=["Ada"])]
    bound_at: Time


class AllBound(Struct, kw_only=True):
    """All that are bound to an account."""

    items: list[Bound]


class Identities:
    """All that are bound to one's account."""

    def __init__(self, services: Services) -> None:
        self._services = services

    @operation(answers={200: AllBound})
    def get(self, request: Request) -> Answer:
        """List the accounts elsewhere that are bound to one's own, the oldest first."""
        rows = federation.identities_of(self._services, request.identity.user_id)
        items = [Bound(provider=row.provider, name=row.name, bound_at=when(row.bound_at)) for row in rows]
        return Answer(200, AllBound(items=items))


class Identity:
    """One of them."""

    def __init__(self, services: Services) -> None:
        self._services = services

    @operation(answers={204: None}, problems=("not-found", "reauth-failed", "last-login-method"))
    def delete(self, request: Request) -> Answer:
        """Take it away.

        Who did not prove himself in the last minutes logs in again first.
        """
        must_be_fresh(self._services, request.identity, "unbind")
        federation.unbind(self._services, request.identity.user_id, request.params["provider"])
        return Answer(204)
