"""The token lab: tokens made well and made wrong, and every check of them.

    GET  /labs/token            the rules by which tokens are judged here, and the experiments, made just now
    POST /labs/token/explain    {"token"}: every step, by `dada.jwt.Verifier.audit`
    POST /labs/token/sign       {"header", "claims"}: both texts as they are, signed with the key for lessons

The key for lessons is known to everybody; what is signed with it opens nothing anywhere.

This file knows how to break a token; whether one is good is decided in `dada/jwt.py`.
"""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from dada import base64url
from dada.jwt import Key, Verifier
from sandbox.labs import NoSuchThing, text
from sandbox.trace_gates import token_steps

__all__ = ["TokenLab"]

KEY: Final = Key(b"everybody knows this key: it is for lessons", kid="lesson")
THIEF: Final = Key(b"this key is a forger's, and nobody else's..", kid="lesson")
ISSUER: Final = "https://shop.example"
AUDIENCE: Final = "https://api.shop.example"
TYP: Final = "at+jwt"
LIFETIME: Final = 600

_ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def sealed(header: str, claims: str, key: Key = KEY) -> str:
    """Return a token out of two texts, whatever they say (RFC 7515 §5.1)."""
    signed = ".".join(base64url.encode(part.encode("utf-8", "replace")) for part in (header, claims))
    return f"{signed}.{base64url.encode(key.mac(signed.encode()))}"


class TokenLab:
    """The lab; *clock* returns the seconds since 1970."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._verifier = Verifier(
            KEY, issuer=ISSUER, audience=AUDIENCE, typ=TYP, require=("exp", "sub"), max_length=4096, clock=clock
        )

    def answer(self, method: str, path: tuple[str, ...], body: Mapping[str, Any], _: str) -> Any:
        """See the head of this file."""
        match method, path:
            case "GET", ():
                rules = {"key": KEY.kid, "alg": KEY.alg, "issuer": ISSUER, "audience": AUDIENCE, "typ": TYP}
                return {"rules": rules, "experiments": self.experiments()}
            case "POST", ("explain",):
                steps = token_steps(self._verifier, text(body, "token"))
                return {"steps": steps, "good": all(step["verdict"] == "passed" for step in steps)}
            case "POST", ("sign",):
                return {"token": sealed(text(body, "header"), text(body, "claims"))}
        raise NoSuchThing

    def experiments(self) -> dict[str, str]:
        """Return a token for each experiment; only the first is good."""
        now = int(self._clock())
        header = {"alg": KEY.alg, "typ": TYP, "kid": KEY.kid}
        claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ada", "role": "customer", "iat": now, "exp": now + LIFETIME}
        good = sealed(json.dumps(header), json.dumps(claims))
        head, _, mac = good.split(".")
        unsigned = base64url.encode(json.dumps({**header, "alg": "none"}).encode())
        forged = base64url.encode(json.dumps({**claims, "role": "owner"}).encode())
        twice = json.dumps(claims)[:-1] + ', "sub": "mallory"}'
        return {
            "good": good,
            "edited": f"{head}.{forged}.{mac}",
            "forged": sealed(json.dumps(header), json.dumps({**claims, "role": "owner"}), THIEF),
            "none": f"{unsigned}.{forged}.",
            "liar": sealed(json.dumps({**header, "alg": "none"}), json.dumps(claims)),
            "respelled": respelled(good),
            "expired": sealed(json.dumps(header), json.dumps({**claims, "iat": now - 900, "exp": now - 300})),
            "elsewhere": sealed(json.dumps(header), json.dumps({**claims, "aud": "https://blog.example"})),
            "twice": sealed(json.dumps(header), twice),
        }


def respelled(token: str) -> str:
    """Return *token* with a signature of the same bytes in another spelling: the last character has bits to spare."""
    return token[:-1] + _ALPHABET[_ALPHABET.index(token[-1]) ^ 1]
