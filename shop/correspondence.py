"""Which letter a user is due: looked up when it is written, not when it was decided on.

A letter that proves something carries a token, and the token is made here, at the last moment: no queue, no outbox and
no log ever holds it.

This file knows users and letters; it does not know how a letter travels, or who asks for it.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Row, select

from shop import accounts, letters
from shop.letters import Letter
from shop.services import Services
from shop.tables import users

__all__ = ["Addressed", "receiver", "write"]


class Addressed(NamedTuple):
    """A letter, and where it goes."""

    to: str
    letter: Letter


def receiver(services: Services, user_id: int) -> str:
    """Return the key of the address that letters to the user go to; "" for nobody."""
    with services.db.read() as connection:
        return connection.execute(select(users.c.email_key).where(users.c.id == user_id)).scalar() or ""


def write(services: Services, kind: str, user_id: int) -> Addressed | None:
    """Return the letter of this *kind* that the user is due now; None for none.

    kind  one of _WRITERS
    """
    with services.db.write() as tx:
        row = accounts.lock(tx, user_id)
        return _WRITERS[kind](tx, services, row) if row and row.state != "disabled" else None


def _activation(tx: Connection, services: Services, row: Row[Any]) -> Addressed | None:
    """Write to who has to prove the address; or to its owner, as he spelled it: another spelling may be another's.

    Not for ever: who asks for a letter a day would keep a name that he never activates.
    """
    abandoned = row.state == "pending" and row.created_at < services.now_ms - accounts.PENDING_MS
    if abandoned or row.verified_email_key is not None:
        return None
    page, proved = services.settings.page_origin, users.c.verified_email_key == row.email_key
    owner = tx.execute(select(users.c.email, users.c.language).where(proved)).first()
    if owner is not None:
        return Addressed(owner.email, letters.already_registered(owner.language, page))
    token = accounts.mint(tx, services, row, "activation")
    hours = accounts.LIVES["activation"] // accounts.HOUR_MS
    letter = letters.activation(row.language, page, username=row.username, token=token, hours=hours)
    return Addressed(row.email, letter)


def _reset(tx: Connection, services: Services, row: Row[Any]) -> Addressed | None:
    if row.verified_email_key is None:
        return None
    token = accounts.mint(tx, services, row, "reset")
    minutes = accounts.LIVES["reset"] * 60 // accounts.HOUR_MS
    page = services.settings.page_origin
    letter = letters.password_reset(row.language, page, username=row.username, token=token, minutes=minutes)
    return Addressed(row.email, letter)


def _to_owner(letter: Callable[..., Letter]) -> Callable[[Connection, Services, Row[Any]], Addressed | None]:
    """Return what writes a letter that only tells: to an address whose owner clicked, and to no other."""

    def write_it(_: Connection, services: Services, row: Row[Any]) -> Addressed | None:
        if row.verified_email_key is None:
            return None
        return Addressed(row.email, letter(row.language, services.settings.page_origin, username=row.username))

    return write_it


_WRITERS: Final[dict[str, Callable[[Connection, Services, Row[Any]], Addressed | None]]] = {
    "activation": _activation,
    "reset": _reset,
    "password_changed": _to_owner(letters.password_changed),
    "token_reused": _to_owner(letters.token_reused),
    "new_device": _to_owner(letters.new_device),
    "identity_bound": _to_owner(letters.identity_bound),
    "identity_unbound": _to_owner(letters.identity_unbound),
}
