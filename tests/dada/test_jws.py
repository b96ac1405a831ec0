"""RFC 7515, compact: the published vectors, and the rules one by one."""

import base64
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dada import base64url
from dada.errors import Misuse
from dada.jwk import Key, keys_from_jwks
from dada.jws import Opener, TokenError, open_jws
from dada.jwt import Verifier

SECRET = bytes(range(64))
KEY = Key(SECRET[:32])
PUBLISHED = json.loads((Path(__file__).parents[1] / "vectors" / "jwt_published.json").read_text())["vectors"]


def seal(header, payload=b"{}", key=KEY, *, raw=False):
    """Return a compact JWS with a good MAC over whatever header and payload are given."""
    header = header if raw else json.dumps(header).encode()
    signed = f"{base64url.encode(header)}.{base64url.encode(payload)}"
    return f"{signed}.{base64url.encode(key.mac(signed.encode()))}"


def judge(vector):
    """Return the verdict of the mode that the vector asks for."""
    secret = base64.urlsafe_b64decode(vector["key"] + "===")
    try:
        if vector["mode"] == "jws-keyset":
            open_jws(vector["token"], keys_from_jwks({"keys": vector["jwks"]}))
        elif vector["mode"] == "jws":
            open_jws(vector["token"], [Key(secret, alg) for alg in vector["algs"]])
        else:
            keys = [Key(secret, alg) for alg in vector["algs"]]
            Verifier(keys, issuer="joe", audience=None, clock=lambda: vector["now"]).verify(vector["token"])
    except (TokenError, Misuse):
        return "invalid"
    return "valid"


@pytest.mark.parametrize("vector", PUBLISHED, ids=lambda vector: vector["id"])
def test_a_published_vector_gets_its_verdict(vector):
    assert judge(vector) == vector["expected"], vector.get("comment")


def test_a_good_one_is_opened():
    signed = open_jws(seal({"alg": "HS256", "x": {"y": [1]}}, b"\xff no claims"), KEY)
    assert signed.payload == b"\xff no claims"
    assert signed.header == {"alg": "HS256", "x": {"y": (1,)}}


def test_its_header_is_read_only_to_its_depths_because_it_is_shared():
    opener = Opener(KEY)
    token = seal({"alg": "HS256", "x": {"y": [1]}})
    header = opener.open(token).header
    with pytest.raises(TypeError):
        header["alg"] = "none"  # type: ignore[index]
    with pytest.raises(TypeError):
        header["x"]["y"] = 2
    with pytest.raises(AttributeError):
        header["x"]["y"].append(2)
    assert opener.open(token).header is header


HEADERS = {
    "no alg": ({}, "algorithm"),
    "alg none": ({"alg": "none"}, "algorithm"),
    "alg in lower case": ({"alg": "hs256"}, "algorithm"),
    "another alg": ({"alg": "HS512"}, "algorithm"),
    "alg that is a list": ({"alg": ["HS256"]}, "algorithm"),
    "an extension": ({"alg": "HS256", "crit": ["exp"], "exp": 1}, "critical"),
    "no extension, but crit": ({"alg": "HS256", "crit": []}, "critical"),
    "crit null": ({"alg": "HS256", "crit": None}, "critical"),
    "b64 false": ({"alg": "HS256", "b64": False}, "critical"),
    "b64 that is no boolean": ({"alg": "HS256", "b64": 1}, "critical"),
    "kid that is a number": ({"alg": "HS256", "kid": 1}, "signature"),
    "kid null": ({"alg": "HS256", "kid": None}, "signature"),
}


@pytest.mark.parametrize(("header", "reason"), HEADERS.values(), ids=HEADERS)
def test_a_header_is_refused_although_its_mac_is_good(header, reason):
    with pytest.raises(TokenError) as caught:
        open_jws(seal(header), KEY)
    assert caught.value.reason == reason


@pytest.mark.parametrize("header", [b"", b"[]", b'"HS256"', b"1", b"{", b'{"alg":"HS256"} x', b"\xff"])
def test_a_header_that_is_no_json_object_is_malformed(header):
    with pytest.raises(TokenError) as caught:
        open_jws(seal(header, raw=True), KEY)
    assert caught.value.reason == "malformed"


GOOD_HEADERS = {
    "b64 true": {"alg": "HS256", "b64": True},
    "unknown members": {"alg": "HS256", "foo": 1, "CRIT": ["x"]},
    "a key carried along is not looked at": {"alg": "HS256", "jwk": {"kty": "oct", "k": "AA"}, "jku": "file:///etc"},
    "any name, for a key without one": {"alg": "HS256", "kid": "../../etc/passwd"},
    "cty, which is for the application": {"alg": "HS256", "cty": "JWT"},
}


@pytest.mark.parametrize("header", GOOD_HEADERS.values(), ids=GOOD_HEADERS)
def test_a_header_is_taken(header):
    assert open_jws(seal(header), KEY).header["alg"] == "HS256"


