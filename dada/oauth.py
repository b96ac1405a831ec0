"""OAuth 2.0, the client's side of "log in with …": the authorization code grant (RFC 6749 §4.1, RFC 9700).

    page ──challenge──► `begin` ──URL──► page ──► provider ──code, state──► page
    page ──code, state, verifier──► `read_return`, `admit` ──TokenRequest──► provider ──► `read_token`

Everything here is a value: `begin` returns what to remember and the URL to go to, `admit` returns the request
that somebody else sends, `read_token` reads the answer that somebody else received.

The state is bound to the browser that began (RFC 9700 §2.1), and without cookies: the page makes a secret, the
verifier, shows its hash when it begins (RFC 7636 §4.2) and the secret itself when it returns.  A state of which a
server only knows that it exists proves nothing about whose browser it is: an attacker would bring his own.

This file knows URLs, forms and answers; it does not know the network, a database, or any provider by name.
"""

import hashlib
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hmac import compare_digest
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode, urlsplit

from dada import base64url, jsontext
from dada.errors import Malformed, Misuse, Problem, Rejected
from dada.origins import is_loopback
from dada.trace import Step

__all__ = [
    "LOGIN", "Admission", "OAuthError", "Pending", "Provider", "Return", "TokenAnswer", "TokenRequest", "admit",
    "audit", "begin", "challenge", "new_secret", "read_members", "read_return", "read_success", "read_token",
    "state_key", "url_fault",
]  # fmt: skip

LIFETIME: Final = 600  # seconds between leaving for the provider and coming back
LOGIN: Final = "login"  # what a browser leaves for, if nothing else is said
_MAX_ANSWER: Final = 65536
_SECRET = re.compile(r"[A-Za-z0-9._~-]{43,128}")  # RFC 7636 §4.1
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")  # base64url of a SHA-256 (RFC 7636 §4.2)
_CODE = re.compile(r"[\x21-\x7e]{1,512}")  # RFC 6749 appendix A.11: a code is visible ASCII; ours are bounded
_URL = re.compile(r"[\x21-\x7e]+")
_TOKEN = re.compile(r"[\x21-\x7e]{1,256}")  # and so is a token


class OAuthError(Rejected):
    """A flow is refused.

    *reason* is one of: return (the parameters make no sense, or tell of an error), state (unknown, used, or too old),
    verifier (another browser began), provider, purpose (it left for something else), denied (the user said no), code
    (the provider refused it), client (the provider refused us), answer (its answer makes no sense), unavailable.
    """


@dataclass(frozen=True)
class Provider:
    """An authorization server, and what it knows us by.

    authorize_url, token_url   its endpoints: https, or loopback
    redirect_uri               one absolute URI, registered there, the same in both steps (RFC 9700 §2.1)
    scope                      names; none asks for the least
    pkce                       whether the provider enforces PKCE; one that only says so is not told (RFC 9700 §2.1.1)

    Raise :exc:`Misuse`, with every problem, for what cannot be safe.
    """

    name: str
    client_id: str
    client_secret: str = field(repr=False)
    authorize_url: str
    token_url: str
    redirect_uri: str
    scope: tuple[str, ...] = ()
    scope_separator: str = " "
    pkce: bool = False

    def __post_init__(self) -> None:
        problems = []
        for name in ("authorize_url", "token_url", "redirect_uri"):
            if why := url_fault(getattr(self, name)):
                fix = "an https URL without a fragment"
                problems.append(Problem("oauth-url", name, str(getattr(self, name))[:80], why, fix, "RFC 6749 §3.1"))
        problems += [
            Problem("oauth-empty", name, "", "the provider knows us by it", "a text", "RFC 6749 §2.2")
            for name in ("name", "client_id", "client_secret")
            if not getattr(self, name)
        ]
        if problems:
            raise Misuse(problems)


