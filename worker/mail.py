"""Jobs that send letters.

A job names the user and the kind of letter; what it says is looked up when it is written (`shop/correspondence.py`).  A
letter may go out twice if the worker dies between sending and telling so; then the later link is the one that works.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from dada.queue import Job
from shop import correspondence, limits, outbox
from shop.limits import NOWHERE, TooMany
from shop.services import Services

__all__ = [
    "send_activation", "send_identity_bound", "send_identity_unbound", "send_new_device", "send_password_changed",
    "send_reset", "send_token_reused",
]  # fmt: skip


def _send(services: Services, job: Job, kind: str, user: int) -> None:
    if not outbox.is_due(services, job.id):
        return  # it was done before, and the worker died before it could say so
    # One letter too many is not even written: its token would end that of the last one that arrived.
    with _quota(services, kind, user) as wanted:
        addressed = correspondence.write(services, kind, user) if wanted else None
        if addressed:
            services.post.send(addressed.to, addressed.letter)
    outbox.settle(services, job.id)


@contextmanager
def _quota(services: Services, kind: str, user: int) -> Iterator[bool]:
    """Tell whether the receiver may get one more letter of this kind today; who asked for it hears nothing of that.

    A try that fails costs nothing: it comes again, and the letter must not be lost to its own tries.
    """
    counted = f"{kind} {correspondence.receiver(services, user)}"
    try:
        limits.take(services, "receiver", NOWHERE, counted)
    except TooMany:
        yield False
        return
    try:
        yield True
    except BaseException:
        limits.give_back(services, "receiver", NOWHERE, counted)
        raise


def send_activation(services: Services, job: Job, *, user: int) -> None:
    """Send the link that proves a user's address; or tell its owner that somebody else tried."""
    _send(services, job, "activation", user)


def send_reset(services: Services, job: Job, *, user: int) -> None:
    """Send the link by which a new password is chosen."""
    _send(services, job, "reset", user)


def send_password_changed(services: Services, job: Job, *, user: int) -> None:
    """Tell a user that his password was changed."""
    _send(services, job, "password_changed", user)


def send_token_reused(services: Services, job: Job, *, user: int) -> None:
    """Tell a user that one of his sessions was ended because its token came twice."""
    _send(services, job, "token_reused", user)


def send_new_device(services: Services, job: Job, *, user: int) -> None:
    """Tell a user that somebody logged in from a browser that he never used."""
    _send(services, job, "new_device", user)


def send_identity_bound(services: Services, job: Job, *, user: int) -> None:
    """Tell a user that there is one more way to log in as him."""
    _send(services, job, "identity_bound", user)


def send_identity_unbound(services: Services, job: Job, *, user: int) -> None:
    """Tell a user that there is one way less."""
    _send(services, job, "identity_unbound", user)
