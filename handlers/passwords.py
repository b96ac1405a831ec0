"""/v1/users/<username>/password and /v1/password-resets: changing a password, and choosing one anew by mail."""

from typing import Annotated

from msgspec import Meta, Struct

from dada.app import Answer, Request
from handlers.limits import limited, take
from handlers.tokens import granted
from shop import accounts, tokens, usernames
from shop.services import Services

__all__ = ["Password", "PasswordReset", "PasswordResets"]

Secret = Annotated[str, Meta(max_length=1024)]


class Change(Struct, forbid_unknown_fields=True, kw_only=True):
    """The present password, and the new one."""

    current_password: Secret
    new_password: Secret


class Address(Struct, forbid_unknown_fields=True, kw_only=True):
    """Where to send the letter."""

    email: Annotated[str, Meta(max_length=320)]


class Choice(Struct, forbid_unknown_fields=True, kw_only=True):
    """The new password."""

    password: Secret


class Password:
    """One's own password."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def put(self, request: Request) -> Answer:
        """Change it: every other session ends at once, and this one goes on with a new pair of tokens."""
        change, caller = request.json(Change), request.identity
        with limited():
            changed = accounts.change_password(
                self._services, caller.user_id, change.current_password, change.new_password
            )
        tokens.end_all(self._services, caller.user_id, but=caller.session, because="")
        return Answer(200, granted(tokens.renew(self._services, caller.session, changed)))


class PasswordResets:
    """Letters with which a new password is chosen."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def post(self, request: Request) -> Answer:
        """Ask for one; the same answer for any address."""
        email = request.json(Address).email
        take(self._services, request, "letters")
        take(self._services, request, "reset", usernames.email_key(email))
        accounts.ask_for_reset(self._services, email)
        return Answer(202, {"status": "reset_pending"})


class PasswordReset:
    """One such letter's token."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def put(self, request: Request) -> Answer:
        """Choose a new password; every session ends."""
        password = request.json(Choice).password
        take(self._services, request, "tokens")
        account = accounts.reset_password(self._services, request.params["token"][:200], password)
        tokens.end_all(self._services, account.id, because="")
        return Answer(204)