def url_fault(url: Any) -> str:
    """Return why nothing secret may be sent to *url*, or ""."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except (ValueError, AttributeError, TypeError):
        return "this is no URL"
    if not host or parts.scheme not in ("https", "http") or not _URL.fullmatch(url):
        return "this is no absolute http(s) URL"
    if "@" in parts.netloc:
        return "a name before the host makes it look like another"
    if parts.scheme == "http" and not is_loopback(f"[{host}]" if ":" in host else host):
        return "codes and secrets would travel in the clear"
    return "a fragment is not sent" if parts.fragment or "#" in url or "*" in url else ""


# --- leaving (RFC 6749 §4.1.1) ---------------------------------------------------------------------------


class Pending(NamedTuple):
    """What is remembered while the browser is away, under `state_key`, for LIFETIME seconds, once.

    provider      whom it left for: an answer from another is a mix-up (RFC 9700 §4.4)
    challenge     the hash of the browser's secret
    redirect_uri  where the provider was told to send it back to (RFC 6749 §4.1.3)
    purpose       what for, and for whom: who comes back for something else took another's way (RFC 9700 §4.7)
    verifier      our own PKCE secret towards the provider; "" where it takes none
    """

    provider: str
    challenge: str
    redirect_uri: str
    purpose: str = LOGIN
    verifier: str = ""


def new_secret(random: Callable[[int], bytes] = secrets.token_bytes) -> str:
    """Return a text of 256 random bits: a state, or a verifier (RFC 7636 §4.1, RFC 6749 §10.10)."""
    return base64url.encode(random(32))


def challenge(verifier: str) -> str:
    """Return the S256 challenge of *verifier* (RFC 7636 §4.2); "plain" does not exist here."""
    return base64url.encode(hashlib.sha256(verifier.encode("ascii", "replace")).digest())


def state_key(state: str) -> str:
    """Return the name under which a state is remembered: its hash, so that the store's reader cannot use it."""
    return hashlib.sha256(state.encode("utf-8", "replace")).hexdigest()


def begin(
    provider: Provider,
    browser_challenge: str,
    purpose: str = LOGIN,
    *,
    random: Callable[[int], bytes] = secrets.token_bytes,
) -> tuple[str, Pending, str]:
    """Return a new state, what to remember under it, and the URL to send the browser to.

    purpose  what for, and for whom, in the caller's own words

    Nothing of the URL comes from a request.  Raise :exc:`OAuthError` for a challenge that is none.
    """
    if not isinstance(browser_challenge, str) or not _CHALLENGE.fullmatch(browser_challenge):
        raise OAuthError("verifier", "RFC 7636 §4.2", "a challenge is 43 characters: the base64url of a SHA-256")
    state, verifier = new_secret(random), new_secret(random) if provider.pkce else ""
    query = {
        "response_type": "code",
        "client_id": provider.client_id,
        "redirect_uri": provider.redirect_uri,
        "state": state,
    }
    if provider.scope:
        query["scope"] = provider.scope_separator.join(provider.scope)
    if verifier:
        query |= {"code_challenge": challenge(verifier), "code_challenge_method": "S256"}
    joint = "&" if urlsplit(provider.authorize_url).query else "?"
    url = f"{provider.authorize_url}{joint}{urlencode(query)}"
    return state, Pending(provider.name, browser_challenge, provider.redirect_uri, purpose, verifier), url


# --- coming back (RFC 6749 §4.1.2) -----------------------------------------------------------------------


class Return(NamedTuple):
    """What the provider sent back through the browser: a code or an error, with the state."""

    state: str
    code: str = ""
    error: str = ""


def read_return(params: Mapping[str, Any]) -> Return:
    """Return the parameters of the redirect back, bounded and single.

    Raise :exc:`OAuthError` for what is missing, repeated or not of the grammar; a missing state fails like a
    wrong one, and skips no comparison (RFC 9700 §4.7).
    """
    state, code, error = (params.get(name, "") for name in ("state", "code", "error"))
    if not isinstance(state, str) or not _SECRET.fullmatch(state):
        raise OAuthError("state", "RFC 6749 §10.12", "there is no state of ours")
    if error:
        known = isinstance(error, str) and error in _ERRORS
        return Return(state, error=error if known else "server_error")
    if not isinstance(code, str) or not _CODE.fullmatch(code):
        raise OAuthError("return", "RFC 6749 §4.1.2", "there is no code")
    return Return(state, code)


_ERRORS = frozenset({
    "access_denied", "invalid_request", "invalid_scope", "server_error", "temporarily_unavailable",
    "unauthorized_client", "unsupported_response_type",
})  # fmt: skip


class Admission(NamedTuple):
    """All that the checks of a return look at.

    pending        what was remembered under the state, and is forgotten by now; None if there was nothing
    verifier       the secret that the page shows
    purpose        what the browser comes back for, and who
    """

    provider: Provider
    returned: Return
    pending: Pending | None
    verifier: Any
    purpose: str = LOGIN


def _known(a: Admission) -> str:
    return "" if a.pending else "no browser left with it, or one came back already, or too late"


def _same_browser(a: Admission) -> str:
    good = isinstance(a.verifier, str) and _SECRET.fullmatch(a.verifier) and a.pending
    same = good and compare_digest(challenge(a.verifier).encode(), good.challenge.encode())
    return "" if same else "another browser began"


def _same_provider(a: Admission) -> str:
    return "" if a.pending and a.pending.provider == a.provider.name else "it left for another provider"


def _same_purpose(a: Admission) -> str:
    return "" if a.pending and a.pending.purpose == a.purpose else "it left for something else, or for somebody else"


def _consent(a: Admission) -> str:
    return "the provider says access_denied" if a.returned.error == "access_denied" else ""


