"""JSON Web Token: a set of claims as the payload of a JWS.

RFC 7519 says what the claims mean, RFC 8725 what went wrong elsewhere, RFC 9068 how access tokens look.

How to read this file: CLAIMS is the table of every rule about claims, each with its clause; the tests it
names stand above it.  `Verifier.verify` walks the tables of `jws.py` and then this one, and stops at the
first check that fails; `Verifier.audit` walks them all and tells every step; `Issuer.sign` puts what it is
about to sign to the same tests.

    >>> key = Key(bytes(range(32)))
    >>> token = Issuer(key, issuer="shop", lifetime=600, clock=lambda: 1000).sign({"sub": "7"})
    >>> Verifier(key, issuer="shop", audience=None, clock=lambda: 1500).verify(token).claims["sub"]
    '7'
    >>> Verifier(key, issuer="shop", audience=None, clock=lambda: 1600).verify(token)
    Traceback (most recent call last):
    dada.jws.TokenError: expired: exp was 0 s ago (RFC 7519 §4.1.4)

This file knows no shop, no HTTP and no network; the clock is given.
"""

import math
import re
import time
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from dada import base64url, jsontext
from dada.errors import Malformed, Misuse, Problem
from dada.jwk import Key, is_text, keys_from_jwks
from dada.jws import (
    HEADER,
    MAX_LENGTH,
    PAYLOAD,
    Check,
    Opener,
    Reading,
    Signed,
    TokenError,
    media_type,
    open_jws,
    read_header,
    shown,
)
from dada.trace import Step

__all__ = [
    "Issuer", "Key", "Signed", "Step", "Token", "TokenError", "Unverified", "Verifier", "keys_from_jwks", "open_jws",
    "peek",
]  # fmt: skip


