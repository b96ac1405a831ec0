"""Log in with Weibo: the shop's side of the flow, from leaving to a session.

    begin ─► (the browser is away) ─► arrive ─► a session, or a ticket ─► bind_existing | bind_new ─► a session

What Weibo says in the token's answer is a convenience and proves nothing: the token is shown to Weibo again, which says
whose it is and for which application it was made, and both must be ours (Weibo's documentation of get_token_info; RFC
9700 §2.3).  Nothing of Weibo's is kept but the number of the account and the name to greet it with; mail addresses and
names link nothing.

A ticket is what an arrival is worth that belongs to no account yet: good for ten minutes, five tries and one binding,
and only in the browser that began.

This file knows Weibo's answers; the protocol is in `dada/oauth.py`.
"""

import hashlib
import json
from typing import Any, Final, NamedTuple

from sqlalchemy import insert, select, update

from dada import oauth
from shop import accounts, events, outbox, tokens
from shop.accounts import Account
from shop.database import IntegrityError
from shop.errors import Refused
from shop.services import Services
from shop.tables import identities, users
from shop.tokens import Device, Grant

__all__ = ["Arrival", "Departure", "Ticket", "arrive", "begin", "bind_existing", "bind_new", "provider"]

NAME: Final = "weibo"
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
    "client": "oauth-misconfigured",
    "answer": "provider-answer",
    "unavailable": "provider-unavailable",
}
_UNAPPROVED: Final = frozenset({21321, 21337})


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


class Arrival(NamedTuple):
    """What an arrival is worth: a session, or a ticket."""

    grant: Grant | None
    ticket: Ticket | None


def provider(services: Services) -> oauth.Provider:
    """Return Weibo as this process knows it."""
    settings = services.settings
    return oauth.Provider(
        name=NAME,
        client_id=settings.weibo_client_id,
        client_secret=settings.weibo_client_secret,
        authorize_url=f"{settings.weibo_url}/oauth2/authorize",
        token_url=f"{settings.weibo_url}/oauth2/access_token",
        redirect_uri=f"{settings.page_origin}/callback/weibo.html",
        scope_separator=",",
    )


def begin(services: Services, challenge: str) -> Departure:
    """Let a browser leave for Weibo.  Raise :exc:`Refused` for a challenge that is none."""
    try:
        state, pending, url = oauth.begin(provider(services), challenge)
    except oauth.OAuthError as error:
        raise Refused("oauth-return-invalid", error.detail) from None
    services.cache.set(f"oauth:{oauth.state_key(state)}", json.dumps(pending), oauth.LIFETIME)
    return Departure(url, state)


def arrive(services: Services, params: dict[str, Any], verifier: Any, device: Device) -> Arrival:
    """Let a browser come back from Weibo.  Raise :exc:`Refused`.

    The state is forgotten before anything else is done, and the code is shown to Weibo once, whatever comes of it.
    """
    try:
        return _arrive(services, params, verifier, device)
    except Refused as refused:
        events.note(services, "login", None, refused.reason)
        raise


def _arrive(services: Services, params: dict[str, Any], verifier: Any, device: Device) -> Arrival:
    try:
        returned = oauth.read_return(params)
        kept = services.cache.take(f"oauth:{oauth.state_key(returned.state)}")
        pending = oauth.Pending(*json.loads(kept)) if kept else None
        request = oauth.admit(oauth.Admission(provider(services), returned, pending, verifier))
        if not services.cache.set(f"code:{_hash(returned.code)}", "1", oauth.LIFETIME, if_new=True):
            raise Refused("oauth-code-rejected", "this code was shown before")
        reply = services.http.post(request.url, request.form)
        answer = oauth.read_token(reply.status, reply.body)
        uid = _whose(services, answer)
        return _admit(services, uid, answer.access_token, pending.challenge if pending else "", device)
    except oauth.OAuthError as error:
        raise Refused(_REASONS[error.reason], error.detail) from None


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def _whose(services: Services, answer: oauth.TokenAnswer) -> str:
    """Return the uid that the token is of, after Weibo said so and that it was made for us."""
    url = f"{services.settings.weibo_url}/oauth2/get_token_info"
    reply = services.http.post(url, {"access_token": answer.access_token})
    info = _members(reply.status, reply.body)
    uid = _digits(info.get("uid"))
    if str(info.get("appkey")) != services.settings.weibo_client_id:
        raise Refused("oauth-code-rejected", "the token was made for another application")
    if type(info.get("expire_in")) is not int or info["expire_in"] <= 0:
        raise Refused("oauth-code-rejected", "the token is over")
    if uid != _digits(answer.members.get("uid")):
        raise Refused("provider-answer", "two answers tell of two accounts")
    return uid


def _members(status: int, body: bytes) -> dict[str, Any]:
    """Return an answer's members.  Raise :exc:`Refused` for an error, which older answers number in a text."""
    if status >= 500:
        raise Refused("provider-unavailable", f"the provider answered {status}")
    members = oauth.read_members(body)
    if "error" in members or "error_code" in members or status != 200:
        code = str(members.get("error_code", ""))
        if code.isdigit() and int(code) in _UNAPPROVED:
            raise Refused("oauth-misconfigured", "the provider has not approved this application")
        raise Refused("oauth-code-rejected", f"the provider refused, with status {status}")
    return members


