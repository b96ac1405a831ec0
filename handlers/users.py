"""/v1/users: registering, and one's own profile."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from dada.app import Answer, Request
from dada.errors import Rejected
from dada.operations import IF_MATCH, IF_NONE_MATCH, operation
from dada.problems import HTTPProblem
from handlers.activation import ActivationPending
from handlers.limits import limited, take
from handlers.repeats import repeatable
from shop import accounts, limits
from shop.services import Services

__all__ = ["Time", "User", "Users", "registering", "when"]

Nickname = Annotated[str, Meta(max_length=50)]
Phone = Annotated[str, Meta(max_length=32)]
Time = Annotated[
    str, Meta(examples=["2026-11-22T08:00:00Z"], extra_json_schema={"format": "date-time"})  # RFC 3339, in UTC
]
About = Annotated[str, Meta(max_length=300)]


class Registration(Struct, forbid_unknown_fields=True, kw_only=True):
    """What is needed for an account."""

    username: Annotated[str, Meta(max_length=120, examples=["ada"])]
    password: Annotated[str, Meta(max_length=1024, examples=["correct horse battery"])]
    email: Annotated[str, Meta(max_length=320, examples=["ada@example.org"])]
    nickname: Nickname = ""
    phone: Phone = ""
    language: Annotated[str, Meta(max_length=8)] = ""


class ProfileChanges(Struct, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """What may be changed of a profile; what is left out stays."""

    nickname: Nickname | None = None
    phone: Phone | None = None
    about: About | None = None
    language: Annotated[str, Meta(max_length=8)] | None = None


class Profile(Struct, kw_only=True):
    """A profile, or those members of it that were asked for."""

    username: Annotated[str, Meta(examples=["ada"])] | UnsetType = UNSET
    nickname: Annotated[str, Meta(examples=["Ada"])] | UnsetType = UNSET
    email: Annotated[str, Meta(examples=["ada@example.org"])] | UnsetType = UNSET
    email_verified: bool | UnsetType = UNSET
    phone: str | UnsetType = UNSET
    about: str | UnsetType = UNSET
    language: Annotated[str, Meta(examples=["en"])] | UnsetType = UNSET
    has_password: bool | UnsetType = UNSET
    created_at: Time | UnsetType = UNSET


Wanted = Literal["0", "1"]


class ProfileQuery(Struct, forbid_unknown_fields=True, kw_only=True):
    """Which members: 1 for those that are wanted; all of them where none is named."""

    username: Wanted = "0"
    nickname: Wanted = "0"
    email: Wanted = "0"
    email_verified: Wanted = "0"
    phone: Wanted = "0"
    about: Wanted = "0"
    language: Wanted = "0"
    has_password: Wanted = "0"  # noqa: S105 a question, no password
    created_at: Wanted = "0"


@contextmanager
def registering(services: Services, request: Request) -> Iterator[None]:
    """Count a registration inside, and one that failed as what it was: a name that was asked after, or nothing."""
    place = take(services, request, "register")
    try:
        with limited():
            limits.take(services, "names", place)  # before anything is known: else its refusal would be the answer
    except HTTPProblem:  # nobody registered, and nothing was looked at
        limits.give_back(services, "register", place)
        raise
    try:
        yield
    except Rejected as refused:
        limits.give_back(services, "register", place)
        if refused.reason != "username-taken":
            limits.give_back(services, "names", place)
        raise
    limits.give_back(services, "names", place)


def when(milliseconds: int) -> str:
    """Return a time as RFC 3339 has it, in UTC, to the second."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Users:
    """All users: one may join them."""

    def __init__(self, services: Services) -> None:
        self._services = services

    @repeatable()
    @operation(limited=True, takes=Registration, answers={202: ActivationPending}, problems=("username-taken",))
    def post(self, request: Request) -> Answer:
        """Register.

        The same answer for an address that has an account and for one that has none.
        """
        new = request.json(Registration, accounts.faults)
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
        return Answer(202, ActivationPending())


class User:
    """One user, to himself."""

    def __init__(self, services: Services) -> None:
        self._services = services

    @operation(query=ProfileQuery, answers={200: Profile}, etag=True, headers=(IF_NONE_MATCH,))
    def get(self, request: Request) -> Answer:
        """Show the profile; with names in the query (?nickname=1) just those members."""
        asked = request.query(ProfileQuery)
        row = accounts.profile(self._services, request.identity.user_id)
        shown = _shown(row)
        wanted = [name for name in ProfileQuery.__struct_fields__ if getattr(asked, name) == "1"]
        part = Profile(**{name: getattr(shown, name) for name in wanted}) if wanted else shown
        return Answer(200, part, etag=_etag(row))

    @operation(takes=ProfileChanges, answers={200: Profile}, etag=True, headers=(IF_MATCH,))
    def patch(self, request: Request) -> Answer:
        """Change some of the profile."""
        changes = request.json(ProfileChanges)
        row = accounts.profile(self._services, request.identity.user_id)
        request.must_mean(_etag(row))
        given = {name: getattr(changes, name) for name in accounts.EDITABLE if getattr(changes, name) is not None}
        changed = accounts.update_profile(self._services, row.id, row.version, given)
        if changed is None:
            raise HTTPProblem("precondition-failed")
        return Answer(200, _shown(changed), etag=_etag(changed))


def _etag(row: Any) -> str:
    return f'"{row.version}-{row.token_epoch}-{int(row.verified_email_key is not None)}"'


def _shown(row: Any) -> Profile:
    return Profile(
        username=row.username,
        nickname=row.nickname,
        email=row.email,
        email_verified=row.verified_email_key is not None,
        phone=row.phone,
        about=row.about,
        language=row.language,
        has_password=row.password_hash is not None,
        created_at=when(row.created_at),
    )
