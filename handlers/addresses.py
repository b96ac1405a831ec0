"""/v1/users/<username>/addresses: where one's parcels go."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

from msgspec import Meta, Struct, structs

from dada.app import Answer, Request
from dada.operations import IF_MATCH, IF_NONE_MATCH, operation
from dada.problems import HTTPProblem
from handlers.callers import denied
from handlers.pages import PageQuery, page_of
from handlers.repeats import repeatable
from handlers.users import Time, when
from shop import addresses
from shop.errors import Refused
from shop.services import Services

__all__ = ["Address", "Addresses", "DefaultAddress"]


class AddressParts(Struct, forbid_unknown_fields=True, kw_only=True):
    """The parts of an address."""

    receiver: Annotated[str, Meta(min_length=1, max_length=50, examples=["Ada"])]
    phone: Annotated[str, Meta(min_length=3, max_length=32, examples=["13800000000"])]
    detail: Annotated[str, Meta(min_length=1, max_length=200, examples=["1 Main Street"])]
    region: Annotated[str, Meta(max_length=100)] = ""
    postcode: Annotated[str, Meta(max_length=16)] = ""
    tag: Annotated[str, Meta(max_length=20)] = ""


class SavedAddress(Struct, kw_only=True):
    """An address as it is kept."""

    id: Annotated[str, Meta(pattern="^[0-9]{1,18}$", examples=["1"])]
    receiver: Annotated[str, Meta(examples=["Ada"])]
    phone: Annotated[str, Meta(examples=["13800000000"])]
    region: str
    detail: Annotated[str, Meta(examples=["1 Main Street"])]
    postcode: str
    tag: str
    is_default: bool
    created_at: Time


class AddressPage(Struct, kw_only=True):
    """Some addresses, and the cursor of those that follow."""

    items: list[SavedAddress]
    next: str | None


class DefaultChoice(Struct, forbid_unknown_fields=True, kw_only=True):
    """Which one shall be the default."""

    id: Annotated[str, Meta(pattern="^[0-9]{1,18}$", examples=["1"])]


def _shown(row: Any) -> SavedAddress:
    parts = {name: getattr(row, name) for name in AddressParts.__struct_fields__}
    return SavedAddress(id=str(row.id), **parts, is_default=bool(row.is_default), created_at=when(row.created_at))


def _etag(row: Any) -> str:
    return f'"{row.version}"'


@contextmanager
def _own(services: Services, request: Request, address_id: int) -> Iterator[None]:
    """Let it be recorded that somebody asked inside for an address that is not his."""
    try:
        yield
    except Refused:
        raise denied(services, request, addresses.owner_of(services, address_id)) from None


class Addresses:
    """All of one's addresses."""

    def __init__(self, services: Services) -> None:
        self._services = services

    @operation(query=PageQuery, answers={200: AddressPage}, sends=("Link",))
    def get(self, request: Request) -> Answer:
        """List one's addresses, a page at a time."""
        page = page_of(self._services, request, "addresses")
        (after,) = page.after or (0,)
        rows = addresses.list_of(self._services, request.identity.user_id, after=after, limit=page.limit + 1)
        shown, following, headers = page.cut(rows, lambda row: [row.id])
        return Answer(200, AddressPage(items=[_shown(row) for row in shown], next=following), headers)

    @repeatable()
    @operation(takes=AddressParts, answers={201: SavedAddress}, etag=True, problems=("too-many-addresses",))
    def post(self, request: Request) -> Answer:
        """Add an address.

        The first one is the default.
        """
        row = addresses.add(self._services, request.identity.user_id, structs.asdict(request.json(AddressParts)))
        location = f"{request.path}/{row.id}"
        return Answer(201, _shown(row), (("Location", location),), etag=_etag(row))


class Address:
    """One address.  A change says which version it means: If-Match."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def _row(self, request: Request) -> Any:
        with _own(self._services, request, request.params["id"]):
            return addresses.get(self._services, request.identity.user_id, request.params["id"])

    @operation(answers={200: SavedAddress}, etag=True, headers=(IF_NONE_MATCH,), problems=("not-found",))
    def get(self, request: Request) -> Answer:
        """Show the address."""
        row = self._row(request)
        return Answer(200, _shown(row), etag=_etag(row))

    @operation(takes=AddressParts, answers={200: SavedAddress}, etag=True, headers=(IF_MATCH,), problems=("not-found",))
    def put(self, request: Request) -> Answer:
        """Replace the address."""
        parts, row = request.json(AddressParts), self._row(request)
        request.must_mean(_etag(row))
        changed = addresses.change(self._services, row.user_id, row.id, row.version, structs.asdict(parts))
        if changed is None:
            raise HTTPProblem("precondition-failed")
        return Answer(200, _shown(changed), etag=_etag(changed))

    @operation(answers={204: None}, headers=(IF_MATCH,), problems=("not-found",))
    def delete(self, request: Request) -> Answer:
        """Delete the address."""
        row = self._row(request)
        request.must_mean(_etag(row))
        if not addresses.remove(self._services, row.user_id, row.id, row.version):
            raise HTTPProblem("precondition-failed")
        return Answer(204)


class DefaultAddress:
    """Which address is meant when none is named."""

    def __init__(self, services: Services) -> None:
        self._services = services

    @operation(takes=DefaultChoice, answers={204: None}, problems=("not-found",))
    def put(self, request: Request) -> Answer:
        """Choose the default address."""
        chosen = int(request.json(DefaultChoice).id)
        with _own(self._services, request, chosen):
            addresses.make_default(self._services, request.identity.user_id, chosen)
        return Answer(204)
