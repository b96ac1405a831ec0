"""Who may call: the guards behind the words in ROUTES (RFC 6750, RFC 9110 §11).

    no credentials of this scheme  401, a bare challenge
    credentials that make no sense 400, error="invalid_request"
    a token that is not good       401, error="invalid_token"
    somebody else's resource       404, as if it were not there

This file knows the Authorization header; which token is good is the shop's to say.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final

from dada.app import Guard, Request
from dada.jwt import TokenError
from dada.problems import HTTPProblem
from handlers.limits import address_of, prefix
from shop import accounts, events, limits, tokens, usernames
from shop.errors import Refused
from shop.events import Origin
from shop.limits import NOWHERE, TooMany
from shop.services import Services
from shop.tokens import Caller, Device

__all__ = [
    "GUARDED",
    "REALM",
    "announce",
    "bearer",
    "caller_of",
    "denied",
    "device_of",
    "guards",
    "maybe_caller",
    "must_be_fresh",
]

REALM: Final = "dashop"
FRESH_SECONDS = 300
_TOKEN_PROBLEMS: Final = ("unauthorized", "invalid-request", "invalid-token", "session-ended")
# What each guard raises, for the description of the API.
GUARDED: Final = {"signed-in": _TOKEN_PROBLEMS, "owner": (*_TOKEN_PROBLEMS, "not-found")}
_ANOTHER = re.compile(r",\s*bearer(?:\s|$)", re.IGNORECASE)  # a second header, as servers join them
_B64TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")  # RFC 6750 §2.1


def bearer(request: Request) -> str | None:
    """Return the bearer token of a request; None for no credentials, and for those of another scheme.

    Raise :exc:`HTTPProblem` for a Bearer that is no token (RFC 6750 §3.1).
    """
    written = request.header("Authorization")
    if written is None:
        return None
    scheme, _, token = written.partition(" ")
    # Who tried a way that is unknown here is told of ours, without an error; who tried two is not.
    if scheme and scheme.lower() != "bearer" and not _ANOTHER.search(written):
        return None
    if not _B64TOKEN.fullmatch(token.strip(" ")) or "," in written:
        challenge = f'Bearer realm="{REALM}", error="invalid_request", error_description="one bearer token is expected"'
        raise HTTPProblem("invalid-request", headers=[("WWW-Authenticate", challenge)], clause="RFC 6750 §3.1")
    return token.strip(" ")


def caller_of(services: Services, request: Request) -> Caller:
    """Return who calls.  Raise :exc:`HTTPProblem`."""
    token = bearer(request)
    if token is None:
        raise HTTPProblem("unauthorized", clause="RFC 6750 §3")
    try:
        return tokens.identify(services, token)
    except TokenError as error:
        raise _invalid("invalid-token", error.reason) from None
    except Refused as error:
        raise _invalid(error.reason, "ended") from None


def must_be_fresh(services: Services, caller: Caller, kind: str) -> None:
    """Raise :exc:`Refused` unless the caller proved who he is in the last minutes: a session alone may be stolen.

    kind  what he wants, as the events call it: a thief who tries it is seen there
    """
    if services.clock() - caller.authenticated_at > FRESH_SECONDS:
        events.note(services, kind, caller.user_id, "reauth-failed", actor_id=caller.user_id)
        raise Refused("reauth-failed", "log in again first")


def maybe_caller(services: Services, request: Request) -> Caller | None:
    """Return who calls, or None for nobody: credentials that are no good are none here."""
    try:
        return caller_of(services, request)
    except HTTPProblem:
        return None


def _invalid(code: str, why: str) -> HTTPProblem:
    challenge = f'Bearer realm="{REALM}", error="invalid_token", error_description="{why}"'
    return HTTPProblem(code, headers=[("WWW-Authenticate", challenge)], members={"reason": why}, clause="RFC 6750 §3.1")


def guards(services: Services) -> Mapping[str, Guard]:
    """Return the guard behind each word of ROUTES."""

    def signed_in(request: Request) -> None:
        request.identity = caller_of(services, request)

    def owner(request: Request) -> None:
        signed_in(request)
        if usernames.username_key(request.params["username"]) != request.identity.key:
            owner = accounts.by_username(services, request.params["username"])
            raise denied(services, request, owner.id if owner else None)

    return {"signed-in": signed_in, "owner": owner}


def denied(services: Services, request: Request, owner_id: int | None) -> HTTPProblem:
    """Return the problem of something that the caller has not, and let the record of events tell that he asked for it.

    owner_id  whose it is; None for nobody's: the same is done and answered
    """
    try:
        limits.take(services, "denied", NOWHERE, str(request.identity.user_id))
        events.note(services, "access", owner_id, "not-found")
    except TooMany:  # the events say so once; the answer is the same
        pass
    return HTTPProblem("not-found")


def device_of(services: Services, request: Request) -> Device:
    """Return where a log-in comes from: the browser's own words, and its network, not its address."""
    agent = "".join(char for char in request.header("User-Agent") or "" if char.isprintable())
    return Device(agent[:200], prefix(address_of(request, services.settings.trusted_proxies), {4: 24, 6: 64}))


def announce(services: Services) -> Callable[[Request], None]:
    """Return what lets the events that come of a request tell where it came from."""
    return lambda request: events.asked_by(lambda: _origin_of(services, request))


def _origin_of(services: Services, request: Request) -> Origin:
    device = device_of(services, request)
    return Origin(request.id, device.network, device.user_agent, request.identity.user_id if request.identity else None)
