"""JSON Web Signature, compact: bytes under a MAC, in one line of text.

    header . payload . signature        three base64url segments (RFC 7515 §7.1)

How to read this file: ENVELOPE, HEADER and PAYLOAD are the tables of every check, in the order in which
they are made, each with its clause; the tests they name stand above them.  `Opener.open` walks the tables
and stops at the first check that fails, `Opener.audit` walks the same tables and tells every step.

Three decisions run through it.  The algorithm belongs to the key: what a header says is only ever
compared (RFC 8725 §3.1).  The MAC comes first: nothing that is not authentic reaches base64 or JSON.
The signature is compared as text: a token has one spelling.

This file knows headers and bytes; what a payload means is for `jwt.py`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from hmac import compare_digest
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from dada import base64url, jsontext
from dada.errors import Misuse, Problem, Rejected
from dada.jwk import Key, same_names
from dada.trace import Step

__all__ = ["MAX_LENGTH", "Check", "Opener", "Reading", "Signed", "TokenError", "open_jws", "read_header"]

MAX_LENGTH: Final = 16384
_HEADERS_KEPT: Final = 64
_ABSENT: Final = object()


class TokenError(Rejected):
    """A token is refused.

    *reason* is one of: malformed, signature, algorithm, critical, type, expired, immature, audience,
    issuer, claim.  *clause* and *detail* say why, and quote nothing that might be a secret.
    """


class Signed(NamedTuple):
    """What a good JWS holds: the header, read-only, and the payload's bytes, of whatever kind."""

    header: Mapping[str, Any]
    payload: bytes


class Reading:
    """What has been read of one token so far: the tests fill it, in the order of the tables."""

    __slots__ = (
        "claims", "header", "header_text", "key", "now", "payload", "payload_text", "signature", "signed", "token",
    )  # fmt: skip

    token: str
    header_text: str
    payload_text: str
    signature: str
    signed: bytes
    key: Key
    header: Mapping[str, Any]
    payload: bytes
    claims: dict[str, Any]
    now: float


@dataclass(frozen=True, slots=True)  # a field of one is found quicker than a NamedTuple's, a dozen times a token
class Check:
    """One rule: its name, the clause that makes it, the reason it refuses with, and its test.

    test   returns "" or what is wrong, in words that quote no secret
    tell   what the test looked at, for the inspector: words, or what makes them
    opens  later checks look at what this one lays open: when it fails, they are not reached
    """

    name: str
    clause: str
    reason: str
    test: Callable[[Any, Reading], str]
    tell: str | Callable[[Any, Reading], str]
    opens: bool = False


# --- the envelope, up to the signature (RFC 7515 §5.2) ---------------------------------------------------


def _length(opener: "Opener", reading: Reading) -> str:
    token: object = reading.token
    if not isinstance(token, str):
        return "this is no text"
    if len(token) > opener.max_length:
        return f"{len(token)} characters, and at most {opener.max_length} are read"
    return ""


def _segments(_: "Opener", reading: Reading) -> str:
    segments = reading.token.split(".", 3)  # bounded: a million dots are not a million segments
    if len(segments) != 3:
        count = reading.token.count(".") + 1
        return f"{count} segment{'s' * (count > 1)} where there must be three"
    if not reading.token.isascii():
        return "a character that is not of base64url"
    reading.header_text, reading.payload_text, reading.signature = segments
    reading.signed = reading.token[: -len(reading.signature) - 1].encode("ascii")
    return ""


def _signature(opener: "Opener", reading: Reading) -> str:
    # Every key is tried, and `kid` is looked at afterwards, in a header that is known to be authentic: to
    # choose by kid would mean to decode and parse what anybody may have sent.  A MAC costs less than that.
    for key in opener.keys:
        reading.key = key
        if compare_digest(base64url.encode(key.mac(reading.signed)), reading.signature):
            return ""
    return "no key of ours made it"


