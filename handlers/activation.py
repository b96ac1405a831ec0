"""/v1/users/activation: proving a mail address by the letter's link."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from dada.app import Answer, Request
from dada.operations import operation
from handlers.callers import maybe_caller
from handlers.limits import take
from shop import accounts, usernames
from shop.errors import Refused
from shop.services import Services

__all__ = ["Activation", "ActivationPending", "Resend"]


EXAMPLE = "Jm0uR2E6rOKYbV1cTzV0nyqRjz5kNw4CwTn3mSVpH7o"  # what a token looks like


class ActivationToken(Struct, forbid_unknown_fields=True, kw_only=True):
    """A letter's token."""

    token: Annotated[str, Meta(examples=[EXAMPLE])]


class ActivationCode(Struct, forbid_unknown_fields=True, kw_only=True):
    """A letter's token, in the query."""

    code: Annotated[str, Meta(description="The letter's token.")] | UnsetType = UNSET


class Valid(Struct, kw_only=True):
    """The token would do."""

    valid: Literal[True] = True


class ActivationPending(Struct, kw_only=True):
    """A letter is on its way, if there is somebody to send it to."""

    status: Literal["activation_pending"] = "activation_pending"


class Activation:
    """The letter's token."""

    def __init__(self, services: Services) -> None:
        self._services = services

    @operation(limited=True, query=ActivationCode, answers={200: Valid}, problems=("activation-invalid",))
    def get(self, request: Request) -> Answer:
        """Look whether ?code= would activate an account.

        Nothing changes: scanners of mails follow every link.
        """
        take(self._services, request, "tokens")
        code = request.query(ActivationCode).code
        if not code:
            raise Refused("activation-invalid")
        accounts.check_activation(self._services, code)
        return Answer(200, Valid())

    @operation(
        limited=True, takes=ActivationToken, answers={204: None}, problems=("activation-invalid",), caller="optional"
    )
    def post(self, request: Request) -> Answer:
        """Activate the account.

        A second click within ten minutes is answered like the first.
        """
        token = request.json(ActivationToken).token
        take(self._services, request, "tokens")
        caller = maybe_caller(self._services, request)
        accounts.activate(self._services, token, caller.user_id if caller else None)
        return Answer(204)


class Resend:
    """Another letter."""

    def __init__(self, services: Services) -> None:
        self._services = services

    @operation(limited=True, answers={202: ActivationPending})
    def post(self, request: Request) -> Answer:
        """Send another letter, and let the one before die.

        The same answer for any name.
        """
        name = request.params["username"]
        take(self._services, request, "letters")
        take(self._services, request, "resend", usernames.username_key(name) or name)
        accounts.ask_for_activation(self._services, name)
        return Answer(202, ActivationPending())