class TestSeveralKeys:
    old, new = Key(SECRET[:32], kid="old"), Key(SECRET[32:], kid="new")

    def test_the_key_is_found_by_its_mac(self):
        for key in (self.old, self.new):
            assert open_jws(seal({"alg": "HS256", "kid": key.kid}, key=key), [self.old, self.new])
            assert open_jws(seal({"alg": "HS256"}, key=key), [self.old, self.new])

    @pytest.mark.parametrize("kid", ["old", "other", ""])
    def test_a_name_that_is_not_the_key_s_is_refused(self, kid):
        with pytest.raises(TokenError, match="another name"):
            open_jws(seal({"alg": "HS256", "kid": kid}, key=self.new), [self.old, self.new])

    def test_one_header_text_of_two_keys_is_remembered_for_each(self):
        opener = Opener([Key(SECRET[:32]), Key(SECRET, "HS512")])
        text = {"alg": "HS256"}
        assert opener.open(seal(text, key=Key(SECRET[:32])))
        with pytest.raises(TokenError) as caught:  # the same header, made with the key for HS512
            opener.open(seal(text, key=Key(SECRET, "HS512")))
        assert caught.value.reason == "algorithm"

    def test_two_keys_of_one_name_are_misuse(self):
        with pytest.raises(Misuse, match="two keys have this name"):
            Opener([Key(SECRET[:32], kid="a"), Key(SECRET[32:], kid="a")])


def test_headers_are_remembered_only_behind_a_good_mac_and_never_too_many():
    opener = Opener(KEY)
    header, payload, signature = seal({"alg": "HS256", "x": 0}).split(".")
    with pytest.raises(TokenError):
        opener.open(f"{header}.{payload}.{signature[:-1]}")
    assert not opener._headers
    for number in range(200):
        opener.open(seal({"alg": "HS256", "x": number}))
        assert 0 < len(opener._headers) <= 64
    assert len(opener._headers) == 200 % 64


def test_a_refused_header_is_refused_again():
    opener = Opener(KEY)
    for _ in range(2):
        with pytest.raises(TokenError):
            opener.open(seal({"alg": "HS256", "crit": ["x"]}))


MISUSE = {
    "no keys": {"keys": []},
    "a secret for a key": {"keys": SECRET},
    "a list of secrets": {"keys": [SECRET]},
    "None for a key": {"keys": None},
    "an empty typ": {"keys": KEY, "typ": ""},
    "a typ that is no text": {"keys": KEY, "typ": 1},
    "a length of nothing": {"keys": KEY, "max_length": 0},
    "a length that is a boolean": {"keys": KEY, "max_length": True},
}


@pytest.mark.parametrize("arguments", MISUSE.values(), ids=MISUSE)
def test_what_cannot_be_right_fails_when_the_opener_is_made(arguments):
    with pytest.raises(Misuse):
        Opener(**arguments)


@pytest.mark.parametrize(
    ("token", "words"),
    [
        ("", "1 segment where there must be three"),
        ("a.b", "2 segments where there must be three"),
        ("a.b.c.d", "4 segments where there must be three"),
    ],
)
def test_segments_are_counted_in_words(token, words):
    with pytest.raises(TokenError, match=words):
        open_jws(token, KEY)


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ({"alg": "HS256"}, "kid absent"),
        ({"alg": "HS256", "kid": "x" * 58}, f"kid '{'x' * 58}'"),
        ({"alg": "HS256", "kid": "x" * 59}, f"kid '{'x' * 56}…"),
        ({"alg": "HS256", "kid": "钥"}, "kid '\\u94a5'"),
    ],
)
def test_the_inspector_shows_a_member_in_ascii_and_not_too_long(header, words):
    assert words in [step.found for step in Opener(KEY).audit(seal(header))]


def test_a_token_of_one_character_may_be_the_longest_to_be_looked_at():
    with pytest.raises(TokenError, match="2 characters, and at most 1 are read"):
        open_jws("..", KEY, max_length=1)


def test_a_token_longer_than_allowed_is_not_looked_at():
    token = seal({"alg": "HS256"}, b"x" * 100)
    assert open_jws(token, KEY, max_length=len(token))
    with pytest.raises(TokenError) as caught:
        open_jws(token, KEY, max_length=len(token) - 1)
    assert caught.value.reason == "malformed"


@given(st.one_of(st.text(), st.binary(), st.none(), st.integers(), st.text("AQeyJ.-_=").map(str)))
def test_anything_else_is_a_token_error(token):
    with pytest.raises(TokenError) as caught:
        open_jws(token, KEY)  # type: ignore[arg-type]
    assert caught.value.reason in {"malformed", "signature"}


@given(st.data())
def test_every_change_of_one_character_is_refused(data):
    token = seal({"alg": "HS256", "typ": "JWT"}, b'{"sub":"7"}')
    at = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.characters())
    changed = token[:at] + other + token[at + 1 :]
    if changed != token:
        with pytest.raises(TokenError):
            open_jws(changed, KEY)