ENVELOPE: Final = (
    Check(
        "length", "RFC 8259 §9", "malformed", _length,
        lambda _, r: f"{len(r.token)} characters", opens=True,
    ),
    Check(
        "segments", "RFC 7515 §5.2 step 1", "malformed", _segments,
        lambda _, r: f"three, of {len(r.header_text)}, {len(r.payload_text)} and {len(r.signature)} characters",
        opens=True,
    ),
    Check(
        "signature", "RFC 7515 §5.2 step 8", "signature", _signature,
        lambda _, r: f"the MAC of the two segments before it, made with {r.key!r}",
    ),
)  # fmt: skip


# --- the header (RFC 7515 §4) ----------------------------------------------------------------------------


def _header(_: "Opener", reading: Reading) -> str:
    try:
        reading.header = read_header(reading.header_text)
    except (base64url.NotBase64url, jsontext.NotJSON) as error:
        return str(error)
    return ""


def _algorithm(_: "Opener", reading: Reading) -> str:
    return "" if reading.header.get("alg") == reading.key.alg else f"alg is not {reading.key.alg}, the key's own"


def _critical(_: "Opener", reading: Reading) -> str:
    return "it demands an extension, and none is understood" if "crit" in reading.header else ""


def _unencoded(_: "Opener", reading: Reading) -> str:
    return "" if reading.header.get("b64", True) is True else "b64 claims that the payload is not base64url"


def _key_name(_: "Opener", reading: Reading) -> str:
    kid = reading.header.get("kid", _ABSENT)
    if kid is _ABSENT:
        return ""
    if not isinstance(kid, str):
        return "kid is no string"
    # A key without a name goes by any name; a key that has one goes by no other.
    return "" if reading.key.kid in (None, kid) else "the key that made it has another name"


def _type(opener: "Opener", reading: Reading) -> str:
    if opener.typ is None:
        return ""
    typ = reading.header.get("typ")
    if not isinstance(typ, str):
        return "typ is missing, or no string"
    return "" if media_type(typ) == media_type(opener.typ) else f"typ is not {opener.typ}"


HEADER: Final = (
    Check(
        "header", "RFC 7515 §5.2 steps 2-4", "malformed", _header,
        "base64url, UTF-8, a JSON object with each name once", opens=True,
    ),
    Check("algorithm", "RFC 8725 §3.1", "algorithm", _algorithm, lambda _, r: f"alg {r.key.alg}, the key's own"),
    Check("critical", "RFC 7515 §4.1.11", "critical", _critical, "no extension is demanded"),
    Check("unencoded", "RFC 7797 §7", "critical", _unencoded, "the payload is base64url"),
    Check("key name", "RFC 7515 §4.1.4", "signature", _key_name, lambda _, r: f"kid {shown(r.header, 'kid')}"),
    Check(
        "type", "RFC 8725 §3.11", "type", _type,
        lambda o, r: f"typ {shown(r.header, 'typ')}, {o.typ or 'none'} expected",
    ),
)  # fmt: skip


def _payload(_: "Opener", reading: Reading) -> str:
    try:
        reading.payload = base64url.decode(reading.payload_text)
    except base64url.NotBase64url as error:
        return str(error)
    return ""


PAYLOAD: Final = (
    Check(
        "payload", "RFC 7515 §5.2 step 6", "malformed", _payload,
        lambda _, r: f"base64url of {len(r.payload)} bytes", opens=True,
    ),
)  # fmt: skip


# --- the gate and the inspector --------------------------------------------------------------------------