def _digits(uid: Any) -> str:
    """Return a uid, which is a number in one answer and a text in another, as its digits."""
    text = str(uid) if type(uid) in (int, str) else ""
    if not (text.isascii() and text.isdigit() and len(text) <= 20) or text.startswith("0"):
        raise Refused("provider-answer", "there is no uid in the answer")
    return text


def _admit(services: Services, uid: str, access_token: str, challenge: str, device: Device) -> Arrival:
    with services.db.write() as tx:
        mine = (identities.c.provider == NAME) & (identities.c.subject == uid)
        row = tx.execute(select(identities).where(mine)).first()
        if row is None:
            try:
                with tx.begin_nested():
                    tx.execute(insert(identities).values(provider=NAME, subject=uid, created_at=services.now_ms))
            except IntegrityError:
                pass  # it arrived twice at once: the other call wrote the row
            row = tx.execute(select(identities).where(mine)).one()
        user = row.user_id and tx.execute(select(users).where(users.c.id == row.user_id)).one()
    if user:
        account = Account(user.id, user.username, user.username_key, user.state, user.token_epoch)
        return Arrival(tokens.log_in(services, account, device), None)
    name, avatar = _profile(services, uid, access_token)
    with services.db.write() as tx:
        tx.execute(update(identities).where(identities.c.id == row.id).values(name=name))
    token = oauth.new_secret()
    _keep(services, token, {"identity": row.id, "challenge": challenge, "tries": TRIES})
    return Arrival(None, Ticket(token, TICKET_SECONDS, name, avatar))


def _profile(services: Services, uid: str, access_token: str) -> tuple[str, str]:
    """Return the name and the picture to greet somebody with."""
    url = f"{services.settings.weibo_url}/2/users/show.json"
    reply = services.http.get(url, {"access_token": access_token, "uid": uid})
    members = _members(reply.status, reply.body)
    if _digits(members.get("idstr", members.get("id"))) != uid:
        raise Refused("provider-answer", "two answers tell of two accounts")
    name, avatar = members.get("screen_name", ""), members.get("avatar_large", "")
    shown = "".join(char for char in name if char.isprintable())[:60] if isinstance(name, str) else ""
    return shown, avatar if isinstance(avatar, str) and avatar.startswith(("https://", "http://127.0.0.1")) else ""


# --- tickets ---------------------------------------------------------------------------------------------


def _keep(services: Services, token: str, ticket: dict[str, Any]) -> None:
    services.cache.set(f"ticket:{_hash(token)}", json.dumps(ticket), TICKET_SECONDS)


def _take(services: Services, token: str, verifier: Any) -> dict[str, Any]:
    """Take a ticket out of the cache, where nobody else has it meanwhile.  Raise :exc:`Refused`."""
    kept = services.cache.take(f"ticket:{_hash(token)}")
    ticket: dict[str, Any] = json.loads(kept) if kept else {}
    if not ticket or not isinstance(verifier, str) or oauth.challenge(verifier) != ticket["challenge"]:
        raise Refused("ticket-invalid")
    return ticket


def _give_back(services: Services, token: str, ticket: dict[str, Any]) -> None:
    """Put a ticket back after a failed try, if it has tries left."""
    if ticket["tries"] > 1:
        _keep(services, token, {**ticket, "tries": ticket["tries"] - 1})


def bind_existing(services: Services, token: str, verifier: Any, prove: Any, device: Device) -> Grant:
    """Bind a ticket's identity to an account, and log in.

    prove  called for the account: a log-in by password, or the session of the caller; what it raises costs a try

    Raise :exc:`Refused`: ticket-invalid, already-bound (the account has another), identity-taken (somebody was faster).
    """
    ticket = _take(services, token, verifier)
    try:
        account: Account = prove()
        with services.db.write() as tx:
            _bind(tx, services, ticket["identity"], account.id)
    except Exception:
        _give_back(services, token, ticket)
        raise
    return tokens.log_in(services, account, device)


def bind_new(
    services: Services, token: str, verifier: Any, new: dict[str, str], language: str, device: Device
) -> Grant:
    """Register an account, bind a ticket's identity to it, and log in: all of it, or nothing.

    The account is active, since its owner proved who he is; his mail address is not, until he clicks the letter's link.
    Raise :exc:`Refused` and :exc:`Invalid` as registering does.
    """
    ticket = _take(services, token, verifier)
    try:
        name, address = accounts.prove(new["username"], new["password"], new["email"])
        hashed = services.hasher.hash(new["password"])
        with services.db.write() as tx:
            account = accounts.add(tx, services, name, address, hashed, language, state="active")
            _bind(tx, services, ticket["identity"], account.id)
            job = outbox.put(tx, services, "mail.activation", user=account.id)
    except Exception:
        _give_back(services, token, ticket)
        raise
    outbox.push(services, job)
    return tokens.log_in(services, account, device)


def _bind(tx: Any, services: Services, identity_id: int, user_id: int) -> None:
    free = (identities.c.id == identity_id) & identities.c.user_id.is_(None)
    try:
        with tx.begin_nested():
            bound = tx.execute(update(identities).where(free).values(user_id=user_id, bound_at=services.now_ms))
    except IntegrityError:
        raise Refused("already-bound") from None
    if bound.rowcount != 1:
        raise Refused("identity-taken")
    events.write(tx, services, "bind", user_id, actor_id=user_id)
