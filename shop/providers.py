"""Providers: whose accounts one may log in with, and how each says whose a token is.

    weibo     shop/weibo.py: it has a way of its own to say whose a token is, and for which application
    others    described in SECRETS_DIR/providers.json, all alike: a token, then the profile of its owner

A described provider is a JSON object, in a list:

    {"name": "octopus", "client_id": "…", "client_secret": "…", "authorize_url": "https://octopus.example/authorize",
     "token_url": "https://octopus.example/token", "user_url": "https://api.octopus.example/user",
     "subject": "id", "display_name": "login", "avatar": "avatar_url", "scope": ["read:user"], "pkce": true}

That a code was exchanged with our own secret and, where it is enforced, with our own PKCE verifier, says that the token
was made for us (RFC 9700 §4.5.3); such a provider is asked for nothing more.  Its tokens have at most 256 characters.

This file knows answers; the flow is in `federation.py`.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

from dada import oauth
from dada.errors import Misuse, Problem
from shop.errors import Refused
from shop.http import HTTP

__all__ = ["Described", "Greeting", "Provider", "greeting", "read_descriptions"]


class Greeting(NamedTuple):
    """The name and the picture to greet somebody with; "" for none."""

    name: str
    avatar: str


class Provider(Protocol):
    """What the flow asks of a provider."""

    @property
    def client(self) -> oauth.Provider:
        """Its endpoints, and what it knows us by."""

    def token(self, status: int, body: bytes) -> oauth.TokenAnswer:
        """Return what its token endpoint answered.  Raise :exc:`Refused`, :exc:`OAuthError`."""

    def whose(self, http: HTTP, answer: oauth.TokenAnswer) -> str:
        """Return who the token is of, in the provider's own number.  Raise :exc:`Refused`, :exc:`OAuthError`."""

    def greet(self, http: HTTP, answer: oauth.TokenAnswer, subject: str) -> Greeting:
        """Return how to greet him.  Raise :exc:`Refused`, :exc:`OAuthError`."""


def greeting(name: Any, avatar: Any) -> Greeting:
    """Return a greeting of what a provider said, which may be anything."""
    shown = "".join(char for char in name if char.isprintable())[:60] if isinstance(name, str) else ""
    good = isinstance(avatar, str) and len(avatar) <= 500 and not oauth.url_fault(avatar)
    return Greeting(shown, avatar if good else "")


@dataclass(frozen=True)
class Described:
    """A provider like many: its description says where the owner of a token is told, and in which members."""

    client: oauth.Provider
    user_url: str
    subject: str
    display_name: str
    avatar: str

    def token(self, status: int, body: bytes) -> oauth.TokenAnswer:
        """Return it as the standard has it."""
        return oauth.read_token(status, body)

    def whose(self, http: HTTP, answer: oauth.TokenAnswer) -> str:
        """Return the subject that the profile names."""
        subject = self._profile(http, answer).get(self.subject)
        text = str(subject) if type(subject) in (int, str) else ""
        if not _SUBJECT.fullmatch(text):
            raise Refused("provider-answer", "there is no subject in the answer")
        return text

    def greet(self, http: HTTP, answer: oauth.TokenAnswer, subject: str) -> Greeting:
        """Return what the profile names, if it still is of *subject*."""
        profile = self._profile(http, answer)
        if str(profile.get(self.subject)) != subject:
            raise Refused("provider-answer", "two answers tell of two accounts")
        return greeting(profile.get(self.display_name), profile.get(self.avatar))

    def _profile(self, http: HTTP, answer: oauth.TokenAnswer) -> dict[str, Any]:
        reply = http.get(self.user_url, {}, bearer=answer.access_token)
        return oauth.read_success(reply.status, reply.body)


_SUBJECT: Final = re.compile(r"[\x21-\x7e]{1,64}")
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{1,31}")
_TAKEN: Final = frozenset({"weibo", "oauth", "status", "ticket"})  # paths, and members beside a provider's own

# For each member: its default (None: it must be given), what makes it good, and what is told if it is not.
_TEXT: Final[tuple[Callable[[Any], bool], str]] = (lambda value: isinstance(value, str), "a text")
_GIVEN: Final[tuple[Callable[[Any], bool], str]] = (lambda value: isinstance(value, str) and value != "", "a text")
_MEMBERS: Final[Mapping[str, tuple[Any, Callable[[Any], bool], str]]] = {
    "name": (
        None,
        lambda value: isinstance(value, str) and bool(_NAME.fullmatch(value)) and value not in _TAKEN,
        "small letters, digits and hyphens; not weibo, oauth, status, ticket",
    ),
    "client_id": (None, *_GIVEN),
    "client_secret": (None, *_GIVEN),
    "authorize_url": (None, *_GIVEN),
    "token_url": (None, *_GIVEN),
    "user_url": (None, *_GIVEN),
    "subject": ("id", *_GIVEN),
    "display_name": ("name", *_TEXT),
    "avatar": ("", *_TEXT),
    "scope": (
        [],
        lambda value: isinstance(value, list) and all(isinstance(name, str) and name for name in value),
        "a list of texts",
    ),
    "scope_separator": (" ", *_GIVEN),
    "pkce": (True, lambda value: isinstance(value, bool), "true or false"),
}


def read_descriptions(path: Path, page_origin: str) -> tuple[Described, ...]:
    """Return the providers that the file describes; none if there is no file.

    page_origin  whose page /callback/<name>.html the browser comes back to

    Raise :exc:`Misuse`, with every problem; no secret is told.
    """
    if not path.exists():
        return ()
    try:
        told = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise Misuse(
            [Problem("providers", str(path), "", f"it cannot be read: {type(error).__name__}", "JSON")]
        ) from None
    if not isinstance(told, list) or not all(isinstance(entry, dict) for entry in told):
        raise Misuse([Problem("providers", str(path), "", "this is no list of objects", "[{…}, …]")])
    found, problems = [], []
    for place, entry in enumerate(told):
        try:
            found.append(_describe(entry, page_origin))
        except Misuse as error:
            problems += [replace(problem, field=f"providers[{place}].{problem.field}") for problem in error.problems]
    names = [provider.client.name for provider in found]
    for name in sorted({name for name in names if names.count(name) > 1}):
        problems.append(Problem("providers", "name", name, "two have this name", "give each its own"))
    if problems:
        raise Misuse(problems)
    return tuple(found)


def _describe(entry: dict[str, Any], page_origin: str) -> Described:
    told = {name: entry.get(name, default) for name, (default, _, _) in _MEMBERS.items()}
    problems = [
        Problem("provider", name, "", "it is missing" if told[name] is None else "this makes no sense", fix)
        for name, (_, is_good, fix) in _MEMBERS.items()
        if not is_good(told[name])
    ]
    known = ", ".join(_MEMBERS)
    problems += [Problem("provider", name, "", "it is not known", known) for name in entry if name not in _MEMBERS]
    if problems:
        raise Misuse(problems)
    client = oauth.Provider(
        name=told["name"],
        client_id=told["client_id"],
        client_secret=told["client_secret"],
        authorize_url=told["authorize_url"],
        token_url=told["token_url"],
        redirect_uri=f"{page_origin}/callback/{told['name']}.html",
        scope=tuple(told["scope"]),
        scope_separator=told["scope_separator"],
        pkce=told["pkce"],
    )
    if why := oauth.url_fault(told["user_url"]):
        raise Misuse([Problem("oauth-url", "user_url", told["user_url"][:80], why, "an https URL", "RFC 6749 §3.1")])
    return Described(client, told["user_url"], told["subject"], told["display_name"], told["avatar"])
