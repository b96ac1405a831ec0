"""/v1/users/weibo: logging in with Weibo (RFC 6749 §4.1, RFC 7636, RFC 9700)."""

from collections.abc import Callable
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType, structs

from dada.app import Answer, Request
from dada.oauth import challenge, new_secret
from dada.problems import FieldError, HTTPProblem, Invalid
from handlers.callers import caller_of, device_of
from handlers.limits import limited, take
from handlers.tokens import granted
from handlers.users import registering
from shop import accounts, weibo
from shop.accounts import Account
from shop.errors import Refused
from shop.services import Services
from shop.weibo import Arrival

__all__ = ["WeiboAuthorization", "WeiboBindings", "WeiboUsers"]

FRESH_SECONDS = 300  # how lately somebody must have proved himself to bind with his session alone

Text = Annotated[str, Meta(max_length=1024)]


class Return(Struct, forbid_unknown_fields=True, kw_only=True):
    """What the provider sent back through the browser, and the secret of the browser that left."""

    state: Text
    verifier: Text
    code: Text = ""
    error: Text = ""


class NewAccount(Struct, forbid_unknown_fields=True, kw_only=True):
    """What is needed for an account."""

    username: Annotated[str, Meta(max_length=120)]
    password: Text
    email: Annotated[str, Meta(max_length=320)]


class Binding(Struct, forbid_unknown_fields=True, kw_only=True):
    """A ticket, and the account to bind it to: by name and password, a new one, or the one that is logged in."""

    ticket: Annotated[str, Meta(max_length=200)]
    verifier: Text
    username: Annotated[str, Meta(max_length=320)] | UnsetType = UNSET
    password: Text | UnsetType = UNSET
    register: NewAccount | UnsetType = UNSET


class WeiboAuthorization:
    """The way to Weibo."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def get(self, request: Request) -> Answer:
        """Where to go.  ?code_challenge= is the S256 hash of a secret that the page keeps (RFC 7636 §4.2).

        A page that cannot hash (it is not in a secure context) leaves it out and is given a secret to keep.
        """
        if (request.query("code_challenge_method") or "S256") != "S256":
            raise Refused("oauth-return-invalid", "only S256 is taken")
        take(self._services, request, "oauth")
        shown = request.query("code_challenge")
        verifier = "" if shown else new_secret()
        departure = weibo.begin(self._services, shown or challenge(verifier))
        members = {"authorization_url": departure.authorization_url, "state": departure.state}
        return Answer(200, members | ({"verifier": verifier} if verifier else {}))


class WeiboUsers:
    """Somebody who comes back from Weibo."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def get(self, request: Request) -> Answer:
        """The same as POST, with the parameters in the query: for lessons; a query ends up in logs."""
        names = ("code", "state", "error")
        params = {name: value for name in names if (value := request.query(name)) is not None}
        take(self._services, request, "oauth")
        arrival = weibo.arrive(self._services, params, request.query("verifier"), device_of(self._services, request))
        return _told(arrival)

    def post(self, request: Request) -> Answer:
        """Log in, or get a ticket for binding."""
        given = request.json(Return)
        take(self._services, request, "oauth")
        params = {"code": given.code, "state": given.state, "error": given.error}
        return _told(weibo.arrive(self._services, params, given.verifier, device_of(self._services, request)))


def _told(arrival: Arrival) -> Answer:
    if arrival.grant:
        return Answer(200, {"status": "logged_in", **granted(arrival.grant)})
    if arrival.ticket is None:
        raise HTTPProblem("internal")
    ticket = arrival.ticket
    shown = {"screen_name": ticket.name, "avatar": ticket.avatar}
    return Answer(200, {"status": "unbound", "ticket": ticket.token, "expires_in": ticket.expires_in, "weibo": shown})


class WeiboBindings:
    """Binding a Weibo account to one of ours."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def post(self, request: Request) -> Answer:
        """Bind, and log in."""
        given, device = request.json(Binding), device_of(self._services, request)
        if given.register is not UNSET:
            new = structs.asdict(given.register)
            with registering(self._services, request):
                grant = weibo.bind_new(self._services, given.ticket, given.verifier, new, request.language, device)
        else:
            take(self._services, request, "login")
            prove = self._by_password(given) if given.username is not UNSET else self._by_session(request)
            with limited():
                grant = weibo.bind_existing(self._services, given.ticket, given.verifier, prove, device)
        return Answer(200, {"status": "logged_in", **granted(grant)})

    def _by_password(self, given: Binding) -> Callable[[], Account]:
        name, password = given.username, given.password
        if name is UNSET or password is UNSET:
            raise Invalid([FieldError("#/password", "missing")])
        return lambda: accounts.authenticate(self._services, name, password)

    def _by_session(self, request: Request) -> Callable[[], Account]:
        caller = caller_of(self._services, request)
        if self._services.clock() - caller.authenticated_at > FRESH_SECONDS:
            raise Refused("reauth-failed", "log in again first")
        found = accounts.by_username(self._services, caller.username)
        if found is None:
            raise HTTPProblem("unauthorized")
        return lambda: accounts.must_be_active(found)
