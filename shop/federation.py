"""Log in with somebody else's account: the shop's side of the flow, from leaving to a session.

    begin ─► (the browser is away) ─► arrive ─► a session, or a ticket ─► bind_existing | bind_new ─► a session

What a browser leaves for is remembered with its state: to log in, or to bind the account elsewhere to the one that is
logged in, in this session.  Who comes back for something else, or as somebody else, is refused.

Who it is, the provider says when it is asked with the token (`providers.py`).  Nothing of it is kept but the number of
the account there and the name to greet it with; mail addresses and names link nothing.

A ticket is what an arrival is worth that belongs to no account yet: good for ten minutes, five tries and one binding,
and only in the browser that began.

This file knows identities; the protocol is in `dada/oauth.py`, what each provider is like in `providers.py`.
"""

import hashlib
import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hmac import compare_digest
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Row, delete, insert, select

from dada import oauth
from shop import accounts, events, limits, outbox, tokens
from shop.accounts import Account
from shop.database import IntegrityError
from shop.errors import Refused
from shop.limits import NOWHERE, Place
from shop.providers import Greeting, Provider
from shop.services import Services
from shop.tables import identities, sessions, users
from shop.tokens import Caller, Device, Grant

__all__ = ["Arrival", "Departure", "Ticket", "arrive", "begin", "bind_existing", "bind_new", "identities_of", "unbind"]

_log = logging.getLogger("shop.federation")

TICKET_SECONDS: Final = 600
TRIES: Final = 5

_REASONS: Final = {
    "return": "oauth-return-invalid",
    "state": "oauth-state-invalid",
    "verifier": "oauth-state-invalid",
    "provider": "oauth-state-invalid",
    "purpose": "oauth-state-invalid",
    "denied": "oauth-denied",
    "code": "oauth-code-rejected",
    "client": "oauth-code-rejected",
    "answer": "provider-answer",
    "unavailable": "provider-unavailable",
}


class Departure(NamedTuple):
    """Where the page goes, and what it must bring back."""

    authorization_url: str
    state: str


class Ticket(NamedTuple):
    """An identity that belongs to no account yet, for the browser that proved it."""

    token: str
    expires_in: int
    name: str
    avatar: str


class Identity(NamedTuple):
    """Who somebody is elsewhere: the provider's name, and its number for him."""

    provider: str
    subject: str


class Arrival(NamedTuple):
    """What an arrival is worth: a session, or a ticket; and where on the page its browser goes, "" for nowhere."""

    grant: Grant | None
    ticket: Ticket | None
    return_to: str


def _provider(services: Services, name: str) -> Provider:
    found = services.providers.get(name)
    if found is None:
        raise Refused("not-found", "there is no such provider")
    return found


def _purpose(binding: Caller | None) -> str:
    """Return what a browser leaves or comes back for: to log in, or to bind for who is logged in, in this session."""
    return f"bind {binding.user_id} {binding.session}" if binding else oauth.LOGIN


def begin(
    services: Services,
    provider: str,
    challenge: str,
    place: Place = NOWHERE,
    *,
    binding: Caller | None = None,
    return_to: str = "",
) -> Departure:
    """Let a browser leave for a provider.

    binding    who wants to bind an account there; None for who wants to log in
    return_to  where on the page to go afterwards: one of the caller's own words, nothing out of a request

    Raise :exc:`Refused`: an unknown one, no challenge; :exc:`TooMany` if too many left from this place and did not come
    back: what is remembered of each takes room.
    """
    client = _provider(services, provider).client
    try:
        state, pending, url = oauth.begin(client, challenge, _purpose(binding))
    except oauth.OAuthError as error:
        raise Refused("oauth-return-invalid", error.detail) from None
    key = oauth.state_key(state)
    limits.open_one(services, "oauth-open", key, place)
    kept = {**pending._asdict(), "created_at": services.now_ms, "return_to": return_to, "place": place}
    services.cache.set(f"oauth:{key}", json.dumps(kept), oauth.LIFETIME)
    _log.info("a browser leaves for %s, flow %s", client.name, key[:8])
    return Departure(url, state)


def arrive(
    services: Services,
    provider: str,
    params: Mapping[str, Any],
    verifier: Any,
    device: Device,
    *,
    binding: Caller | None = None,
) -> Arrival:
    """Let a browser come back from a provider.  Raise :exc:`Refused`.

    binding  who wants to bind, as at `begin`; nobody is logged in then

    The state is forgotten before anything else is done, and the code is shown once, whatever comes of it.
    """
    found = _provider(services, provider)
    with events.in_flow(_flow(params)):
        try:
            return _arrive(services, found, params, verifier, device, binding)
        except Refused as refused:
            kind = "bind" if binding else "login"
            events.note(services, kind, binding and binding.user_id, refused.reason)
            raise


def _flow(params: Mapping[str, Any]) -> str:
    """Return what the events keep of a state and its code: enough to find them again, too little to use them."""
    state, code = (params.get(name) for name in ("state", "code"))
    shown = [_hash(text)[:8] if isinstance(text, str) and text else "" for text in (state, code)]
    return ".".join(shown).rstrip(".")


