"""/v1/users/<username>/password and /v1/password-resets: changing a password, and choosing one anew by mail."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from dada.app import Answer, Request
from dada.operations import operation
from dada.problems import FieldError
from handlers.limits import limited, take
from handlers.tokens import TokenPair, granted
from shop import accounts, passwords, tokens, usernames
from shop.services import Services

__all__ = ["Password", "PasswordReset", "PasswordResets"]

Secret = Annotated[str, Meta(max_length=1024)]


class PasswordChange(Struct, forbid_unknown_fields=True, kw_only=True):
    """The present password, and the new one."""

    current_password: Annotated[Secret, Meta(examples=["correct horse battery"])]
    new_password: Annotated[Secret, Meta(examples=["staple under a blue moon"])]


class ResetRequest(Struct, forbid_unknown_fields=True, kw_only=True):
    """Where to send the letter."""

    email: Annotated[str, Meta(max_length=320, examples=["ada@example.org"])]


class NewPassword(Struct, forbid_unknown_fields=True, kw_only=True):
    """The new password."""

    password: Annotated[Secret, Meta(examples=["staple under a blue moon"])]


class ResetPending(Struct, kw_only=True):
    """A letter is on its way, if there is somebody to send it to."""

    status: Literal["reset_pending"] = "reset_pending"


def _faults(members: Mapping[str, Any]) -> list[FieldError]:
    """What is wrong with a new password, where other members are wrong too; whose it is does not matter yet."""
    return passwords.faults("#/password", members["password"]) if "password" in members else []


class Password:
    """One's own password."""

    def __init__(self, services: Services) -> None:
        self._services = services

    @operation(limited=True, takes=PasswordChange, answers={200: TokenPair}, problems=("reauth-failed",))
    def put(self, request: Request) -> Answer:
        """Change one's password.

        Every other session ends at once, and this one goes on with a new pair of tokens.
        """
        change, caller = request.json(PasswordChange), request.identity
        take(self._services, request, "login")
        with limited():
            changed = accounts.change_password(
                self._services, caller.user_id, change.current_password, change.new_password, caller.session
            )
        return Answer(200, granted(tokens.renew(self._services, caller.session, changed)))


class PasswordResets:
    """Letters with which a new password is chosen."""

    def __init__(self, services: Services) -> None:
        self._services = services

    @operation(limited=True, takes=ResetRequest, answers={202: ResetPending})
    def post(self, request: Request) -> Answer:
        """Ask for a letter; the same answer for any address."""
        email = request.json(ResetRequest).email
        take(self._services, request, "letters")
        take(self._services, request, "reset", usernames.address_key(email) or email)
        accounts.ask_for_reset(self._services, email)
        return Answer(202, ResetPending())


class PasswordReset:
    """One such letter's token."""

    def __init__(self, services: Services) -> None:
        self._services = services

    @operation(limited=True, takes=NewPassword, answers={204: None}, problems=("reset-invalid",))
    def put(self, request: Request) -> Answer:
        """Choose a new password; every session ends."""
        new = request.json(NewPassword, _faults).password
        take(self._services, request, "tokens")
        accounts.reset_password(self._services, request.params["token"][:200], new)
        return Answer(204)
