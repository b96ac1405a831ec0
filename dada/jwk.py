"""HMAC keys: what may be a secret, and the MAC it makes (RFC 7517, RFC 7518 §3.2, RFC 2104).

A key carries its one algorithm (RFC 8725 §3.1), so that no text from outside ever chooses one.  What
cannot be a secret is refused when the key is made, not when the first token comes in: too short, or a
public key, which everybody knows.  Five rounds of advisories elsewhere began with a PEM file given as an
HMAC secret (CVE-2017-11424 to CVE-2026-48526).

This file knows keys and bytes; it does not know what a token is.
"""

import binascii
import hashlib
import re
import secrets
from collections.abc import Mapping
from typing import Any, Final

from dada import base64url
from dada.errors import Misuse, Problem

__all__ = ["Key", "keys_from_jwks"]

ALGORITHMS: Final = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}

_INNER = bytes(byte ^ 0x36 for byte in range(256))  # RFC 2104 §2: ipad
_OUTER = bytes(byte ^ 0x5C for byte in range(256))  # RFC 2104 §2: opad


class Key:
    """A secret for one algorithm, with an optional name.

    secret  the raw bytes; at least as many as the hash gives out: 32, 48 or 64 (RFC 7518 §3.2)
    alg     "HS256", "HS384" or "HS512"
    kid     the name by which a header may point to it (RFC 7515 §4.1.4)

    Raise :exc:`Misuse` for what cannot be an HMAC secret.
    """

    __slots__ = ("_inner", "_outer", "alg", "kid")

    def __init__(self, secret: bytes, alg: str = "HS256", kid: str | None = None) -> None:
        problems = list(_problems(secret, alg, kid))
        if problems:
            raise Misuse(problems)
        self.alg, self.kid = alg, kid
        # HMAC is H(key ⊕ opad, H(key ⊕ ipad, text)).  Both hashes begin with a block that depends on the
        # key alone: it is hashed once, here, and the two states are copied for each text.
        new = ALGORITHMS[alg]
        block = new().block_size
        padded = (secret if len(secret) <= block else new(secret).digest()).ljust(block, b"\0")
        self._inner, self._outer = new(padded.translate(_INNER)), new(padded.translate(_OUTER))

    @classmethod
    def generate(cls, alg: str = "HS256", kid: str | None = None) -> "Key":
        """Return a key with a new secret, as long as the hash's output, from the system's generator."""
        size = ALGORITHMS[alg]().digest_size if _is_algorithm(alg) else 0
        return cls(secrets.token_bytes(size), alg, kid)

    def mac(self, data: bytes) -> bytes:
        """Return HMAC(key, *data*), the whole output (RFC 2104 §2; RFC 7518 §3.2 knows no shorter one)."""
        inner = self._inner.copy()
        inner.update(data)
        outer = self._outer.copy()
        outer.update(inner.digest())
        return outer.digest()

    def __repr__(self) -> str:
        return f"<Key {self.alg} kid={self.kid!r}>"  # never the secret: reprs are logged

    def __reduce__(self) -> Any:
        raise TypeError("a Key is not written down: keep the secret where secrets are kept")


def keys_from_jwks(jwks: Mapping[str, Any]) -> list[Key]:
    """Return the keys of a JWK Set (RFC 7517 §5).

    Raise :exc:`Misuse`, with every problem, for any member that is not a usable HMAC signing key, and for
    a name that two keys share: a set is taken whole or not at all.
    """
    members = jwks.get("keys") if isinstance(jwks, Mapping) else None
    if not isinstance(members, list) or not members:
        raise Misuse([Problem("jwks-empty", "keys", "", "there is no list of keys", "give a JWK Set", "RFC 7517 §5")])
    keys: list[Key] = []
    problems: list[Problem] = []
    for place, member in enumerate(members):
        try:
            keys.append(_key_from_jwk(member, f"keys[{place}]"))
        except Misuse as error:
            problems += error.problems
    problems += same_names(keys)
    if problems:
        raise Misuse(problems)
    return keys


def same_names(keys: list[Key]) -> list[Problem]:
    """Return a problem for each name that two of *keys* share."""
    names = [key.kid for key in keys if key.kid is not None]
    return [
        Problem("kid-twice", "kid", name, "two keys have this name", "give each key its own", "RFC 7517 §4.5")
        for name in sorted({name for name in names if names.count(name) > 1})
    ]