class Opener:
    """Opens compact JWS made with certain keys: the first half of every token check.

    keys        a Key or several; a name may be given to one of them only
    typ         the media type that the header must name, or None
    max_length  in characters; a longer text is not looked at

    Raise :exc:`Misuse` for what cannot be right.
    """

    header_checks: tuple[Check, ...] = HEADER
    payload_checks: tuple[Check, ...] = PAYLOAD

    def __init__(self, keys: Key | Iterable[Key], *, typ: str | None = None, max_length: int = MAX_LENGTH) -> None:
        given = [keys] if isinstance(keys, Key) else list(keys) if isinstance(keys, Iterable) else []
        problems: list[Problem] = []
        if not given or not all(isinstance(key, Key) for key in given):
            why, fix = "without a key nothing can be verified", "a Key, or several"
            problems.append(Problem("keys-missing", "keys", "", why, fix, "RFC 7515 §5.2"))
        else:
            problems += same_names(given)
        if typ is not None and (not isinstance(typ, str) or not typ):
            problems.append(
                Problem("typ-type", "typ", repr(typ)[:40], "typ is a media type", "a text", "RFC 7515 §4.1.9")
            )
        if type(max_length) is not int or max_length < 1:
            why, fix = "a length is a whole number of characters", str(MAX_LENGTH)
            problems.append(Problem("max-length", "max_length", repr(max_length)[:40], why, fix))
        if problems:
            raise Misuse(problems)
        self.keys, self.typ, self.max_length = tuple(given), typ, max_length
        # Headers that passed their checks, by their exact text and the key that authenticated them: tokens
        # of one issuer share theirs.  Filled only behind a good MAC, and bounded.
        self._headers: dict[tuple[str, Key], Mapping[str, Any]] = {}

    def open(self, token: str, /) -> Reading:
        """Return *token* laid open up to its payload's bytes.  Raise :exc:`TokenError`."""
        reading = Reading()
        reading.token = token
        self._walk(ENVELOPE, reading)
        seen = (reading.header_text, reading.key)
        if (header := self._headers.get(seen)) is not None:
            reading.header = header
        else:
            self._walk(self.header_checks, reading)
            if len(self._headers) >= _HEADERS_KEPT:
                self._headers.clear()
            self._headers[seen] = reading.header
        self._walk(self.payload_checks, reading)
        return reading

    def audit(self, token: str, /) -> list[Step]:
        """Return every check of *token* with its clause and what it found.  Raise nothing."""
        reading = Reading()
        reading.token = token
        steps: list[Step] = []
        reached = True
        for check in (*ENVELOPE, *self.header_checks, *self.payload_checks):
            if not reached:
                steps.append(Step(check.name, check.clause, "not reached", ""))
                continue
            if wrong := check.test(self, reading):
                steps.append(Step(check.name, check.clause, "failed", wrong))
                reached = not check.opens
            else:
                told = check.tell if isinstance(check.tell, str) else check.tell(self, reading)
                steps.append(Step(check.name, check.clause, "passed", told))
        return steps

    def _walk(self, checks: tuple[Check, ...], reading: Reading) -> None:
        for check in checks:
            if wrong := check.test(self, reading):
                raise TokenError(check.reason, check.clause, wrong)


def open_jws(token: str, keys: Key | Iterable[Key], *, max_length: int = MAX_LENGTH) -> Signed:
    """Return the header and the payload's bytes of a compact JWS (RFC 7515 alone).

    For payloads that are no claims.  Raise :exc:`TokenError`, and :exc:`Misuse` for keys that cannot be.
    """
    reading = Opener(keys, max_length=max_length).open(token)
    return Signed(reading.header, reading.payload)


# --- words and values ------------------------------------------------------------------------------------


def read_header(text: str) -> Mapping[str, Any]:
    """Return the JOSE header in a first segment, read-only to its depths: it is shared among tokens.

    Raise :exc:`NotBase64url` or :exc:`NotJSON`.
    """
    header = jsontext.read(base64url.decode(text))
    if not isinstance(header, dict):
        raise jsontext.NotJSON("no object", 0, "RFC 7515 §4")
    return MappingProxyType({name: _frozen(value) for name, value in header.items()})


def _frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return MappingProxyType({name: _frozen(member) for name, member in value.items()})
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


def media_type(text: str) -> str:
    """Return *text* as media types are compared: "application/" is implied (RFC 7515 §4.1.9), case is not kept.

    The case of ASCII, that is: `str.lower` makes a k of the Kelvin sign too, and no media type has one.
    """
    full = text if "/" in text else f"application/{text}"
    return full.lower() if text.isascii() else full


def shown(members: Mapping[str, Any], name: str) -> str:
    """Return the member *name* for people, shortened; "absent" where there is none."""
    if name not in members:
        return "absent"
    text = ascii(members[name])
    return text if len(text) <= 60 else f"{text[:57]}…"
