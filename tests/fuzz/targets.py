"""What a fuzzer throws its bytes at: each target takes any bytes, and fails on whatever the core does not promise.

The promise is the same everywhere: a value or a documented error, never another exception; the gate and the
inspector of one; and no reading that a second, independent reader would not share.
"""

import hmac
import json
from typing import Annotated

from msgspec import Meta, Struct

from dada import base64url, bodies, headers, jsontext, oauth
from dada.cors_policy import Policy, Request
from dada.errors import Misuse
from dada.jwk import keys_from_jwks
from dada.jwt import Key, TokenError, Verifier, open_jws, peek
from dada.problems import Invalid
from dada.router import Match, MethodNotAllowed, NotFound, Route, Router

SECRET = bytes(range(32, 64))
KEY = Key(SECRET)
NOW = 1_800_000_000
VERIFIER = Verifier(KEY, issuer="https://issuer.example", audience="https://api.example", clock=lambda: NOW)
ANYBODY = Verifier(KEY, issuer=None, audience=None, require=(), clock=lambda: NOW)


def tokens(data: bytes) -> None:
    """Whole tokens, from a stranger who does not know the key."""
    token = data.decode("utf-8", "surrogateescape")
    _judge(VERIFIER, token)
    for look in (peek, lambda text: open_jws(text, KEY)):
        try:
            look(token)
        except TokenError:
            pass


def sealed(data: bytes) -> None:
    """Header and payload under a good MAC: everything that stands behind it."""
    header, _, payload = data.partition(b"\0")
    signed = f"{base64url.encode(header)}.{base64url.encode(payload)}"
    token = f"{signed}.{base64url.encode(hmac.digest(SECRET, signed.encode(), 'sha256'))}"
    for verifier in (VERIFIER, ANYBODY):
        said = _judge(verifier, token)
        if said is not None:
            assert said == json.loads(payload)
            assert json.loads(header)["alg"] == "HS256"


def _judge(verifier: Verifier, token: str):
    """Return the claims, or None for a refusal; the inspector must say the same."""
    failed = [step for step in verifier.audit(token) if step.verdict == "failed"]
    try:
        said = dict(verifier.verify(token).claims)
    except TokenError as error:
        assert (failed[0].clause, failed[0].found) == (error.clause, error.detail)
        return None
    assert not failed
    return said


def json_texts(data: bytes) -> None:
    """Texts of JSON: what is read, a second reader reads alike; what is read can be written."""
    try:
        value = jsontext.read(data)
    except jsontext.NotJSON:
        return
    assert value == json.loads(data)
    assert jsontext.read(jsontext.write(value)) == value


def key_sets(data: bytes) -> None:
    """JWK Sets, in a file that somebody wrote."""
    try:
        keys_from_jwks(jsontext.read(data))
    except (jsontext.NotJSON, Misuse):
        pass


POLICIES = (
    Policy(origins=["https://shop.example"], credentials=True, methods=["PUT"], request_headers=["X-A"]),
    Policy(origins=["https://*.shop.example", "http://127.0.0.1:*"], max_age=600, disclosure="full"),
    Policy(origins=["*"], methods=["*"], request_headers=["*"]),
)


def cors_requests(data: bytes) -> None:
    """Requests as CORS sees them: the decision has its steps, and grants nothing that it refuses."""
    parts = [part.decode("latin-1") for part in data.split(b"\0", 3)]
    method, origin, asked, names = (part or None for part in (parts + [""] * 4)[:4])
    for policy in POLICIES:
        decision = policy.decide(Request(method or "OPTIONS", origin, asked, names))
        told = {name.lower() for name, _ in decision.headers}
        assert decision.steps
        if decision.kind == "actual":
            assert decision.allowed == ("access-control-allow-origin" in told)
        assert all("\r" not in value and "\n" not in value for _, value in decision.headers)
    headers.split_list(names or "")


ROUTER = Router(
    [
        Route("/", {"GET": print}, name="root", who="everyone"),
        Route("/users/<username>", {"GET": print, "PUT": print}, name="user", who="everyone"),
        Route("/users/<username>/addresses/<int:id>", {"GET": print}, name="address", who="everyone"),
        Route("/things/<uuid:id>", {"GET": print}, name="thing", who="everyone"),
    ]
)


def paths(data: bytes) -> None:
    """Paths of requests: a match can be written as a path again, and that path matches the same."""
    path = data.decode("latin-1")
    found = ROUTER.match("GET", path)
    assert isinstance(found, Match | NotFound | MethodNotAllowed)
    if isinstance(found, Match):
        again = ROUTER.match("GET", ROUTER.url(found.route.name, **found.params))
        assert isinstance(again, Match)
        assert again.params == found.params


class NewUser(Struct, forbid_unknown_fields=True):
    """A body as the handlers describe them."""

    username: Annotated[str, Meta(min_length=1, max_length=20)]
    age: int
    tags: list[str] = []
    address: dict[str, str] | None = None


def strangers_bodies(data: bytes) -> None:
    """Bodies of a request, and of a provider's answer."""
    try:
        bodies.read(data, NewUser)
    except (bodies.NotReadable, Invalid):
        pass
    try:
        oauth.read_token(200, data)
    except oauth.OAuthError:
        pass


TARGETS = {
    target.__name__.replace("_", "-"): target
    for target in (tokens, sealed, json_texts, key_sets, cors_requests, paths, strangers_bodies)
}