def _arrive(
    services: Services,
    provider: Provider,
    params: Mapping[str, Any],
    verifier: Any,
    device: Device,
    binding: Caller | None,
) -> Arrival:
    try:
        returned = oauth.read_return(params)
        pending, return_to = _back(services, oauth.state_key(returned.state))
        request = oauth.admit(oauth.Admission(provider.client, returned, pending, verifier, _purpose(binding)))
        if not services.cache.set(
            f"code:{provider.client.name}:{_hash(returned.code)}", "1", oauth.LIFETIME, if_new=True
        ):
            raise Refused("oauth-code-rejected", "this code was shown before")
        answer = _exchange(services, provider, request)
        subject = provider.whose(services.http, answer)
        identity = Identity(provider.client.name, subject)
        if account := _owner(services, identity):
            if binding:  # who came to bind is not logged in as somebody else
                raise Refused("already-bound" if account.id == binding.user_id else "identity-taken")
            return Arrival(tokens.log_in(services, account, device), None, return_to)
        greeting = provider.greet(services.http, answer, subject)
        events.note(services, "ticket", binding and binding.user_id, "ok")
        told = {"challenge": oauth.challenge(verifier), "purpose": _purpose(binding), "flow": _flow(params)}
        return Arrival(None, _ticket(services, identity, greeting, told), return_to)
    except oauth.OAuthError as error:
        raise Refused(_REASONS[error.reason], error.detail) from None


def _back(services: Services, key: str) -> tuple[oauth.Pending | None, str]:
    """Return what was remembered of a departure, which is over now, and where its browser wants to go."""
    kept = services.cache.take(f"oauth:{key}")
    if kept is None:
        return None, ""
    left = json.loads(kept)
    limits.close(services, "oauth-open", key, Place(*left["place"]))
    late = services.now_ms >= left["created_at"] + oauth.LIFETIME * 1000
    return None if late else oauth.Pending(*(left[name] for name in oauth.Pending._fields)), left["return_to"]


def _exchange(services: Services, provider: Provider, request: oauth.TokenRequest) -> oauth.TokenAnswer:
    """Show the code, once, and return the answer.  That a provider refuses us, whoever is on call has to hear."""
    reply = services.http.post(request.url, request.form)
    try:
        return provider.token(reply.status, reply.body)
    except oauth.OAuthError as error:
        if error.reason == "client":
            _log.error("%s refuses a request of ours, with status %d", provider.client.name, reply.status)
        raise


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def _owner(services: Services, identity: Identity) -> Account | None:
    """Return the account that an identity is bound to; None for none."""
    mine = (identities.c.provider == identity.provider) & (identities.c.subject == identity.subject)
    query = select(users).join(identities, identities.c.user_id == users.c.id).where(mine)
    with services.db.read() as connection:
        user = connection.execute(query).first()
    return Account(user.id, user.username, user.username_key, user.state, user.token_epoch) if user else None


# --- tickets ---------------------------------------------------------------------------------------------


def _ticket(services: Services, identity: Identity, greeting: Greeting, told: dict[str, str]) -> Ticket:
    token = oauth.new_secret()
    kept = {"identity": identity, "name": greeting.name, "tries": TRIES, **told}
    _keep(services, token, {**kept, "until": services.clock() + TICKET_SECONDS})
    return Ticket(token, TICKET_SECONDS, greeting.name, greeting.avatar)


def _keep(services: Services, token: str, ticket: dict[str, Any]) -> None:
    left = ticket["until"] - services.clock()
    if left > 0 and ticket["tries"] > 0:
        services.cache.set(f"ticket:{_hash(token)}", json.dumps(ticket), left)


def _take(services: Services, token: str) -> dict[str, Any]:
    """Take a ticket out of the cache, where nobody else has it meanwhile; an empty one for none, or one too old."""
    kept = services.cache.take(f"ticket:{_hash(token)}")
    ticket: dict[str, Any] = json.loads(kept) if kept else {}
    return ticket if ticket and services.clock() < ticket["until"] else {}


@contextmanager
def _holding(
    services: Services, provider: str, token: str, verifier: Any, purpose: str = oauth.LOGIN
) -> Iterator[dict[str, Any]]:
    """Give a ticket, and take it back with a try less if what is inside fails; a refusal leaves its event.

    provider  at whose door it is shown: it is good there only
    purpose   what for: a ticket that somebody left for to bind is good for him and his session only
    """
    here = _provider(services, provider).client.name
    ticket = _take(services, token)
    with events.in_flow(ticket.get("flow", "")):
        try:
            if not ticket:
                raise Refused("ticket-invalid")
            try:
                shown = oauth.challenge(verifier) if isinstance(verifier, str) else ""
                same_browser = compare_digest(shown.encode(), ticket["challenge"].encode())
                same_provider = Identity(*ticket["identity"]).provider == here
                if not (same_browser and same_provider and ticket["purpose"] in (oauth.LOGIN, purpose)):
                    raise Refused("ticket-invalid")
                yield ticket
            except Exception:
                _keep(services, token, {**ticket, "tries": ticket["tries"] - 1})
                raise
        except Refused as refused:
            events.note(services, "bind", None, refused.reason)
            raise


