"""/v1/users/<username>/addresses: where one's parcels go."""

from typing import Annotated, Any

from msgspec import Meta, Struct, structs

from dada.app import Answer, Request
from dada.problems import FieldError, HTTPProblem, Invalid
from handlers.users import when
from shop import addresses
from shop.services import Services

__all__ = ["Address", "Addresses", "DefaultAddress", "number"]


class Parts(Struct, forbid_unknown_fields=True, kw_only=True):
    """The parts of an address."""

    receiver: Annotated[str, Meta(min_length=1, max_length=50)]
    phone: Annotated[str, Meta(min_length=3, max_length=32)]
    detail: Annotated[str, Meta(min_length=1, max_length=200)]
    region: Annotated[str, Meta(max_length=100)] = ""
    postcode: Annotated[str, Meta(max_length=16)] = ""
    tag: Annotated[str, Meta(max_length=20)] = ""


class Choice(Struct, forbid_unknown_fields=True, kw_only=True):
    """Which one shall be the default."""

    id: Annotated[str, Meta(pattern="^[0-9]{1,18}$")]


def _shown(row: Any) -> dict[str, Any]:
    parts = {name: getattr(row, name) for name in Parts.__struct_fields__}
    return {"id": str(row.id), **parts, "is_default": bool(row.is_default), "created_at": when(row.created_at)}


def _etag(row: Any) -> str:
    return f'"{row.version}"'


class Addresses:
    """All of one's addresses."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def get(self, request: Request) -> Answer:
        """One's addresses, a page at a time: ?limit= (1 to 100), ?cursor= (out of the answer before)."""
        limit, after = number(request, "limit", 20, 100), number(request, "cursor", 0, 1 << 53)
        rows = addresses.list_of(self._services, request.identity.user_id, after=after, limit=limit + 1)
        more = len(rows) > limit
        shown = [_shown(row) for row in rows[:limit]]
        if not more:
            return Answer(200, {"items": shown, "next": None})
        link = f"{request.path}?limit={limit}&cursor={shown[-1]['id']}"
        return Answer(200, {"items": shown, "next": shown[-1]["id"]}, (("Link", f'<{link}>; rel="next"'),))

    def post(self, request: Request) -> Answer:
        """Add one; the first is the default."""
        row = addresses.add(self._services, request.identity.user_id, structs.asdict(request.json(Parts)))
        location = f"{request.path}/{row.id}"
        return Answer(201, _shown(row), (("Location", location),), etag=_etag(row))


def number(request: Request, name: str, default: int, most: int) -> int:
    """Return a number of the query.  Raise :exc:`Invalid`."""
    text = request.query(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 17 and int(default > 0) <= int(text) <= most):
        raise Invalid([FieldError(f"#/{name}", "invalid")])
    return int(text)


class Address:
    """One address.  A change says which version it means: If-Match."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def _row(self, request: Request) -> Any:
        return addresses.get(self._services, request.identity.user_id, request.params["id"])

    def get(self, request: Request) -> Answer:
        """The address."""
        row = self._row(request)
        return Answer(200, _shown(row), etag=_etag(row))

    def put(self, request: Request) -> Answer:
        """Replace it."""
        parts, row = request.json(Parts), self._row(request)
        request.must_mean(_etag(row))
        changed = addresses.change(self._services, row.user_id, row.id, row.version, structs.asdict(parts))
        if changed is None:
            raise HTTPProblem("precondition-failed")
        return Answer(200, _shown(changed), etag=_etag(changed))

    def delete(self, request: Request) -> Answer:
        """Delete it."""
        row = self._row(request)
        request.must_mean(_etag(row))
        if not addresses.remove(self._services, row.user_id, row.id, row.version):
            raise HTTPProblem("precondition-failed")
        return Answer(204)


class DefaultAddress:
    """Which address is meant when none is named."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def put(self, request: Request) -> Answer:
        """Choose it."""
        addresses.make_default(self._services, request.identity.user_id, int(request.json(Choice).id))
        return Answer(204)