def _key_from_jwk(jwk: Any, field: str) -> Key:
    if not isinstance(jwk, Mapping):
        raise Misuse([Problem("jwk-shape", field, "", "this is no JSON object", "give a JWK", "RFC 7517 §4")])
    rules = (
        ("kty", jwk.get("kty") == "oct", "only symmetric keys make HMACs", 'use "oct"', "RFC 7518 §6.4"),
        ("use", jwk.get("use", "sig") == "sig", "this key is not for signing", 'use "sig"', "RFC 7517 §4.2"),
        ("key_ops", _may_verify(jwk), "this key may not verify", '"verify", each word once', "RFC 7517 §4.3"),
        ("kid", is_text(jwk.get("kid", "")), "a name is a text", "a text, or no kid at all", "RFC 7517 §4.5"),
        ("alg", _is_algorithm(jwk.get("alg")), "a key is for one algorithm", "HS256, HS384, HS512", "RFC 8725 §3.1"),
    )
    wrong = [
        Problem(f"jwk-{name}", f"{field}.{name}", str(jwk.get(name))[:40], why, fix, clause)
        for name, good, why, fix, clause in rules
        if not good
    ]
    try:
        secret = base64url.decode(jwk["k"])
    except (KeyError, TypeError, AttributeError, base64url.NotBase64url):
        wrong.append(
            Problem("jwk-k", f"{field}.k", "", "this is no base64url text", "give the secret", "RFC 7518 §6.4.1")
        )
    if wrong:
        raise Misuse(wrong)
    return Key(secret, jwk["alg"], jwk.get("kid"))


def _is_algorithm(name: Any) -> bool:
    return isinstance(name, str) and name in ALGORITHMS


def _may_verify(jwk: Mapping[str, Any]) -> bool:
    operations = jwk.get("key_ops", ["verify"])
    if not isinstance(operations, list) or not all(map(is_text, operations)):
        return False
    return "verify" in operations and len(set(operations)) == len(operations)


def is_text(value: Any) -> bool:
    """Whether *value* is a str that UTF-8 can spell: no token can hold half of a surrogate pair (RFC 8259 §8.2)."""
    return isinstance(value, str) and not _HALF.search(value)


_HALF = re.compile("[\ud800-\udfff]")


# --- what cannot be a secret --------------------------------------------------------------------------


def _problems(secret: Any, alg: Any, kid: Any) -> list[Problem]:
    """Return what is wrong with the three parts of a key; the secret is never told."""
    problems = []
    if not _is_algorithm(alg):
        why, fix = "this is no HMAC algorithm of JOSE", "HS256, HS384 or HS512"
        problems.append(Problem("alg-unknown", "alg", str(alg)[:40], why, fix, "RFC 7518 §3.2"))
    if kid is not None and not is_text(kid):
        problems.append(Problem("kid-type", "kid", type(kid).__name__, "a name is a text", "a str", "RFC 7515 §4.1.4"))
    if not isinstance(secret, bytes):
        why, fix = "a secret is bytes: a text hides what encoding it had", "bytes, from a random generator"
        return [*problems, Problem("secret-type", "secret", type(secret).__name__, why, fix, "RFC 7518 §3.2")]
    if not problems and len(secret) < (least := ALGORITHMS[alg]().digest_size):
        why = f"{len(secret)} bytes are fewer than the hash's {least}"
        fix = f"{least} random bytes: Key.generate({alg!r})"
        problems.append(Problem("secret-short", "secret", "", why, fix, "RFC 7518 §3.2"))
    if what := _public(secret):
        why, fix = f"this is {what}: not a secret for HMAC, others may know it", "random bytes"
        problems.append(Problem("secret-public", "secret", "", why, fix, "RFC 8725 §2.1"))
    return problems


_ARMOUR = re.compile(rb"-{4,5} ?BEGIN |PuTTY-User-Key-File")
_SSH = re.compile(rb"(?:ssh-(?:rsa|dss|ed25519|ed448)|ecdsa-sha2-nistp\d+|sk-[a-z0-9@.-]+) AAAA")
_JWK = re.compile(rb"""['"](?:kty|keys)['"]\s*:""")


def _public(secret: bytes) -> str:
    """Return what *secret* is, if it is a key file of another kind; else "".

    The marks are looked for anywhere, not at the start: a blank or a byte-order mark before them was
    enough to slip through elsewhere (CVE-2026-34950).
    """
    text = secret.replace(b"\0", b"")  # UTF-16 spells ASCII with NULs between
    if _ARMOUR.search(text):
        return "a PEM file"
    if _SSH.search(text):
        return "an SSH key"
    if _JWK.search(text):
        return "a JSON Web Key"
    if _is_der_key(secret) or _is_der_key(secret.strip()):
        return "a DER key"
    try:
        decoded = binascii.a2b_base64(b"".join(text.split()), strict_mode=True)
    except ValueError:
        return ""
    return "a base64 DER key" if _is_der_key(decoded) else ""


def _is_der_key(data: bytes) -> bool:
    """Whether *data* is a SEQUENCE of just this length that begins as keys and certificates do.

    That is an INTEGER (PKCS #1, PKCS #8, SEC 1) or a SEQUENCE (SubjectPublicKeyInfo, X.509); by chance a
    random secret looks so once in ten million.
    """
    if len(data) < 24 or data[0] != 0x30:
        return False
    if data[1] < 0x80:
        start, length = 2, data[1]
    else:
        start = 2 + (data[1] & 0x7F)
        length = int.from_bytes(data[2:start], "big")
    return start < len(data) and start + length == len(data) and data[start] in (0x02, 0x30)
