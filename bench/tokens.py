"""Tokens: signing and verifying one, against the floor (bench/floor.py) and five peers.

Keys, registries and serializers are made outside the clock, as each library's documentation advises; each is driven the
strictest way its documented API allows: an algorithm list, issuer, audience, exp required.
"""

import time
import warnings
from typing import Any

import jwt as pyjwt
from authlib.jose import JsonWebToken
from itsdangerous import URLSafeTimedSerializer
from jose import jwt as python_jose
from joserfc import jwt as joserfc_jwt
from joserfc.jwk import OctKey

from bench import floor
from bench.floor import SECRET
from bench.timing import compare, table
from dada.jwt import Issuer, Key, Verifier

ISSUER, AUDIENCE = "https://issuer.example", "https://api.example"


def _cases(extra: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    now = int(time.time())
    own = {"sub": "user-1", **extra}
    claims = {"iss": ISSUER, "aud": AUDIENCE, "iat": now, **own, "exp": now + 3600}
    issuer = Issuer(Key(SECRET), issuer=ISSUER, audience=AUDIENCE, lifetime=3600)
    verifier = Verifier(Key(SECRET), issuer=ISSUER, audience=AUDIENCE)
    oct_key = OctKey.import_key(SECRET)
    authlib = JsonWebToken(["HS256"])
    registry = joserfc_jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": ISSUER}, aud={"essential": True, "value": AUDIENCE}, exp={"essential": True}
    )
    options = {"iss": {"essential": True, "value": ISSUER}, "aud": {"essential": True, "value": AUDIENCE}}
    serializer = URLSafeTimedSerializer(SECRET, signer_kwargs={"digest_method": __import__("hashlib").sha256})
    token, timed = floor.encode(claims), serializer.dumps(claims)

    def by_joserfc() -> Any:
        found = joserfc_jwt.decode(token, oct_key, algorithms=["HS256"])
        registry.validate(found.claims)
        return found.claims

    def by_authlib() -> Any:
        found = authlib.decode(token, SECRET, claims_options=options)
        found.validate()
        return dict(found)

    encode = {
        "floor: nothing checked": lambda: floor.encode(claims),
        "**dada**": lambda: issuer.sign(own),
        "PyJWT": lambda: pyjwt.encode(claims, SECRET, "HS256"),
        "joserfc": lambda: joserfc_jwt.encode({"alg": "HS256", "typ": "JWT"}, claims, oct_key),
        "python-jose": lambda: python_jose.encode(claims, SECRET, "HS256"),
        "authlib": lambda: authlib.encode({"alg": "HS256", "typ": "JWT"}, claims, SECRET),
        "itsdangerous (no claims)": lambda: serializer.dumps(claims),
    }
    decode = {
        "floor: nothing checked": lambda: floor.decode(token),
        "**dada**": lambda: verifier.verify(token).claims,
        "PyJWT": lambda: pyjwt.decode(
            token, SECRET, ["HS256"], issuer=ISSUER, audience=AUDIENCE, options={"require": ["exp"]}
        ),
        "joserfc": by_joserfc,
        "python-jose": lambda: python_jose.decode(token, SECRET, ["HS256"], issuer=ISSUER, audience=AUDIENCE),
        "authlib": by_authlib,
        "itsdangerous (no claims)": lambda: serializer.loads(timed, max_age=3600),
    }
    for name, case in decode.items():
        assert case() == claims, name
    for name, case in encode.items():
        assert "itsdangerous" in name or verifier.verify(_text(case())).claims["sub"] == "user-1", name
    return encode, decode


def _text(token: str | bytes) -> str:
    return token.decode() if isinstance(token, bytes) else token


def run(rounds: int = 300) -> str:
    """Return the tables."""
    warnings.simplefilter("ignore")
    sizes = {
        "5 claims": {},
        "1 kB of claims": {f"claim-{number}": "x" * 40 for number in range(16)},
        "4 kB of claims": {f"claim-{number}": "x" * 40 for number in range(64)},
    }
    tables = []
    for size, extra in sizes.items():
        encode, decode = _cases(extra)
        tables.append(table(f"Signing, {size}", compare(encode, "floor: nothing checked", rounds=rounds)))
        tables.append(table(f"Verifying, {size}", compare(decode, "floor: nothing checked", rounds=rounds)))
    return "\n".join(tables)
