"""/v1/users/weibo and /v1/users/oauth/<provider>: logging in with an account elsewhere (RFC 6749 §4.1, 7636, 9700).

Weibo has paths of its own, which were there first; every other provider has the same under its name.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, structs, to_builtins

from dada.app import Answer, Request
from dada.oauth import challenge, new_secret
from dada.operations import operation
from dada.problems import FieldError, HTTPProblem, Invalid
from handlers.callers import caller_of, device_of, must_be_fresh
from handlers.limits import limited, take
from handlers.repeats import Keeping, repeatable
from handlers.tokens import TokenPair, granted
from handlers.users import registering
from shop import accounts, federation, tokens
from shop.accounts import Account
from shop.federation import Arrival
from shop.services import Services
from shop.tokens import Caller, Grant

__all__ = ["Authorization", "Bindings", "Returning", "ReturningByQuery"]

Text = Annotated[str, Meta(max_length=1024)]
EXAMPLE = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
RETURNS = (
    "oauth-return-invalid", "oauth-state-invalid", "oauth-code-rejected", "oauth-denied", "oauth-provider-unapproved",
    "provider-answer", "provider-unavailable", "provider-timeout", "account-disabled", "account-not-activated",
    "already-bound", "identity-taken", "unauthorized", "invalid-request", "invalid-token", "session-ended",
)  # fmt: skip


Purpose = Annotated[
    Literal["login", "bind"],
    Meta(
        description="To log in, or to bind the account elsewhere to the one that is logged in, which needs its token."
    ),
]
# Where a page may ask to be led back to.  Whatever else stood there would lead people to where a stranger wants them.
ReturnTo = Literal["/", "/account", "/addresses", "/addresses/new", "/sessions", "/events", "/password"]


class Leaving(Struct, forbid_unknown_fields=True, kw_only=True):
    """The hash of the secret that the page keeps."""

    code_challenge: (
        Annotated[str, Meta(max_length=128, examples=[EXAMPLE], description="SHA-256 of the secret, in base64url.")]
        | UnsetType
    ) = UNSET
    code_challenge_method: Annotated[Literal["S256"], Meta(description="How it is hashed.")] = "S256"
    purpose: Purpose = "login"
    return_to: Annotated[ReturnTo, Meta(description="Where on the page to go afterwards.")] | UnsetType = UNSET


class Departure(Struct, kw_only=True):
    """Where to go, what will come back, and, where the page has no secret, one to keep and to show as its verifier."""

    authorization_url: Annotated[str, Meta(examples=["https://api.weibo.com/oauth2/authorize?client_id=1000000721"])]
    state: Annotated[str, Meta(examples=[EXAMPLE])]
    flow_secret: Annotated[str, Meta(examples=[EXAMPLE])] | UnsetType = UNSET


class ReturnQuery(Struct, kw_only=True):
    """What the provider sent back; members that are not known here are passed over (RFC 6749 §4.1.2)."""

    state: Text | UnsetType = UNSET
    verifier: Text | UnsetType = UNSET
    code: Text | UnsetType = UNSET
    error: Text | UnsetType = UNSET
    purpose: Purpose = "login"


class LoggedIn(TokenPair, kw_only=True, tag_field="status", tag="logged_in"):
    """The account elsewhere belongs to one of ours, which is now logged in."""

    return_to: ReturnTo | UnsetType = UNSET


class Greeting(Struct, kw_only=True):
    """How to greet somebody of whom nothing else is known."""

    screen_name: str
    avatar: str


class Unbound(Struct, kw_only=True, tag_field="status", tag="unbound"):
    """The account elsewhere belongs to nobody yet: a ticket for binding it, good for some seconds.

    How to greet its owner stands in a member that has the provider's name.
    """

    ticket: Annotated[str, Meta(examples=[EXAMPLE])]
    expires_in: Annotated[int, Meta(ge=0, examples=[600])]
    weibo: Greeting | UnsetType = UNSET
    return_to: ReturnTo | UnsetType = UNSET


class Return(Struct, forbid_unknown_fields=True, kw_only=True):
    """What the provider sent back through the browser, and the secret of the browser that left."""

    verifier: Annotated[Text, Meta(examples=[EXAMPLE])]
    state: Annotated[Text, Meta(examples=[EXAMPLE], description="Needed: without it nothing is looked at.")] = ""
    code: Annotated[Text, Meta(examples=["4a1f0d2c"])] = ""
    error: Text = ""
    purpose: Purpose = "login"


class NewAccount(Struct, forbid_unknown_fields=True, kw_only=True):
    """What is needed for an account."""

    username: Annotated[str, Meta(max_length=120, examples=["ada"])]
    password: Annotated[Text, Meta(examples=["correct horse battery"])]
    email: Annotated[str, Meta(max_length=320, examples=["ada@example.org"])]


class Binding(Struct, forbid_unknown_fields=True, kw_only=True):
    """A ticket, and the account to bind it to: by name and password, a new one, or the one that is logged in."""

    ticket: Annotated[str, Meta(examples=[EXAMPLE])]
    verifier: Annotated[Text, Meta(examples=[EXAMPLE])]
    username: Annotated[str, Meta(max_length=320, examples=["ada"])] | UnsetType = UNSET
    password: Annotated[Text, Meta(examples=["correct horse battery"])] | UnsetType = UNSET
    register: NewAccount | UnsetType = UNSET


class Authorization:
    """The way to a provider."""

    def __init__(self, services: Services) -> None:
        self._services = services

    @operation(
        limited=True,
        query=Leaving,
        answers={200: Departure},
        problems=(
            "oauth-return-invalid", "unauthorized", "invalid-request", "invalid-token", "session-ended",
            "reauth-failed",
        ),
        caller="optional",
    )  # fmt: skip
    def get(self, request: Request) -> Answer:
        """Say where to go: the provider's page.

        ?code_challenge= is the S256 hash of a secret that the page keeps (RFC 7636 §4.2).
        A page that cannot hash (it is not in a secure context) leaves it out and is given a secret to keep.
        Who wants to bind proved himself in the last minutes, as he will have to when he is back.
        """
        asked = request.query(Leaving)
        shown, return_to = asked.code_challenge, "" if asked.return_to is UNSET else asked.return_to
        place = take(self._services, request, "oauth")
        if binding := _who_binds(self._services, request, asked.purpose):
            must_be_fresh(self._services, binding, "bind")
        flow_secret = new_secret() if shown is UNSET else UNSET
        hashed = challenge(flow_secret) if flow_secret else str(shown)
        with limited():
            departure = federation.begin(
                self._services, _provider(request), hashed, place, binding=binding, return_to=return_to
            )
        told = Departure(authorization_url=departure.authorization_url, state=departure.state, flow_secret=flow_secret)
        return Answer(200, told)


class Returning:
    """Somebody who comes back from one."""

    def __init__(self, services: Services) -> None:
        self._services = services

    @operation(limited=True, takes=Return, answers={200: LoggedIn | Unbound}, problems=RETURNS, caller="optional")
    def post(self, request: Request) -> Answer:
        """Log in, or get a ticket for binding.

        Who left to bind shows the token of the session that he left with; else none is looked at.
        """
        with _sensible():
            given = request.json(Return)
        params = {"code": given.code, "state": given.state, "error": given.error}
        return self._arrive(request, params, given.verifier, given.purpose)

    def _arrive(self, request: Request, params: Mapping[str, str], verifier: str | None, purpose: str) -> Answer:
        take(self._services, request, "oauth-return")
        binding = _who_binds(self._services, request, purpose)
        device = device_of(self._services, request)
        arrival = federation.arrive(self._services, _provider(request), params, verifier, device, binding=binding)
        return _told(request, arrival)


class ReturningByQuery(Returning):
    """The same by GET too: where the settings ask for it (OAUTH_RETURN_BY_GET)."""

    @operation(limited=True, query=ReturnQuery, answers={200: LoggedIn | Unbound}, problems=RETURNS, caller="optional")
    def get(self, request: Request) -> Answer:
        """Log in, or get a ticket for binding, with the parameters in the query.

        For lessons, and in the sandbox only: a query ends up in logs, and GET should change nothing (RFC 9110 §9.2.1).
        HEAD does not: whoever only looks is answered as if he had brought nothing, and spends no state and no code.
        """
        with _sensible():
            told = structs.asdict(request.query(ReturnQuery))
        brought = {} if request.method == "HEAD" else {name: told[name] for name in told if told[name] is not UNSET}
        return self._arrive(request, brought, brought.get("verifier"), told["purpose"])


def _who_binds(services: Services, request: Request, purpose: str) -> Caller | None:
    """Return who is logged in, where he wants to bind; None for who wants to log in: no token of his is looked at."""
    if purpose != "bind":
        return None
    caller = caller_of(services, request)
    request.identity = caller
    return caller


@contextmanager
def _sensible() -> Iterator[None]:
    """Refuse a return whose state or code is no text, or too long, as one: it is no form that somebody filled in."""
    try:
        yield
    except Invalid as error:
        if {field.pointer for field in error.errors} & {"#/state", "#/code", "#/error"}:
            raise HTTPProblem(
                "oauth-return-invalid", "state and code are one text each, not too long", clause="RFC 6749 §3.1"
            ) from None
        raise


def _provider(request: Request) -> str:
    return str(request.params.get("provider", "weibo"))


def _told(request: Request, arrival: Arrival) -> Answer:
    return_to = {"return_to": arrival.return_to} if arrival.return_to else {}
    if arrival.grant:
        return Answer(200, structs.replace(_logged_in(arrival.grant), **return_to))
    if arrival.ticket is None:
        raise HTTPProblem("internal")
    ticket = arrival.ticket
    greeting = Greeting(screen_name=ticket.name, avatar=ticket.avatar)
    told: dict[str, Any] = to_builtins(Unbound(ticket=ticket.token, expires_in=ticket.expires_in))
    return Answer(200, told | {_provider(request): greeting} | return_to)


def _logged_in(grant: Grant) -> LoggedIn:
    return LoggedIn(**structs.asdict(granted(grant)))


def _register_faults(members: Mapping[str, Any]) -> list[FieldError]:
    new = members.get("register")
    return [_inside(error) for error in accounts.faults(new)] if isinstance(new, dict) else []


def _inside(error: FieldError) -> FieldError:
    """The shop speaks of a new account; here it is a member of the body."""
    return error._replace(pointer="#/register" + error.pointer[1:])


def _session_of(services: Services, answer: Answer) -> str:
    """No token is kept: the session is, and who asks again gets a new pair for it."""
    sid: str = tokens.read_access_token(services, answer.body.access_token)["sid"]
    return sid


def _new_pair(services: Services, sid: str) -> Answer:
    return Answer(200, _logged_in(tokens.reissue(services, sid)))


class Bindings:
    """Binding an account elsewhere to one of ours."""

    def __init__(self, services: Services) -> None:
        self._services = services

    @repeatable(Keeping(_session_of, _new_pair, 600))
    @operation(
        limited=True,
        takes=Binding,
        answers={200: LoggedIn},
        problems=(
            "ticket-invalid", "already-bound", "identity-taken", "invalid-credentials", "reauth-failed", "unauthorized",
            "invalid-request", "invalid-token", "session-ended", "account-disabled", "account-not-activated",
            "username-taken", "refresh-invalid",
        ),
        caller="optional",
    )  # fmt: skip
    def post(self, request: Request) -> Answer:
        """Bind the account elsewhere to one of ours, and log in.

        To an account by name and password, to a new one, or to the one that is logged in.
        """
        given, device = request.json(Binding, _register_faults), device_of(self._services, request)
        if given.register is not UNSET:
            new = structs.asdict(given.register)
            try:
                with registering(self._services, request):
                    grant = federation.bind_new(
                        self._services, given.ticket, given.verifier, new, request.language, device
                    )
            except Invalid as error:
                raise Invalid([_inside(field) for field in error.errors]) from None
        else:
            take(self._services, request, "login")
            binding = self._lately(request) if given.username is UNSET else None
            prove = self._by_session(binding) if binding else self._by_password(given)
            with limited():
                grant = federation.bind_existing(
                    self._services, given.ticket, given.verifier, prove, device, binding=binding
                )
        return Answer(200, _logged_in(grant))

    def _by_password(self, given: Binding) -> Callable[[], Account]:
        name, password = given.username, given.password
        if name is UNSET or password is UNSET:
            raise Invalid([FieldError("#/password", "missing")])
        return lambda: accounts.authenticate(self._services, name, password)

    def _lately(self, request: Request) -> Caller:
        """Return who is logged in, and proved himself in the last minutes."""
        request.identity = caller = caller_of(self._services, request)
        must_be_fresh(self._services, caller, "bind")
        return caller

    def _by_session(self, caller: Caller) -> Callable[[], Account]:
        found = accounts.by_username(self._services, caller.username)
        if found is None:
            raise HTTPProblem("unauthorized")
        return lambda: accounts.must_be_active(found)
