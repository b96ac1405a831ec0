"""/v1/tokens: logging in, going on, looking at one's sessions, logging out (RFC 6750, RFC 6749 §5.1, §6)."""

from typing import Annotated, Any

from msgspec import Meta, Struct

from dada.app import Answer, Request
from dada.jwt import TokenError
from dada.problems import FieldError, HTTPProblem, Invalid
from handlers.callers import bearer, device_of
from handlers.limits import limited, take
from handlers.users import when
from shop import accounts, tokens
from shop.errors import Refused
from shop.services import Services
from shop.tokens import Grant

__all__ = ["CurrentToken", "Refresh", "Tokens", "granted"]


class Credentials(Struct, forbid_unknown_fields=True, kw_only=True):
    """A name, or a proved mail address, and the password."""

    username: Annotated[str, Meta(max_length=320)]
    password: Annotated[str, Meta(max_length=1024)]


class RefreshToken(Struct, forbid_unknown_fields=True, kw_only=True):
    """A refresh token."""

    refresh_token: Annotated[str, Meta(max_length=200)]


def granted(grant: Grant) -> dict[str, Any]:
    """Return a pair of tokens as OAuth 2.0 writes it (RFC 6749 §5.1)."""
    return {
        "access_token": grant.access_token,
        "token_type": "Bearer",
        "expires_in": grant.expires_in,
        "refresh_token": grant.refresh_token,
        "refresh_expires_in": grant.refresh_expires_in,
        "username": grant.username,
    }


class Tokens:
    """Sessions: one for each device."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def post(self, request: Request) -> Answer:
        """Log in."""
        given = request.json(Credentials)
        take(self._services, request, "login")
        with limited():
            account = accounts.authenticate(self._services, given.username, given.password)
        return Answer(200, granted(tokens.log_in(self._services, account, device_of(self._services, request))))

    def get(self, request: Request) -> Answer:
        """One's own sessions."""
        caller = request.identity
        items = [
            {
                "id": session.id,
                "created_at": when(session.created_at),
                "last_used_at": when(session.last_used_at),
                "user_agent": session.user_agent,
                "network": session.network,
                "current": session.current,
            }
            for session in tokens.sessions_of(self._services, caller.user_id, caller.session)
        ]
        return Answer(200, {"items": items})

    def delete(self, request: Request) -> Answer:
        """Log out everywhere (?scope=all, which is meant where none is given) or everywhere else (?scope=others)."""
        scope = request.query("scope") or "all"
        if scope not in ("all", "others"):
            raise Invalid([FieldError("#/scope", "invalid")])
        caller = request.identity
        tokens.end_all(self._services, caller.user_id, but=caller.session if scope == "others" else "")
        return Answer(204)


class Refresh:
    """The next pair of tokens."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def post(self, request: Request) -> Answer:
        """Exchange a refresh token, which is good once, for the next pair."""
        with limited():
            return Answer(200, granted(tokens.refresh(self._services, request.json(RefreshToken).refresh_token)))


class CurrentToken:
    """The session that the request comes from."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def delete(self, request: Request) -> Answer:
        """Log out here.  An access token whose time is over will do, and so will the refresh token (RFC 7009 §2.2)."""
        token = bearer(request)
        if token is None:
            raise HTTPProblem("unauthorized", clause="RFC 6750 §3")
        try:
            if token.count(".") == 2:
                tokens.end_session(
                    self._services, tokens.read_access_token(self._services, token, even_late=True)["sid"]
                )
            else:
                tokens.end_by_refresh_token(self._services, token)
        except (TokenError, Refused):
            raise HTTPProblem("invalid-token", clause="RFC 6750 §3.1") from None
        return Answer(204)
