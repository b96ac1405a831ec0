"""/v1/users/<username>/events: what happened to one's account."""

from typing import Annotated, Any

from msgspec import Meta, Struct

from dada.app import Answer, Request
from dada.operations import operation
from handlers.pages import PageQuery, page_of
from handlers.users import Time, when
from shop import events
from shop.services import Services

__all__ = ["Events"]


class Happening(Struct, kw_only=True):
    """Something that happened to an account."""

    id: Annotated[str, Meta(examples=["1"])]
    at: Time
    kind: Annotated[str, Meta(examples=["login"])]
    outcome: Annotated[str, Meta(examples=["ok"])]
    by_me: bool
    network: Annotated[str, Meta(examples=["127.0.0.0/24"])]
    agent: Annotated[str, Meta(examples=["Mozilla/5.0"])]
    request_id: Annotated[str, Meta(examples=["6f9619ff-8b86-8d01-b42d-00c04fc964ff"])]


class EventPage(Struct, kw_only=True):
    """Some of what happened, and the cursor of what was before."""

    items: list[Happening]
    next: str | None


class Events:
    """One's own events."""

    def __init__(self, services: Services) -> None:
        self._services = services

    @operation(query=PageQuery, answers={200: EventPage}, sends=("Link",))
    def get(self, request: Request) -> Answer:
        """List what happened, the newest first, a page at a time."""
        page = page_of(self._services, request, "events")
        (before,) = page.after or (None,)
        rows = events.of_user(self._services, request.identity.user_id, page.limit + 1, before)
        shown, following, headers = page.cut(rows, lambda row: [row.id])
        return Answer(200, EventPage(items=[_shown(row) for row in shown], next=following), headers)


def _shown(row: Any) -> Happening:
    return Happening(
        id=str(row.id),
        at=when(row.at),
        kind=row.kind,
        outcome=row.outcome,
        by_me=row.actor_id == row.user_id,
        network=row.network,
        agent=row.agent,
        request_id=row.request,
    )
