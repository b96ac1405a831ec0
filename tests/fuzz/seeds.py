"""What the fuzzer begins with, from the vectors, and the words that it may put in.

A fuzzer that starts from nothing would need years to find a brace, a name and a colon in a row.
"""

import json
from pathlib import Path

from dada import base64url

__all__ = ["WORDS", "seeds"]

VECTORS = Path(__file__).parents[1] / "vectors"

WORDS = (
    '"alg"', '"typ"', '"kid"', '"crit"', '"b64"', '"cty"', '"HS256"', '"none"', '"at+jwt"', '"JWT"', '"iss"', '"sub"',
    '"aud"', '"exp"', '"nbf"', '"iat"', '"jti"', "1800000000", "-1", "1e999", "NaN", "Infinity", "true", "false",
    "null", "{", "}", "[", "]", ":", ",", "\\\\u0000", "\\\\ud800", "eyJ", ".", "https://", "null", "OPTIONS", "PUT",
    "content-type", "authorization", "*", "%2e", "%2F", "%00", "..", "//", "/users/", "/addresses/", '"keys"', '"kty"',
    '"oct"', '"k"', '"username"', '"age"', '"tags"', '"access_token"', '"expires_in"', '"error"',
)  # fmt: skip


def seeds(target: str) -> list[bytes]:
    """Return inputs worth starting from."""
    return {"json-texts": _payloads, "key-sets": _sets, "paths": _paths, "strangers-bodies": _bodies}.get(
        target, {"tokens": _tokens, "sealed": _sealed, "cors-requests": _requests}.get(target, list)
    )()


def _tokens() -> list[bytes]:
    found = []
    for name in ("jwt_hostile.json", "jwt_published.json"):
        for vector in json.loads((VECTORS / name).read_text())["vectors"]:
            token = vector.get("token")
            if isinstance(token, str) and len(token) < 2000:
                found.append(token.encode("utf-8", "surrogateescape"))
    return found


def _parts() -> list[tuple[bytes, bytes]]:
    parts = []
    for token in _tokens():
        segments = token.decode("utf-8", "surrogateescape").split(".")
        try:
            parts.append((base64url.decode(segments[0]), base64url.decode(segments[1])))
        except (base64url.NotBase64url, IndexError):
            continue
    return parts


def _sealed() -> list[bytes]:
    return [header + b"\0" + payload for header, payload in _parts()]


def _payloads() -> list[bytes]:
    return [payload for _, payload in _parts()]


def _sets() -> list[bytes]:
    good = {"kty": "oct", "k": base64url.encode(bytes(range(32))), "alg": "HS256", "kid": "1", "use": "sig"}
    return [json.dumps({"keys": keys}).encode() for keys in ([good], [good, good | {"kid": "2"}], [])]


def _requests() -> list[bytes]:
    return [
        b"\0".join(part.encode() for part in parts)
        for parts in (
            ("OPTIONS", "https://shop.example", "PUT", "x-a"),
            ("GET", "https://a.b.shop.example", "", ""),
            ("OPTIONS", "http://127.0.0.1:9", "DELETE", "authorization,x-b"),
            ("POST", "null", "", ""),
        )
    ]


def _paths() -> list[bytes]:
    return [
        b"/", b"/users/li", b"/users/%E6%9D%8E", b"/users/li/addresses/7", b"/users/a%2Fb", b"//", b"/users/..",
        b"/things/123e4567-e89b-12d3-a456-426614174000",
    ]  # fmt: skip


def _bodies() -> list[bytes]:
    return [
        b'{"username":"li","age":7,"tags":["a"],"address":{"a":"b"}}',
        b'{"access_token":"2.00","expires_in":"157679999","uid":"1"}',
        b'{"error":"invalid_grant","error_code":21325}',
    ]
