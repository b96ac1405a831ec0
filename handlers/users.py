"""/v1/users: registering, and one's own profile."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Any

from msgspec import Meta, Struct

from dada.app import Answer, Request
from dada.errors import Rejected
from dada.problems import HTTPProblem
from handlers.limits import take
from shop import accounts, limits
from shop.services import Services

__all__ = ["User", "Users", "registering", "when"]

Nickname = Annotated[str, Meta(max_length=50)]
Phone = Annotated[str, Meta(max_length=32)]
About = Annotated[str, Meta(max_length=300)]


class Registration(Struct, forbid_unknown_fields=True, kw_only=True):
    """What is needed for an account."""

    username: Annotated[str, Meta(max_length=120)]
    password: Annotated[str, Meta(max_length=1024)]
    email: Annotated[str, Meta(max_length=320)]
    nickname: Nickname = ""
    phone: Phone = ""
    language: Annotated[str, Meta(max_length=8)] = ""


class Changes(Struct, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """What may be changed of a profile; what is left out stays."""

    nickname: Nickname | None = None
    phone: Phone | None = None
    about: About | None = None
    language: Annotated[str, Meta(max_length=8)] | None = None


@contextmanager
def registering(services: Services, request: Request) -> Iterator[None]:
    """Count a registration inside, and one that failed as what it was: a name that was asked after, or nothing."""
    place = take(services, request, "register")
    try:
        yield
    except Rejected as refused:
        limits.give_back(services, "register", place)
        if refused.reason == "username-taken":
            take(services, request, "names")
        raise


def when(milliseconds: int) -> str:
    """Return a time as RFC 3339 has it, in UTC, to the second."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Users:
    """All users: one may join them."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def post(self, request: Request) -> Answer:
        """Register.  The same answer for an address that has an account and for one that has none."""
        new = request.json(Registration)
        with registering(self._services, request):
            accounts.register(
                self._services,
                username=new.username,
                password=new.password,
                email=new.email,
                language=(new.language or request.language)[:8],
                nickname=new.nickname,
                phone=new.phone,
            )
        return Answer(202, {"status": "activation_pending"})


class User:
    """One user, to himself."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def get(self, request: Request) -> Answer:
        """The profile; with names in the query (?nickname=1) just those members."""
        row = accounts.profile(self._services, request.identity.user_id)
        members = _shown(row)
        wanted = [name for name in members if request.query(name) == "1"]
        return Answer(200, {name: members[name] for name in wanted} if wanted else members, etag=_etag(row))

    def patch(self, request: Request) -> Answer:
        """Change some of it."""
        changes = request.json(Changes)
        row = accounts.profile(self._services, request.identity.user_id)
        request.must_mean(_etag(row))
        given = {name: getattr(changes, name) for name in accounts.EDITABLE if getattr(changes, name) is not None}
        changed = accounts.update_profile(self._services, row.id, row.version, given)
        if changed is None:
            raise HTTPProblem("precondition-failed")
        return Answer(200, _shown(changed), etag=_etag(changed))


def _etag(row: Any) -> str:
    return f'"{row.version}-{row.token_epoch}-{int(row.verified_email_key is not None)}"'


def _shown(row: Any) -> dict[str, Any]:
    return {
        "username": row.username,
        "nickname": row.nickname,
        "email": row.email,
        "email_verified": row.verified_email_key is not None,
        "phone": row.phone,
        "about": row.about,
        "language": row.language,
        "has_password": row.password_hash is not None,
        "created_at": when(row.created_at),
    }