def _accepted(a: Admission) -> str:
    return f"the provider says {a.returned.error}" if a.returned.error not in ("", "access_denied") else ""


# Checked in this order, before the code is spent on anything.
RETURN: Final = (
    ("state", "RFC 9700 §4.7", "state", _known),
    ("browser", "RFC 7636 §4.6", "verifier", _same_browser),
    ("provider", "RFC 9700 §4.4", "provider", _same_provider),
    ("purpose", "RFC 9700 §4.7", "purpose", _same_purpose),
    ("consent", "RFC 6749 §4.1.2.1", "denied", _consent),
    ("accepted", "RFC 6749 §4.1.2.1", "return", _accepted),
)


class TokenRequest(NamedTuple):
    """A request to be sent, once and never again: a code is for one use (RFC 6749 §4.1.2).

    The secret is in the body and never in the URL (RFC 6749 §2.3.1).
    """

    url: str
    form: dict[str, str]


def admit(admission: Admission) -> TokenRequest:
    """Return the token request for a browser that came back (RFC 6749 §4.1.3).

    Raise :exc:`OAuthError`, whose reason says which check refused.
    """
    for _, clause, reason, test in RETURN:
        if wrong := test(admission):
            raise OAuthError(reason, clause, wrong)
    provider, pending = admission.provider, admission.pending
    assert pending is not None  # noqa: S101 the first check refuses what is not remembered
    form = {
        "grant_type": "authorization_code",
        "code": admission.returned.code,
        "redirect_uri": pending.redirect_uri,
        "client_id": provider.client_id,
        "client_secret": provider.client_secret,
    }
    if pending.verifier:
        form["code_verifier"] = pending.verifier
    return TokenRequest(provider.token_url, form)


def audit(admission: Admission) -> list[Step]:
    """Return every check of a return with its clause and verdict; the same that `admit` makes."""
    steps = []
    for name, clause, _, test in RETURN:
        wrong = test(admission)
        steps.append(Step(name, clause, "failed" if wrong else "passed", wrong or "as it was left"))
    return steps


# --- the provider's answer (RFC 6749 §5) -----------------------------------------------------------------


class TokenAnswer(NamedTuple):
    """A good answer: the token, the seconds it lives (0 where it is not said), and all members."""

    access_token: str
    expires_in: int
    members: dict[str, Any]


def read_token(status: int, body: bytes) -> TokenAnswer:
    """Return what the token endpoint answered.

    Nothing of the answer is quoted: it may echo the code or the token.  Raise :exc:`OAuthError` with reason code,
    client, answer or unavailable.
    """
    members = read_success(status, body)
    token = members.get("access_token")
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise OAuthError("answer", "RFC 6749 §5.1", "there is no token in the answer")
    kind = members.get("token_type", "bearer")  # Weibo tells none
    if not isinstance(kind, str) or kind.lower() != "bearer":  # a token of another type is not shown as a bearer's
        raise OAuthError("answer", "RFC 6749 §5.1", "the token is of a type that is not known here")
    expires = members.get("expires_in", 0)
    if isinstance(expires, str) and expires.isascii() and expires.isdigit() and len(expires) < 16:
        expires = int(expires)
    return TokenAnswer(token, expires if type(expires) is int and expires > 0 else 0, members)


def read_success(status: int, body: bytes) -> dict[str, Any]:
    """Return the members of a provider's answer that is no error.

    The label of the body is not looked at: some providers call their JSON text/plain.  An error in the body is an
    error whatever the status says.  Raise :exc:`OAuthError`: unavailable for its own trouble (5xx), code or client for
    what it finds wrong with our request (4xx), answer for nonsense.
    """
    if status >= 500:
        raise OAuthError("unavailable", "RFC 6749 §5.2", f"the provider answered {status}")
    try:
        members = read_members(body)
    except OAuthError:
        if status < 400:
            raise
        members = {}  # it refuses, and in whatever words
    error = members.get("error")
    if error is not None or "error_code" in members or status != 200:
        reason = _REASONS.get(error, "client") if isinstance(error, str) else "client" if status >= 400 else "answer"
        raise OAuthError(reason, "RFC 6749 §5.2", f"the provider refused, with status {status}")
    return members


_REASONS = {"invalid_grant": "code", "expired_token": "code", "temporarily_unavailable": "unavailable"}


def read_members(body: bytes) -> dict[str, Any]:
    """Return the JSON object in a provider's answer, read strictly.  Raise :exc:`OAuthError`, reason answer."""
    try:
        members = jsontext.read(body) if len(body) <= _MAX_ANSWER else None
    except Malformed as error:
        raise OAuthError("answer", error.clause, "the provider's answer is no JSON") from None
    if not isinstance(members, dict):
        raise OAuthError("answer", "RFC 6749 §5.1", "the provider's answer is no JSON object, or too long")
    return members
