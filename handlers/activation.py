"""/v1/users/activation: proving a mail address by the letter's link."""

from typing import Annotated

from msgspec import Meta, Struct

from dada.app import Answer, Request
from handlers.callers import maybe_caller
from handlers.limits import take
from shop import accounts, usernames
from shop.errors import Refused
from shop.services import Services

__all__ = ["Activation", "Resend"]


class Token(Struct, forbid_unknown_fields=True, kw_only=True):
    """A letter's token."""

    token: Annotated[str, Meta(max_length=200)]


class Activation:
    """The letter's token."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def get(self, request: Request) -> Answer:
        """Whether ?code= would activate an account.  Nothing changes: scanners of mails follow every link."""
        take(self._services, request, "tokens")
        code = request.query("code")
        if not code:
            raise Refused("activation-invalid")
        accounts.check_activation(self._services, code[:200])
        return Answer(200, {"valid": True})

    def post(self, request: Request) -> Answer:
        """Activate the account; a second click within ten minutes is answered like the first."""
        token = request.json(Token).token
        take(self._services, request, "tokens")
        caller = maybe_caller(self._services, request)
        accounts.activate(self._services, token, caller.user_id if caller else None)
        return Answer(204)


class Resend:
    """Another letter."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def post(self, request: Request) -> Answer:
        """Send another letter, and let the one before die; the same answer for any name."""
        name = request.params["username"]
        take(self._services, request, "letters")
        take(self._services, request, "resend", usernames.username_key(name) or name)
        accounts.ask_for_activation(self._services, name)
        return Answer(202, {"status": "activation_pending"})