def bind_existing(
    services: Services,
    provider: str,
    token: str,
    verifier: Any,
    prove: Any,
    device: Device,
    *,
    binding: Caller | None = None,
) -> Grant:
    """Bind a ticket's identity to an account, and log in; who is logged in stays in his session, with a new pair.

    prove    called for the account: a log-in by password, or the session of the caller; what it raises costs a try
    binding  whose session that is; None for a password

    Raise :exc:`Refused`: ticket-invalid, already-bound (the account has another), identity-taken (somebody was faster),
    session-ended.
    """
    with _holding(services, provider, token, verifier, _purpose(binding)) as ticket:
        account: Account = prove()
        with services.db.write() as tx:
            _bind(tx, services, ticket, account, binding)
            outbox.put(tx, services, "mail.identity_bound", user=account.id)
            events.write(tx, services, "bind", account.id, actor_id=account.id)
    return tokens.reissue(services, binding.session) if binding else tokens.log_in(services, account, device)


def bind_new(
    services: Services, provider: str, token: str, verifier: Any, new: dict[str, str], language: str, device: Device
) -> Grant:
    """Register an account, bind a ticket's identity to it, and log in: all of it, or nothing.

    The account is active, since its owner proved who he is; his mail address is not, until he clicks the letter's link.
    Raise :exc:`Refused` and :exc:`Invalid` as registering does.
    """
    with _holding(services, provider, token, verifier) as ticket:
        name, address = accounts.prove(new["username"], new["password"], new["email"])
        hashed = services.hasher.hash(new["password"])
        with services.db.write() as tx:
            account = accounts.add(tx, services, name, address, hashed, language, state="active")
            _bind(tx, services, ticket, account)
            outbox.put(tx, services, "mail.activation", user=account.id)
            for kind in ("register", "bind"):
                events.write(tx, services, kind, account.id, actor_id=account.id)
    return tokens.log_in(services, account, device)


def _bind(
    tx: Connection, services: Services, ticket: dict[str, Any], account: Account, binding: Caller | None = None
) -> None:
    """Bind a ticket's identity to an account that is still what it was when its owner proved it.

    binding  whose session proved it, which must not have ended meanwhile; None for a password
    """
    user = accounts.lock(tx, account.id)
    if user is None or (user.token_epoch, user.state) != (account.epoch, "active"):
        raise Refused("session-ended")
    if binding:
        his = (sessions.c.id == binding.session) & (sessions.c.epoch == user.token_epoch)
        if tx.execute(select(sessions.c.id).where(his).with_for_update()).first() is None:  # whoever ends it now waits
            raise Refused("session-ended")
    identity = Identity(*ticket["identity"])
    row = {"provider": identity.provider, "subject": identity.subject, "user_id": account.id, "name": ticket["name"]}
    now = services.now_ms
    try:
        with tx.begin_nested():
            tx.execute(insert(identities).values(**row, created_at=now, bound_at=now))
    except IntegrityError:
        mine = (identities.c.user_id == account.id) & (identities.c.provider == identity.provider)
        has_one = tx.execute(select(identities.c.id).where(mine)).first()
        raise Refused("already-bound" if has_one else "identity-taken") from None


# --- what is bound ---------------------------------------------------------------------------------------


def identities_of(services: Services, user_id: int) -> list[Row[Any]]:
    """Return what is bound to a user, the oldest first."""
    mine = select(identities).where(identities.c.user_id == user_id).order_by(identities.c.bound_at, identities.c.id)
    with services.db.read() as connection:
        return list(connection.execute(mine).all())


def unbind(services: Services, user_id: int, provider: str) -> None:
    """Take an identity from a user; the next time it arrives it belongs to nobody.

    Raise :exc:`Refused`: not-found where there is none; last-login-method where he could not log in any more.
    """
    mine = (identities.c.user_id == user_id) & (identities.c.provider == provider)
    try:
        with services.db.write() as tx:
            user = accounts.lock(tx, user_id)  # or two calls that each take one of two would leave none
            bound = tx.execute(select(identities.c.provider).where(identities.c.user_id == user_id)).scalars().all()
            if user is None or provider not in bound:
                raise Refused("not-found")
            others = (
                set(bound) - {provider}
            ) & services.providers.keys()  # who left a provider behind has no way in there
            if user.password_hash is None and not others:
                raise Refused("last-login-method")
            tx.execute(delete(identities).where(mine))
            outbox.put(tx, services, "mail.identity_unbound", user=user_id)
            events.write(tx, services, "unbind", user_id)
    except Refused as refused:
        events.note(services, "unbind", user_id, refused.reason)
        raise
