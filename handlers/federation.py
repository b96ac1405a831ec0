"""/v1/users/weibo and /v1/users/oauth/<provider>: logging in with an account elsewhere (RFC 6749 §4.1, 7636, 9700).

Weibo has paths of its own, which were there first; every other provider has the same under its name.
"""

from collections.abc import Callable
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType, structs

from dada.app import Answer, Request
from dada.oauth import challenge, new_secret
from dada.problems import FieldError, HTTPProblem, Invalid
from handlers.callers import caller_of, device_of, must_be_fresh
from handlers.limits import limited, take
from handlers.tokens import granted
from handlers.users import registering
from shop import accounts, federation
from shop.accounts import Account
from shop.errors import Refused
from shop.federation import Arrival
from shop.services import Services

__all__ = ["Authorization", "Bindings", "Returning"]

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


class Authorization:
    """The way to a provider."""

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
        departure = federation.begin(self._services, _provider(request), shown or challenge(verifier))
        members = {"authorization_url": departure.authorization_url, "state": departure.state}
        return Answer(200, members | ({"verifier": verifier} if verifier else {}))


class Returning:
    """Somebody who comes back from one."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def get(self, request: Request) -> Answer:
        """The same as POST, with the parameters in the query: for lessons; a query ends up in logs."""
        names = ("code", "state", "error")
        params = {name: value for name in names if (value := request.query(name)) is not None}
        take(self._services, request, "oauth")
        arrival = federation.arrive(
            self._services, _provider(request), params, request.query("verifier"), device_of(self._services, request)
        )
        return _told(request, arrival)

    def post(self, request: Request) -> Answer:
        """Log in, or get a ticket for binding."""
        given = request.json(Return)
        take(self._services, request, "oauth")
        params = {"code": given.code, "state": given.state, "error": given.error}
        arrival = federation.arrive(
            self._services, _provider(request), params, given.verifier, device_of(self._services, request)
        )
        return _told(request, arrival)


def _provider(request: Request) -> str:
    return str(request.params.get("provider", "weibo"))


def _told(request: Request, arrival: Arrival) -> Answer:
    if arrival.grant:
        return Answer(200, {"status": "logged_in", **granted(arrival.grant)})
    if arrival.ticket is None:
        raise HTTPProblem("internal")
    ticket = arrival.ticket
    shown = {"screen_name": ticket.name, "avatar": ticket.avatar}
    return Answer(
        200, {"status": "unbound", "ticket": ticket.token, "expires_in": ticket.expires_in, _provider(request): shown}
    )


class Bindings:
    """Binding an account elsewhere to one of ours."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def post(self, request: Request) -> Answer:
        """Bind, and log in."""
        given, device = request.json(Binding), device_of(self._services, request)
        if given.register is not UNSET:
            new = structs.asdict(given.register)
            with registering(self._services, request):
                grant = federation.bind_new(self._services, given.ticket, given.verifier, new, request.language, device)
        else:
            take(self._services, request, "login")
            prove = self._by_password(given) if given.username is not UNSET else self._by_session(request)
            with limited():
                grant = federation.bind_existing(self._services, given.ticket, given.verifier, prove, device)
        return Answer(200, {"status": "logged_in", **granted(grant)})

    def _by_password(self, given: Binding) -> Callable[[], Account]:
        name, password = given.username, given.password
        if name is UNSET or password is UNSET:
            raise Invalid([FieldError("#/password", "missing")])
        return lambda: accounts.authenticate(self._services, name, password)

    def _by_session(self, request: Request) -> Callable[[], Account]:
        caller = caller_of(self._services, request)
        must_be_fresh(self._services, caller)
        found = accounts.by_username(self._services, caller.username)
        if found is None:
            raise HTTPProblem("unauthorized")
        return lambda: accounts.must_be_active(found)
