"""/v1/users/<username>/events: what happened to one's account."""

from typing import Any

from dada.app import Answer, Request
from handlers.addresses import number
from handlers.users import when
from shop import events
from shop.services import Services

__all__ = ["Events"]


class Events:
    """One's own events."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def get(self, request: Request) -> Answer:
        """The newest first, a page at a time: ?limit= (1 to 100), ?cursor= (out of the answer before)."""
        limit, before = number(request, "limit", 20, 100), number(request, "cursor", 0, 1 << 53)
        rows = events.of_user(self._services, request.identity.user_id, limit + 1, before or None)
        shown = [_shown(row) for row in rows[:limit]]
        if len(rows) <= limit:
            return Answer(200, {"items": shown, "next": None})
        link = f"{request.path}?limit={limit}&cursor={shown[-1]['id']}"
        return Answer(200, {"items": shown, "next": shown[-1]["id"]}, (("Link", f'<{link}>; rel="next"'),))


def _shown(row: Any) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "at": when(row.at),
        "kind": row.kind,
        "outcome": row.outcome,
        "by_me": row.actor_id == row.user_id,
        "network": row.network,
        "agent": row.agent,
        "request_id": row.request,
    }