class Token(NamedTuple):
    """What a good token says; both mappings are read-only."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]


# --- the tests of claims (RFC 7519 §4) -------------------------------------------------------------------


def _content_type(_: "Verifier", reading: Reading) -> str:
    cty = reading.header.get("cty", "")
    if not isinstance(cty, str):
        return "cty is no string"
    return "the payload is a token in its turn, not claims" if media_type(cty) == "application/jwt" else ""


def _claims(verifier: "Verifier", reading: Reading) -> str:
    try:
        claims = jsontext.read(reading.payload)
    except jsontext.NotJSON as error:
        return str(error)
    if type(claims) is not dict:
        return "the JSON text is no object"
    reading.claims, reading.now = claims, verifier.clock()
    return ""


def _required(verifier: "Verifier", reading: Reading) -> str:
    for name in verifier.require:
        if name not in reading.claims:
            return f"{name} is missing"
    return ""


def _dates(_: object, reading: Reading) -> str:
    claims = reading.claims
    for name in ("exp", "nbf", "iat"):
        if name in claims and type(claims[name]) not in (int, float):  # True is an int to Python, and no date
            return f"{name} is no number"
    return ""


def _texts(_: object, reading: Reading) -> str:
    claims = reading.claims
    for name in ("iss", "sub", "jti"):
        if name in claims and not isinstance(claims[name], str):
            return f"{name} is no string"
    aud = claims.get("aud", "")
    if isinstance(aud, str) or (isinstance(aud, (list, tuple)) and all(isinstance(name, str) for name in aud)):
        return ""
    return "aud is neither a string nor a list of strings"


# Dates are compared and never added up: the sum of a huge integer and a fraction has no value.


def _expiry(verifier: "Verifier", reading: Reading) -> str:
    exp = reading.claims.get("exp", math.inf)
    return "" if reading.now - verifier.leeway < exp else f"exp was {_span(exp, reading.now)} ago"


def _begin(verifier: "Verifier", reading: Reading) -> str:
    nbf = reading.claims.get("nbf", -math.inf)
    return "" if reading.now + verifier.leeway >= nbf else f"nbf is {_span(nbf, reading.now)} ahead"


def _age(verifier: "Verifier", reading: Reading) -> str:
    if verifier.max_age is None:
        return ""
    iat = reading.claims.get("iat")
    if iat is None:
        return "iat is missing, and an age is asked for"
    if iat > reading.now + verifier.leeway:
        return f"iat is {_span(iat, reading.now)} ahead: its age cannot be told"
    too_old = iat < reading.now - verifier.leeway - verifier.max_age
    return f"it is {_span(iat, reading.now)} old, and {verifier.max_age:g} s are allowed" if too_old else ""


def _issuer(verifier: "Verifier", reading: Reading) -> str:
    if verifier.issuer is None or reading.claims.get("iss") in verifier.issuer:
        return ""
    return "iss is not the expected issuer"


def _audience(verifier: "Verifier", reading: Reading) -> str:
    if "aud" not in reading.claims:
        return "" if verifier.audience is None else "aud is missing: it is not said for whom the token is"
    if verifier.audience is None:
        return "it is for an audience, and we have no name"
    aud = reading.claims["aud"]
    return "" if not verifier.audience.isdisjoint([aud] if isinstance(aud, str) else aud) else "it is for somebody else"


CLAIMS: Final = (
    Check(
        "claims", "RFC 7519 §7.2 step 10", "malformed", _claims,
        lambda _, r: f"UTF-8, a JSON object with each name once, {len(r.claims)} of them", opens=True,
    ),
    Check(
        "required", "RFC 7519 §4", "claim", _required,
        lambda v, _: f"{', '.join(v.require)} present" if v.require else "none is required",
    ),
    Check("dates", "RFC 7519 §2", "claim", _dates, "exp, nbf, iat are numbers or absent", opens=True),
    Check("texts", "RFC 7519 §4.1", "claim", _texts, "iss, sub, jti, aud are texts or absent", opens=True),
    Check("expiry", "RFC 7519 §4.1.4", "expired", _expiry, lambda _, r: _when(r, "exp")),
    Check("begin", "RFC 7519 §4.1.5", "immature", _begin, lambda _, r: _when(r, "nbf")),
    Check("age", "RFC 7519 §4.1.6", "expired", _age, lambda _, r: _when(r, "iat")),
    Check("issuer", "RFC 7519 §4.1.1", "issuer", _issuer, lambda _, r: f"iss {shown(r.claims, 'iss')}"),
    Check("audience", "RFC 7519 §4.1.3", "audience", _audience, lambda _, r: f"aud {shown(r.claims, 'aud')}"),
)  # fmt: skip


def _span(date: float, now: float) -> str:
    """Return the seconds between two dates, in words; the fraction is told where it decides."""
    if not -1e15 < date < 1e15:
        return "ages"
    seconds = abs(date - now)
    for unit, size in (("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.3g} s" if seconds < 1 else f"{seconds:.0f} s"


def _when(reading: Reading, name: str) -> str:
    if name not in reading.claims:
        return f"{name} absent"
    date = reading.claims[name]
    return (
        f"{name} {shown(reading.claims, name)}, {_span(date, reading.now)} {'ahead' if date > reading.now else 'ago'}"
    )


# --- the gate and the inspector --------------------------------------------------------------------------


class Verifier(Opener):
    """Decides which tokens are believed; made once, asked for each token.

    keys        a Key or several (RFC 8725 §3.1: each with its one algorithm)
    issuer      who may have made it: a str, several, or None for anybody
    audience    for whom it must be: a str, several, or None; with None a token that names an audience
                is refused, since it is for somebody (RFC 7519 §4.1.3)
    typ         the kind of token, as in the header's typ; None looks at no kind
    require     claims that must be there
    leeway      seconds by which clocks may differ
    max_age     seconds since iat, or None
    max_length  characters
    clock       returns the seconds since 1970

    Raise :exc:`Misuse`, with every problem, for what cannot be right.
    """

    header_checks = (
        *HEADER,
        Check(
            "content type", "RFC 7519 §7.2 step 8", "type", _content_type, lambda _, r: f"cty {shown(r.header, 'cty')}"
        ),
    )
    payload_checks = (*PAYLOAD, *CLAIMS)

    def __init__(
        self,
        keys: Key | Iterable[Key],
        *,
        issuer: str | Iterable[str] | None,
        audience: str | Iterable[str] | None,
        typ: str | None = None,
        require: Iterable[str] = ("exp",),
        leeway: float = 0,
        max_age: float | None = None,
        max_length: int = MAX_LENGTH,
        clock: Callable[[], float] = time.time,
    ) -> None:
        problems = _no_clock(clock)
        self.issuer = _names(issuer, "issuer", problems)
        self.audience = _names(audience, "audience", problems)
        self.require = tuple(sorted(_names(require, "require", problems, least=0) or ()))
        self.leeway, self.max_age, self.clock = leeway, max_age, clock
        for name, value in (("leeway", leeway), ("max_age", max_age)):
            if not (_is_span(value) or (name == "max_age" and value is None)):
                problems.append(Problem(name, name, repr(value)[:40], "this is no span of time", "seconds, 0 or more"))
        try:
            super().__init__(keys, typ=typ, max_length=max_length)
        except Misuse as error:
            problems += error.problems
        if problems:
            raise Misuse(problems)

    def verify(self, token: str, /) -> Token:
        """Return what *token* says.  Raise :exc:`TokenError`, and nothing else, for any argument."""
        reading = self.open(token)
        return tuple.__new__(Token, (reading.header, MappingProxyType(reading.claims)))  # as Token(…), but quicker


def _names(value: Any, field: str, problems: list[Problem], least: int = 1) -> frozenset[str] | None:
    """Return *value*, a text, several or None, as a set to look names up in; add what is wrong with it."""
    if value is None and field != "require":
        return None
    several = isinstance(value, Iterable) and not isinstance(value, str | bytes)
    names = tuple(value) if several else (value,)
    if (field == "require" and not several) or len(names) < least or not all(is_text(n) and n for n in names):
        why, fix = "names are texts that are not empty", "a list of texts" if least == 0 else "a text, several, or None"
        problems.append(Problem(f"{field}-names", field, repr(value)[:60], why, fix, "RFC 7519 §4.1"))
        return None
    return frozenset(names)


def _no_clock(clock: Any) -> list[Problem]:
    return [] if callable(clock) else [Problem("clock", "clock", "", "a clock is asked for the time", "time.time")]


def _is_span(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value < math.inf


# --- making tokens (RFC 7519 §7.1) -----------------------------------------------------------------------


class Issuer:
    """Signs claims; made once, asked for each token.

    key       the Key that signs; its name goes into the header
    issuer    the claim iss, or None
    audience  the claim aud: a str, several, or None
    lifetime  seconds from iat to exp, or None for a token without an end
    typ       the kind of token for the header: "JWT", "at+jwt" (RFC 9068 §2.1), or None
    clock     returns the seconds since 1970

    Raise :exc:`Misuse`, with every problem, for what cannot be right.
    """

    def __init__(
        self,
        key: Key,
        *,
        issuer: str | None,
        audience: str | Iterable[str] | None = None,
        lifetime: float | None,
        typ: str | None = "JWT",
        clock: Callable[[], float] = time.time,
    ) -> None:
        problems = _no_clock(clock)
        names = _names(issuer, "issuer", problems), _names(audience, "audience", problems)
        for text in (text for name in names if name for text in name if not _is_string_or_uri(text)):
            why, fix = "a name with a colon is a URI", "a URI, or a name without a colon"
            problems.append(Problem("no-uri", "issuer, audience", text[:60], why, fix, "RFC 7519 §2"))
        if not isinstance(key, Key):
            problems.append(
                Problem("key-missing", "key", "", "nothing can be signed without one", "a Key", "RFC 7515 §5.1")
            )
        if lifetime is not None and not (_is_span(lifetime) and lifetime > 0):
            problems.append(
                Problem("lifetime", "lifetime", repr(lifetime)[:40], "it would never be valid", "seconds, or None")
            )
        if typ is not None and not (isinstance(typ, str) and _TYP.fullmatch(typ)):
            why, fix = "typ is a media type without application/", "JWT, at+jwt …"
            problems.append(Problem("typ", "typ", repr(typ)[:40], why, fix, "RFC 8725 §3.11"))
        if problems:
            raise Misuse(problems)
        header = {"alg": key.alg, "typ": typ, "kid": key.kid}
        self._header = base64url.encode(
            jsontext.write({name: text for name, text in header.items() if text is not None})
        )
        several = audience if audience is None or isinstance(audience, str) else sorted(names[1] or ())
        self._fixed = {name: value for name, value in (("iss", issuer), ("aud", several)) if value is not None}
        # What every token begins with is written once.
        self._prefix = jsontext.write(self._fixed)[:-1] + (b"," if self._fixed else b"")
        self._key, self._lifetime, self._clock = key, lifetime, clock

    def sign(self, claims: Mapping[str, Any], /) -> str:
        """Return a token that says *claims*, and iss, aud, iat and exp.

        *claims* is copied; it may give its own iat and exp, and no other iss or aud.  Raise :exc:`Misuse`
        for what no verifier may accept: a date that is no number, NaN, a name that is no text …
        """
        now = self._clock()
        second = int(now)
        try:
            said = {"iat": second, **claims}
            if self._lifetime is not None and "exp" not in said:
                said["exp"] = second + self._lifetime
            if wrong := self._wrong(said, now):
                raise _unsignable(wrong)
            payload = self._prefix + jsontext.write(said)[1:]
        except TypeError:
            raise _unsignable("claims are a mapping from texts") from None
        except jsontext.NotJSON as error:
            raise _unsignable(str(error)) from None
        signed = f"{self._header}.{base64url.encode(payload)}"
        return f"{signed}.{base64url.encode(self._key.mac(signed.encode()))}"

    def _wrong(self, said: dict[str, Any], now: float) -> str:
        """Return why no verifier may accept what is *said*, or ""."""
        for name in self._fixed:
            if name in said and said.pop(name) != self._fixed[name]:
                return f"{name} is the issuer's to give"
        reading = Reading()
        reading.claims = said
        if wrong := _dates(self, reading) or _texts(self, reading):
            return wrong
        subject, exp = said.get("sub", ""), said.get("exp", math.inf)
        if ":" in subject and not _is_string_or_uri(subject):
            return "sub has a colon and is no URI"
        if exp <= now or exp <= said.get("nbf", -math.inf):
            return "it would never be valid: exp is not after now and nbf"
        return ""


def _unsignable(why: str) -> Misuse:
    return Misuse([Problem("claims", "claims", "", why, "claims that a verifier may accept", "RFC 7519 §7.1")])


_TYP = re.compile(r"(?!application/)[A-Za-z0-9!#$&^_.+-]+(?:/[A-Za-z0-9!#$&^_.+-]+)?", re.IGNORECASE)
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(?:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*")


def _is_string_or_uri(text: str) -> bool:
    """Whether *text* is a StringOrURI (RFC 7519 §2): with a colon in it, it must be a URI (RFC 3986 §3)."""
    return ":" not in text or _URI.fullmatch(text) is not None


# --- looking without believing ---------------------------------------------------------------------------


class Unverified:
    """What a token says of itself, believed by nobody: nothing in this project takes one for a Token."""

    __slots__ = ("claims", "header")

    def __init__(self, header: Mapping[str, Any], claims: Any) -> None:
        self.header, self.claims = header, claims

    def __repr__(self) -> str:
        return "<Unverified: what a token says, believed by nobody>"


def peek(token: str, /) -> Unverified:
    """Return what *token* says of itself, for logs and lessons; its MAC is not looked at.

    Raise :exc:`TokenError` where there is nothing to read.
    """
    try:
        header, payload, _ = token[: MAX_LENGTH + 1].split(".", 3)
        return Unverified(read_header(header), jsontext.read(base64url.decode(payload)))
    except (AttributeError, TypeError, ValueError, Malformed) as error:
        detail = str(error) if isinstance(error, Malformed) else "there are not three segments"
        raise TokenError("malformed", "RFC 7515 §7.1", detail) from None
