"""Collections, a page at a time: ?limit= and ?cursor= in, `next` and Link out (RFC 8288 §3).

Whatever lists things takes a `PageQuery`, makes a `Page` of it, reads one row more than fits, and lets it be cut.
"""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, NamedTuple

from msgspec import UNSET, Meta, Struct, UnsetType

from dada import cursors
from dada.app import Request
from dada.problems import FieldError, Invalid
from shop.keyring import CURSOR
from shop.services import Services

__all__ = ["Page", "PageQuery", "page_of"]


class PageQuery(Struct, forbid_unknown_fields=True, kw_only=True):
    """Which page."""

    limit: Annotated[int, Meta(ge=1, le=100, description="At most so many items.")] = 20
    cursor: (
        Annotated[
            str,
            Meta(max_length=cursors.MAX_LENGTH, pattern="^[A-Za-z0-9_-]+$", description="`next` of the page before."),
        ]
        | UnsetType
    ) = UNSET


class Page(NamedTuple):
    """The page that is asked for.

    after  the position of the last item before it; [] for the first page
    """

    services: Services
    path: str
    place: str
    limit: int
    after: list[Any]

    def cut(
        self, rows: Sequence[Any], position: Callable[[Any], list[int | str]]
    ) -> tuple[Sequence[Any], str | None, tuple[tuple[str, str], ...]]:
        """Return the rows that fit, the cursor of the next page or None, and the headers that name it.

        rows      one more than fits, if there are so many
        position  where a row stands in the order of all
        """
        if len(rows) <= self.limit:
            return rows, None, ()
        shown = rows[: self.limit]
        cursor = cursors.write(self.services.keys.ring.keys(CURSOR)[0], self.place, position(shown[-1]))
        return shown, cursor, (("Link", f'<{self.path}?limit={self.limit}&cursor={cursor}>; rel="next"'),)


def page_of(services: Services, request: Request, collection: str) -> Page:
    """Return the page of the caller's *collection* that is asked for.  Raise :exc:`Invalid` for what makes no sense."""
    asked = request.query(PageQuery)
    place = f"{collection} of {request.identity.user_id}"
    after: list[Any] = []
    if asked.cursor is not UNSET:
        try:
            after = cursors.read(services.keys.ring.keys(CURSOR), place, asked.cursor)
        except cursors.BadCursor:
            raise Invalid([FieldError("#/cursor", "cursor")]) from None
    return Page(services, request.path, place, asked.limit, after)
