"""What the look-alike remembers: applications, users, who is logged in, grants, codes and tokens.

    code    32 lower-case hex digits, one use, 60 seconds; bound to (client_id, redirect_uri, uid)
    token   32 characters, "2.00" in front; the same again for the same (client_id, uid, scope) while it lives

Both shapes were recorded.  Whether Weibo revokes the tokens of a code that is shown twice, as RFC 6749 §4.1.2 says
it should, is unknown; here it does, and a switch keeps them.

All is in memory of one process, guarded by one lock, and bounded: the oldest is forgotten.  The clock and the
randomness are given.  This file knows no HTTP, and no error's text.
"""

import hashlib
import string
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

from dada import base64url
from sandbox.weibo_users import User

__all__ = ["CODE_LIFETIME", "TOKEN_LIFETIME", "Application", "Code", "Store", "Token"]

CODE_LIFETIME: Final = 60
TOKEN_LIFETIME: Final = 157_679_999  # recorded for developers' own accounts: five years but a second

MAX_SESSIONS: Final = 1_000
MAX_CODES: Final = 10_000
MAX_TOKENS: Final = 10_000

_ALPHABET: Final = string.ascii_letters + string.digits


@dataclass(frozen=True, slots=True)
class Application:
    """What a developer registered.

    redirect_uri  compared character by character
    email         whether the advanced scope "email" was approved
    testers       None: the application passed Weibo's audit; else the only uids that may use it (error 21321)
    """

    app_key: str
    app_secret: str
    redirect_uri: str
    name: str
    email: bool = False
    testers: frozenset[int] | None = None


@dataclass(frozen=True, slots=True)
class Code:
    """A permission on its way; *token* is what it was changed into, or ""."""

    app_key: str
    redirect_uri: str
    uid: int
    scope: str
    challenge: str
    expires: float
    token: str = ""


@dataclass(frozen=True, slots=True)
class Token:
    """A permission to read."""

    text: str
    app_key: str
    uid: int
    scope: str
    created: int
    lifetime: int

    def left(self, now: float) -> int:
        """Return the seconds it has to live; 0 or less when it has not."""
        return self.created + self.lifetime - int(now)


class Store:
    """The memory of the look-alike.  Safe to use from several threads."""

    def __init__(
        self,
        applications: Iterable[Application],
        users: Iterable[User],
        *,
        clock: Callable[[], float],
        randomness: Callable[[int], bytes],
        code_lifetime: float = CODE_LIFETIME,
        token_lifetime: int = TOKEN_LIFETIME,
    ) -> None:
        self._applications = {application.app_key: application for application in applications}
        self.users = tuple(users)
        self._users = {user.uid: user for user in self.users}
        self._clock, self._randomness = clock, randomness
        self._code_lifetime, self._token_lifetime = code_lifetime, token_lifetime
        self._lock = threading.RLock()
        self._sessions: OrderedDict[str, int] = OrderedDict()
        self._grants: set[tuple[str, int]] = set()
        self._codes: OrderedDict[str, Code] = OrderedDict()
        self._tokens: OrderedDict[str, Token] = OrderedDict()

    # --- who there is ---

    def application(self, app_key: str) -> Application | None:
        """Return the application that was registered with *app_key*."""
        return self._applications.get(app_key)

    def user(self, uid: int) -> User | None:
        """Return the user of that number."""
        return self._users.get(uid)

    def user_named(self, screen_name: str) -> User | None:
        """Return the user of that name."""
        return next((user for user in self.users if user.screen_name == screen_name), None)

    # --- who is logged in, and what they granted ---

    def log_in(self, uid: int) -> str:
        """Begin a session of *uid* and return its secret."""
        session = self._randomness(16).hex()
        with self._lock:
            self._sessions[session] = uid
            _forget(self._sessions, MAX_SESSIONS)
        return session

    def log_out(self, session: str) -> None:
        """End *session*."""
        with self._lock:
            self._sessions.pop(session, None)

    def logged_in(self, session: str) -> User | None:
        """Return whose *session* it is."""
        with self._lock:
            return self._users.get(self._sessions.get(session, -1))

    def grant(self, app_key: str, uid: int) -> None:
        """Remember that *uid* lets the application in: from now on it is not asked again."""
        with self._lock:
            self._grants.add((app_key, uid))

    def granted(self, app_key: str, uid: int) -> bool:
        """Return whether *uid* lets the application in."""
        with self._lock:
            return (app_key, uid) in self._grants

    # --- codes and tokens ---

    def new_code(self, app_key: str, redirect_uri: str, uid: int, scope: str = "", challenge: str = "") -> str:
        """Return a code, bound to all of these."""
        text = self._randomness(16).hex()
        with self._lock:
            expires = self._clock() + self._code_lifetime
            self._codes[text] = Code(app_key, redirect_uri, uid, scope, challenge, expires)
            _forget(self._codes, MAX_CODES)
        return text

    def redeem(
        self, text: str, app_key: str, redirect_uri: str, *, verifier: str | None = None, keep_on_replay: bool = False
    ) -> Token | None:
        """Change a code into a token, once; None for a code that is unknown, foreign, expired or used.

        *verifier* is looked at where it is not None (RFC 7636 §4.6).  A used code that comes again takes its token
        along (RFC 6749 §4.1.2), unless *keep_on_replay*.
        """
        with self._lock:
            code = self._codes.get(text)
            if code is None or (code.app_key, code.redirect_uri) != (app_key, redirect_uri):
                return None
            if code.token:
                if not keep_on_replay:
                    self._tokens.pop(code.token, None)
                return None
            if self._clock() >= code.expires:
                return None
            if verifier is not None and _challenge(verifier) != code.challenge:
                return None
            token = self._living(code) or self._new_token(code)
            self._codes[text] = replace(code, token=token.text)
            return token

    def token(self, text: str) -> Token | None:
        """Return the token of that text; it may have expired."""
        with self._lock:
            return self._tokens.get(text)

    def revoke(self, token: Token) -> None:
        """End *token*, and the grant behind it: the next log-in asks for consent again."""
        with self._lock:
            self._tokens.pop(token.text, None)
            self._grants.discard((token.app_key, token.uid))

    def _living(self, code: Code) -> Token | None:
        same = (code.app_key, code.uid, code.scope)
        for token in self._tokens.values():
            if (token.app_key, token.uid, token.scope) == same and token.left(self._clock()) > 0:
                return token
        return None

    def _new_token(self, code: Code) -> Token:
        text = "2.00" + "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in self._randomness(28))
        token = Token(text, code.app_key, code.uid, code.scope, int(self._clock()), self._token_lifetime)
        self._tokens[text] = token
        _forget(self._tokens, MAX_TOKENS)
        return token


def _challenge(verifier: str) -> str:
    """Return the S256 challenge of *verifier* (RFC 7636 §4.2)."""
    return base64url.encode(hashlib.sha256(verifier.encode("utf-8", "replace")).digest())


def _forget(memory: OrderedDict[str, Any], most: int) -> None:
    while len(memory) > most:
        memory.popitem(last=False)
