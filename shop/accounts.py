"""Accounts: registering, proving an address, logging in with a password, changing it, choosing a new one.

A name is public, and a taken one is said to be taken.  An address is nobody's business: whether somebody has an account
under it is never told, by no answer, no status and no amount of work.  An address belongs to the account whose owner
clicked the link; until then it blocks nobody, links nothing and resets nothing.

This file knows accounts; sessions are in `tokens.py`, what letters say in `letters.py`.
"""

import hashlib
import logging
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, delete, insert, select, update

from dada.oauth import new_secret
from dada.problems import FieldError, Invalid
from shop import events, limits, liveness, outbox, passwords, usernames
from shop.database import IntegrityError
from shop.errors import Refused
from shop.services import OUTAGES, Services
from shop.tables import identities, looks, one_time_tokens, sessions, users
from shop.usernames import Email, Username

__all__ = [
    "Account", "activate", "ask_for_activation", "ask_for_reset", "authenticate", "by_username", "change_password",
    "check_activation", "disable", "faults", "mint", "profile", "register", "reset_password", "update_profile",
]  # fmt: skip

_log = logging.getLogger("shop.accounts")

HOUR_MS: Final = 3_600_000
LIVES: Final = {"activation": 24 * HOUR_MS, "reset": HOUR_MS // 2}
PENDING_MS: Final = 7 * 24 * HOUR_MS  # a name that nobody activates is free again then: shop/house.py
_AGAIN_MS: Final = 600_000  # the owner's second click, within ten minutes, is answered like the first


class Account(NamedTuple):
    """What the rest of the shop needs to know of an account."""

    id: int
    username: str
    key: str
    state: str
    epoch: int


def _account(row: Row[Any]) -> Account:
    return Account(row.id, row.username, row.username_key, row.state, row.token_epoch)


def by_username(services: Services, name: str) -> Account | None:
    """Return the account of this name, however it is written; None if there is none."""
    key = usernames.username_key(name)
    with services.db.read() as connection:
        row = key and connection.execute(select(users).where(users.c.username_key == key)).first()
    return _account(row) if row else None


# --- registering -----------------------------------------------------------------------------------------


def faults(members: Mapping[str, Any]) -> list[FieldError]:
    """Return what is wrong with a new account's name, address and password, as far as they are among *members*."""
    username, password, email = (members.get(name) for name in ("username", "password", "email"))
    found = [
        usernames.username(username) if username is not None else None,
        usernames.email(email) if email is not None else None,
    ]
    wrong = [one for one in found if isinstance(one, FieldError)]
    if password is not None:
        others = [text for text in (username, email and email.partition("@")[0], email) if text]
        wrong += passwords.faults("#/password", password, *others)
    return wrong


def prove(username: str, password: str, email: str) -> tuple[Username, Email]:
    """Return name and address in all their forms.  Raise :exc:`Invalid` with every field's error."""
    name, address = usernames.username(username), usernames.email(email)
    wrong = faults({"username": username, "password": password, "email": email})
    if wrong or isinstance(name, FieldError) or isinstance(address, FieldError):
        raise Invalid(wrong)
    return name, address


def register(services: Services, *, username: str, password: str, email: str, language: str, **profile: str) -> Account:
    """Make an account, still pending, and let a letter be sent to its address.

    An address that somebody proved before changes nothing that the caller can see: its owner gets another letter.
    Raise :exc:`Invalid`, and :exc:`Refused` for a name that is taken.
    """
    name, address = prove(username, password, email)
    hashed = services.hasher.hash(password)
    try:
        with services.db.write() as tx:
            account = add(tx, services, name, address, hashed, language, **profile)
            outbox.put(tx, services, "mail.activation", user=account.id)
            events.write(tx, services, "register", account.id)
    except Refused as refused:
        events.note(services, "register", None, refused.reason)
        raise
    return account


def add(
    tx: Connection,
    services: Services,
    name: Username,
    address: Email,
    hashed: str | None,
    language: str,
    state: str = "pending",
    **profile: str,
) -> Account:
    """Write a new account in the transaction *tx*.  Raise :exc:`Refused` for a name that is taken."""
    row = {
        "username": name.written,
        "username_key": name.key,
        "email": address.written,
        "email_key": address.key,
        "password_hash": hashed,
        "state": state,
        "language": language,
        "created_at": services.now_ms,
        **profile,
    }
    try:
        with tx.begin_nested():
            user_id: int = tx.execute(insert(users).values(row)).inserted_primary_key[0]  # type: ignore[index]
            looking = [{"skeleton": skeleton, "user_id": user_id} for skeleton in sorted(name.looks)]
            tx.execute(insert(looks), looking)
    except IntegrityError:
        raise Refused("username-taken") from None
    return Account(user_id, name.written, name.key, state, 0)


# --- one-time tokens -------------------------------------------------------------------------------------


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


def mint(tx: Connection, services: Services, user: Row[Any], purpose: str) -> str:
    """Return a new token that proves the user's present address; the one before it dies.  Only its hash is kept."""
    token, now = new_secret(), services.now_ms
    mine = (one_time_tokens.c.user_id == user.id) & (one_time_tokens.c.purpose == purpose)
    tx.execute(delete(one_time_tokens).where(mine, one_time_tokens.c.used_at.is_(None)))
    tx.execute(
        insert(one_time_tokens).values(
            digest=_digest(token),
            user_id=user.id,
            purpose=purpose,
            email_key=user.email_key,
            created_at=now,
            expires_at=now + LIVES[purpose],
        )
    )
    return token


def _find(connection: Connection, services: Services, token: str, purpose: str) -> Row[Any] | None:
    """Return the token's row with its user's; None for one that is unknown, old, or for another address by now.

    One that was used is returned whatever its age: when it was used decides what it is still good for.
    """
    query = (
        select(one_time_tokens.c.digest, one_time_tokens.c.used_at, users)
        .join(users, users.c.id == one_time_tokens.c.user_id)
        .where(
            one_time_tokens.c.digest == _digest(token),
            one_time_tokens.c.purpose == purpose,
            (one_time_tokens.c.expires_at > services.now_ms) | one_time_tokens.c.used_at.is_not(None),
            one_time_tokens.c.email_key == users.c.email_key,
            users.c.state != "disabled",
        )
    )
    return connection.execute(query).first()


def _locked(tx: Connection, services: Services, token: str, purpose: str) -> Row[Any] | None:
    """Return what `_find` returns, with the user's row locked first: whoever changes an account does that first."""
    mine = select(one_time_tokens.c.user_id).where(one_time_tokens.c.digest == _digest(token))
    user_id = tx.execute(mine).scalar()
    if user_id is None:
        return None
    lock(tx, user_id)
    return _find(tx, services, token, purpose)


def lock(tx: Connection, user_id: int) -> Row[Any] | None:
    """Return the user's row, locked until *tx* ends.

    Every transaction that changes an account takes this lock first, then tokens, sessions and identities, and the
    head of the events last: in one order, they wait for each other and never deadlock.
    """
    return tx.execute(select(users).where(users.c.id == user_id).with_for_update()).first()


def _consume(tx: Connection, services: Services, digest: bytes) -> bool:
    """Mark the token as used, in one step; False if it was."""
    unused = (one_time_tokens.c.digest == digest) & one_time_tokens.c.used_at.is_(None)
    return tx.execute(update(one_time_tokens).where(unused).values(used_at=services.now_ms)).rowcount == 1


def check_activation(services: Services, token: str) -> None:
    """Raise :exc:`Refused` unless *token* would activate an account.  Changes nothing: mail scanners follow links."""
    with services.db.read() as connection:
        row = _find(connection, services, token, "activation")
        if row is None or row.used_at is not None or _is_anothers(connection, row):
            raise Refused("activation-invalid")


def _is_anothers(connection: Connection, row: Row[Any]) -> bool:
    """Whether somebody else proved the user's address meanwhile."""
    other = select(users.c.id).where(users.c.verified_email_key == row.email_key, users.c.id != row.id)
    return connection.execute(other).first() is not None


def activate(services: Services, token: str, caller_id: int | None = None) -> Account:
    """Let *token* prove its account's address.  Raise :exc:`Refused`, for whatever reason, with one reason only.

    caller_id  who is logged in where the link was followed.  If the account was in use before (it began with a log-in
               elsewhere) by somebody who is not seen to own the address, all his ways in end, the password too: he may
               have given an address that is not his, and waited.  Its owner chooses a password by mail.
    """
    try:
        row = _activate(services, token, caller_id)
    except Refused as refused:
        events.note(services, "activation", None, refused.reason)
        raise
    return _account(row)._replace(state="active")


def _activate(services: Services, token: str, caller_id: int | None) -> Row[Any]:
    """Use the token, unless it was used a moment ago, and return its row with its user's, as it was before."""
    with ExitStack() as undo, services.db.write() as tx:
        row = _locked(tx, services, token, "activation")
        if row is None:
            raise Refused("activation-invalid")
        if row.used_at is not None:
            if services.now_ms - row.used_at > _AGAIN_MS:
                raise Refused("activation-invalid")
            return row
        _consume(tx, services, row.digest)
        proved: dict[str, Any] = {"state": "active", "verified_email_key": row.email_key}
        expelled = row.state == "active" and caller_id != row.id
        if expelled:
            proved |= {"password_hash": None, "token_epoch": row.token_epoch + 1}
        try:
            with tx.begin_nested():
                tx.execute(update(users).where(users.c.id == row.id).values(proved))
        except IntegrityError:  # somebody else proved this address in the meantime
            raise Refused("activation-invalid") from None
        if expelled:
            undo.enter_context(liveness.counting_up(services, row.id, row.token_epoch + 1))
            tx.execute(delete(sessions).where(sessions.c.user_id == row.id))
            tx.execute(delete(identities).where(identities.c.user_id == row.id))
            tx.execute(delete(one_time_tokens).where(_theirs(row.id), one_time_tokens.c.digest != row.digest))
        events.write(tx, services, "activation", row.id)
        if expelled:
            events.write(tx, services, "expel", row.id)
    return row


def _theirs(user_id: int) -> ColumnElement[bool]:
    return one_time_tokens.c.user_id == user_id


def ask_for_activation(services: Services, username: str) -> None:
    """Let another activation letter be sent, if the account is there and needs one; nobody hears whether it is."""
    account = by_username(services, username)
    with services.db.write() as tx:
        outbox.put(tx, services, "mail.activation", user=account.id if account else 0)
        events.write(tx, services, "resend", account.id if account else None)


# --- logging in ------------------------------------------------------------------------------------------


def authenticate(services: Services, login: str, password: str) -> Account:
    """Return the account whose name, or proved address, and password these are.

    Raise :exc:`Refused`: invalid-credentials for an unknown name, a wrong password and an account without one, after
    the same work; what else is wrong with an account is told only to who knows its password.  Raise :exc:`TooMany`
    while the name is locked, whatever the password.  (A name and an address are locked apart: together, the lock
    would tell that they are of one account.)
    """
    if "@" in login:
        key = usernames.address_key(login)
        which = users.c.verified_email_key == key
    else:
        key = usernames.username_key(login) or ""
        which = users.c.username_key == key
    counted = key or login  # a name that is none is counted as it was written
    with services.db.read() as connection:
        row = connection.execute(select(users).where(which)).first()
    standing = limits.begin(services, "login", counted)
    try:
        good = services.hasher.verify(row.password_hash if row else None, password)
        if not good or row is None:
            raise Refused("invalid-credentials")
        limits.end_well(services, "login", counted, standing)
        if services.hasher.is_outdated(row.password_hash):
            _rehash(services, row, password)
        return must_be_active(_account(row))
    except Refused as refused:
        if refused.reason == "unavailable":  # too busy to look: that was no guess
            limits.end_well(services, "login", counted, standing)
            raise
        events.note(services, "login", row.id if row else None, refused.reason)
        if not standing.left and refused.reason == "invalid-credentials":
            events.note(services, "lock", row.id if row else None, standing.name)
        raise


def must_be_active(account: Account) -> Account:
    """Return *account*, if it may be used.  Raise :exc:`Refused`.  Every way in passes here."""
    if account.state == "disabled":
        raise Refused("account-disabled")
    if account.state != "active":
        raise Refused("account-not-activated")
    return account


def _rehash(services: Services, row: Row[Any], password: str) -> None:
    """Hash *password* with today's parameters, unless somebody changed it meanwhile."""
    unchanged = (users.c.id == row.id) & (users.c.password_hash == row.password_hash)
    try:
        hashed = services.hasher.hash(password)
    except Refused:  # too busy: another time
        return
    with services.db.write() as tx:
        tx.execute(update(users).where(unchanged).values(password_hash=hashed))


# --- passwords -------------------------------------------------------------------------------------------


def change_password(services: Services, user_id: int, current: str, new: str, session: str = "") -> Account:
    """Change the password; all sessions end with the epoch, and all one-time tokens.  Return the account as it is now.

    session  the one that may be renewed in the new epoch (`tokens.renew`); "" for none

    Raise :exc:`Refused` (reauth-failed) for a wrong present password; after five of them :exc:`TooMany`, whatever
    strangers try meanwhile; and :exc:`Invalid` for a new one that is not taken.
    """
    with services.db.read() as connection:
        row = connection.execute(select(users).where(users.c.id == user_id)).one()
    standing = limits.begin(services, "password", str(user_id))
    try:
        good = services.hasher.verify(row.password_hash, current)
    except Refused:
        limits.end_well(services, "password", str(user_id), standing)
        raise
    if not good:
        events.note(services, "password-change", user_id, "reauth-failed")
        if not standing.left:
            events.note(services, "lock", user_id, standing.name)
        raise Refused("reauth-failed")
    limits.end_well(services, "password", str(user_id), standing)
    if wrong := _new_password_faults("#/new_password", new, row):
        raise Invalid(wrong)
    if current == new:
        raise Invalid([FieldError("#/new_password", "password_same")])
    return _set_password(services, row, new, session=session)


def ask_for_reset(services: Services, email: str) -> None:
    """Let a reset letter be sent to whoever proved this address; nobody hears whether there is one."""
    key = usernames.address_key(email)
    with services.db.read() as connection:
        row = connection.execute(select(users.c.id).where(users.c.verified_email_key == key)).first()
    with services.db.write() as tx:
        outbox.put(tx, services, "mail.reset", user=row.id if row else 0)
        events.write(tx, services, "reset-asked", row.id if row else None)


def reset_password(services: Services, token: str, new: str) -> Account:
    """Set a new password by a letter's token.  Raise :exc:`Refused` or :exc:`Invalid`; the latter leaves the token."""
    with services.db.read() as connection:
        row = _find(connection, services, token, "reset")
    if row is None or row.used_at is not None:
        events.note(services, "password-reset", None, "reset-invalid")
        raise Refused("reset-invalid")
    if wrong := _new_password_faults("#/password", new, row):
        raise Invalid(wrong)
    account = _set_password(services, row, new, token)
    try:
        for name in (row.username_key, row.email_key):  # whoever was locked out by others' guesses is let in again
            limits.unlock(services, "login", name)
    except OUTAGES as error:  # the password is changed: that must not be told as a failure
        _log.warning("still locked: %s", type(error).__name__)
    return account


def _new_password_faults(pointer: str, password: str, row: Row[Any]) -> list[FieldError]:
    return passwords.faults(pointer, password, row.username, row.email.partition("@")[0], row.email)


def _set_password(services: Services, row: Row[Any], new: str, token: str = "", session: str = "") -> Account:
    """Set a password, unless another was set, or the account disabled, since *row* was read: of two the first wins.

    Each of these counts the epoch up.  The hash may be another by now: a log-in with that password renews an old one.
    """
    hashed = services.hasher.hash(new)
    refused = Refused("reset-invalid" if token else "reauth-failed")
    with ExitStack() as undo, services.db.write() as tx:
        now = lock(tx, row.id)
        if now is None or (now.token_epoch, now.state) != (row.token_epoch, row.state):
            raise refused
        if token and not _consume(tx, services, _digest(token)):
            raise refused
        epoch = _count_up(tx, services, undo, now, session, password_hash=hashed)
        tx.execute(delete(one_time_tokens).where(_theirs(row.id)))
        outbox.put(tx, services, "mail.password_changed", user=row.id)
        events.write(tx, services, "password-reset" if token else "password-change", row.id)
    return _account(row)._replace(epoch=epoch)


def _count_up(
    tx: Connection, services: Services, undo: ExitStack, user: Row[Any], but: str = "", **changes: Any
) -> int:
    """Count the epoch of a locked row up, with other changes to it: all its sessions end.  Return the new one.

    but  the session whose row stays, to be renewed
    """
    epoch: int = user.token_epoch + 1
    tx.execute(update(users).where(users.c.id == user.id).values(token_epoch=epoch, **changes))
    undo.enter_context(liveness.counting_up(services, user.id, epoch))
    tx.execute(delete(sessions).where(sessions.c.user_id == user.id, sessions.c.id != but))
    return epoch


def count_up(services: Services, user_id: int, kind: str, **changes: Any) -> None:
    """End every session of a user, also of who is just logging in and was not seen yet, by an event of this *kind*."""
    with ExitStack() as undo, services.db.write() as tx:
        user = lock(tx, user_id)
        if user is not None:
            _count_up(tx, services, undo, user, **changes)
            events.write(tx, services, kind, user_id)


def disable(services: Services, user_id: int) -> None:
    """Disable an account: it acts on the next call of each of its sessions."""
    count_up(services, user_id, "disable", state="disabled")


def enable(services: Services, user_id: int) -> None:
    """Let a disabled account be what it was before; its sessions stay ended.

    One that began with a log-in elsewhere was in use before its address was proved: were it pending now, its owner
    would be shut out, and whoever gave another's address not expelled when that one proves it.
    """
    with services.db.write() as tx:
        user = lock(tx, user_id)
        if user is not None and user.state == "disabled":
            was_active = user.verified_email_key is not None or events.happened(tx, user_id, "bind")
            state = "active" if was_active else "pending"
            tx.execute(update(users).where(users.c.id == user_id).values(state=state))
            events.write(tx, services, "enable", user_id)


# --- profiles --------------------------------------------------------------------------------------------

EDITABLE: Final = ("nickname", "phone", "about", "language")


def profile(services: Services, user_id: int) -> Row[Any]:
    """Return the user's row."""
    with services.db.read() as connection:
        return connection.execute(select(users).where(users.c.id == user_id)).one()


def update_profile(services: Services, user_id: int, version: int, changes: dict[str, str]) -> Row[Any] | None:
    """Change a profile, and return its row; None if it is not at *version* any more."""
    with services.db.write() as tx:
        same = (users.c.id == user_id) & (users.c.version == version)
        changed = tx.execute(update(users).where(same).values(version=version + 1, **changes))
        if changed.rowcount != 1:
            return None
        return tx.execute(select(users).where(users.c.id == user_id)).one()
