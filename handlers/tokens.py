"""/v1/tokens: logging in, going on, looking at one's sessions, logging out (RFC 6750, RFC 6749 §5.1, §6)."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from dada.app import Answer, Request
from dada.operations import operation
from dada.problems import HTTPProblem
from handlers.callers import bearer, denied, device_of
from handlers.limits import limited, place_of, take
from handlers.pages import PageQuery, page_of
from handlers.users import Time, when
from shop import accounts, tokens
from shop.services import Services
from shop.tokens import Grant

__all__ = ["CurrentToken", "OneToken", "Refresh", "TokenPair", "Tokens", "granted"]


EXAMPLE = "n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg…"


class Credentials(Struct, forbid_unknown_fields=True, kw_only=True):
    """A name, or a proved mail address, and the password."""

    username: Annotated[str, Meta(max_length=320, examples=["ada"])]
    password: Annotated[str, Meta(max_length=1024, examples=["correct horse battery"])]


class RefreshToken(Struct, forbid_unknown_fields=True, kw_only=True):
    """A refresh token."""

    refresh_token: Annotated[str, Meta(examples=[EXAMPLE])]


class TokenPair(Struct, kw_only=True):
    """A pair of tokens as OAuth 2.0 writes it (RFC 6749 §5.1); lifetimes in seconds."""

    access_token: Annotated[str, Meta(examples=["eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.…"])]
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 the kind, no token
    expires_in: Annotated[int, Meta(ge=0, examples=[600])]
    refresh_token: Annotated[str, Meta(examples=[EXAMPLE])]
    refresh_expires_in: Annotated[int, Meta(ge=0, examples=[1_209_600])]
    username: Annotated[str, Meta(examples=["ada"])]


class Session(Struct, kw_only=True):
    """A log-in on one device."""

    id: Annotated[str, Meta(examples=["9f86d081884c7d659a2feaa0c55ad015"])]
    created_at: Time
    last_used_at: Time
    user_agent: Annotated[str, Meta(examples=["Mozilla/5.0"])]
    network: Annotated[str, Meta(examples=["127.0.0.0/24"])]
    current: bool


class SessionPage(Struct, kw_only=True):
    """Some sessions, and the cursor of those that follow."""

    items: list[Session]
    next: str | None


class Scope(Struct, forbid_unknown_fields=True, kw_only=True):
    """Which sessions."""

    scope: Annotated[Literal["all", "others"], Meta(description="Every session, or every other one.")] = "all"


def granted(grant: Grant) -> TokenPair:
    """Return a pair of tokens as it is written."""
    return TokenPair(
        access_token=grant.access_token,
        expires_in=grant.expires_in,
        refresh_token=grant.refresh_token,
        refresh_expires_in=grant.refresh_expires_in,
        username=grant.username,
    )


class Tokens:
    """Sessions: one for each device."""

    def __init__(self, services: Services) -> None:
        self._services = services

    @operation(
        limited=True,
        takes=Credentials,
        answers={200: TokenPair},
        problems=("invalid-credentials", "account-not-activated", "account-disabled", "session-ended"),
    )
    def post(self, request: Request) -> Answer:
        """Log in."""
        given = request.json(Credentials)
        take(self._services, request, "login")
        with limited():
            account = accounts.authenticate(self._services, given.username, given.password)
        return Answer(200, granted(tokens.log_in(self._services, account, device_of(self._services, request))))

    @operation(query=PageQuery, answers={200: SessionPage}, sends=("Link",))
    def get(self, request: Request) -> Answer:
        """List one's own sessions, the latest log-in first, a page at a time."""
        caller, page = request.identity, page_of(self._services, request, "sessions")
        found = tokens.sessions_of(
            self._services, caller.user_id, caller.session, after=page.after, limit=page.limit + 1
        )
        shown, following, headers = page.cut(found, lambda session: [session.created_at, session.id])
        return Answer(200, SessionPage(items=[_shown(session) for session in shown], next=following), headers)

    @operation(query=Scope, answers={204: None})
    def delete(self, request: Request) -> Answer:
        """Log out everywhere, or everywhere else."""
        caller, scope = request.identity, request.query(Scope).scope
        tokens.end_all(self._services, caller.user_id, but=caller.session if scope == "others" else "")
        return Answer(204)


def _shown(session: tokens.Session) -> Session:
    return Session(
        id=session.id,
        created_at=when(session.created_at),
        last_used_at=when(session.last_used_at),
        user_agent=session.user_agent,
        network=session.network,
        current=session.current,
    )


class Refresh:
    """The next pair of tokens."""

    def __init__(self, services: Services) -> None:
        self._services = services

    @operation(
        limited=True, takes=RefreshToken, answers={200: TokenPair}, problems=("refresh-invalid", "refresh-reused")
    )
    def post(self, request: Request) -> Answer:
        """Exchange a refresh token, which is good once, for the next pair."""
        token, place = request.json(RefreshToken).refresh_token, place_of(self._services, request)
        with limited():
            return Answer(200, granted(tokens.refresh(self._services, token, place)))


class CurrentToken:
    """The session that the request comes from."""

    def __init__(self, services: Services) -> None:
        self._services = services

    @operation(answers={204: None}, problems=("unauthorized", "invalid-request", "invalid-token"), caller="own")
    def delete(self, request: Request) -> Answer:
        """Log out here.

        An access token whose time is over will do, and so will the refresh token; one that is not good is logged out
        already (RFC 7009 §2.2).
        """
        token = bearer(request)
        if token is None:
            raise HTTPProblem("unauthorized", clause="RFC 6750 §3")
        if not tokens.end_by_token(self._services, token):
            raise HTTPProblem("invalid-token", clause="RFC 6750 §3.1")
        return Answer(204)


class OneToken:
    """One of one's sessions, by its number."""

    def __init__(self, services: Services) -> None:
        self._services = services

    @operation(answers={204: None}, problems=("not-found",))
    def delete(self, request: Request) -> Answer:
        """Log out there."""
        sid = request.params["session"]
        if not tokens.end_session(self._services, sid, request.identity.user_id):
            raise denied(self._services, request, tokens.owner_of(self._services, sid))
        return Answer(204)
