"""Jobs that send letters.

A job names the user, never the token: the token is made here, at the last moment, so that it is in no queue, no outbox
and no log, only as a hash in the database and as a link in the letter.  A letter may go out twice if the worker dies
between sending and telling so; then the later link is the one that works.
"""

from collections.abc import Callable

from sqlalchemy import Connection, Row, select

from dada.queue import Job
from shop import accounts, letters, outbox
from shop.letters import Letter
from shop.services import Services
from shop.tables import users

__all__ = ["send_activation", "send_password_changed", "send_reset", "send_token_reused"]

# Returns the letter for a user, and writes what belongs to it; None for no letter.
_Writer = Callable[[Connection, Services, Row[tuple[object, ...]]], Letter | None]


def _send(services: Services, job: Job, user: int, write: _Writer) -> None:
    if not outbox.is_due(services, job.id):
        return  # it was done before, and the worker died before it could say so
    with services.db.write() as tx:
        row = tx.execute(select(users).where(users.c.id == user)).first()
        letter = write(tx, services, row) if row else None
    if row and letter:
        services.post.send(row.email, letter)
    with services.db.write() as tx:
        outbox.remove(tx, job.id)


def _activation(tx: Connection, services: Services, row: Row[tuple[object, ...]]) -> Letter | None:
    if row.verified_email_key is not None or row.state == "disabled":
        return None
    page = services.settings.page_origin
    owner = tx.execute(select(users.c.language).where(users.c.verified_email_key == row.email_key)).first()
    if owner is not None:
        return letters.already_registered(owner.language, page)
    token = accounts.mint(tx, services, row, "activation")
    hours = accounts.LIVES["activation"] // accounts.HOUR_MS
    return letters.activation(row.language, page, username=row.username, token=token, hours=hours)


def _reset(tx: Connection, services: Services, row: Row[tuple[object, ...]]) -> Letter | None:
    if row.verified_email_key is None or row.state == "disabled":
        return None
    token = accounts.mint(tx, services, row, "reset")
    minutes = accounts.LIVES["reset"] * 60 // accounts.HOUR_MS
    page = services.settings.page_origin
    return letters.password_reset(row.language, page, username=row.username, token=token, minutes=minutes)


def _password_changed(_: Connection, services: Services, row: Row[tuple[object, ...]]) -> Letter | None:
    return letters.password_changed(row.language, services.settings.page_origin, username=row.username)


def _token_reused(_: Connection, services: Services, row: Row[tuple[object, ...]]) -> Letter | None:
    return letters.token_reused(row.language, services.settings.page_origin, username=row.username)


def send_activation(services: Services, job: Job, *, user: int) -> None:
    """Send the link that proves a user's address; or tell its owner that somebody else tried."""
    _send(services, job, user, _activation)


def send_reset(services: Services, job: Job, *, user: int) -> None:
    """Send the link by which a new password is chosen."""
    _send(services, job, user, _reset)


def send_password_changed(services: Services, job: Job, *, user: int) -> None:
    """Tell a user that his password was changed."""
    _send(services, job, user, _password_changed)


def send_token_reused(services: Services, job: Job, *, user: int) -> None:
    """Tell a user that one of his sessions was ended because its token came twice."""
    _send(services, job, user, _token_reused)
