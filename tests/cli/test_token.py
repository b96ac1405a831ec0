"""`dada token`: what a lesson shows."""

import json

import pytest

from cli.token import DEMO, LESSONS
from dada import base64url
from dada.jwt import Issuer, Key, Verifier

AT = 1_800_000_000
TOKEN = Issuer(Key(DEMO), issuer="shop", lifetime=600, clock=lambda: AT).sign(
    {"sub": "7", "name": "達\u202e\u001b[31m"}
)
HEADER, PAYLOAD, SIGNATURE = TOKEN.split(".")
NOW = ("--demo", "--at", str(AT + 1))


def test_what_is_signed_is_valid(dada):
    status, token, _ = dada("token", "sign", '{"sub":"7"}', "--demo", "--lifetime", "600")
    assert status == 0
    status, out, err = dada("token", "verify", "-", "--demo", text=token)
    assert (status, json.loads(out)["sub"], err) == (0, "7", "")


def test_who_for_whom_and_of_what_kind_can_be_said_and_asked(dada):
    said = ["--issuer", "a", "--audience", "b", "--typ", "at+jwt", "--kid", "k"]
    token = dada("token", "sign", "{}", "--demo", "--lifetime", "0.5", "--at", str(AT), *said)[1].strip()
    asked = ["--demo", "--at", str(AT), "--issuer", "x", "--issuer", "a", "--audience", "b", "--typ", "at+jwt"]
    status, out, _ = dada("token", "verify", token, *asked)
    assert (status, json.loads(out)) == (0, {"iss": "a", "aud": ["b"], "iat": AT, "exp": AT + 0.5})
    assert dada("token", "verify", token, *asked, "--require", "jti")[0] == 1


KEYS = {
    "a file of bytes": lambda folder: ["--secret-file", str(write(folder / "s", DEMO))],
    "base64url": lambda _: ["--secret", base64url.encode(DEMO)],
    "a JWK Set": lambda folder: ["--jwks", str(write(folder / "j", json.dumps({"keys": [
        {"kty": "oct", "alg": "HS256", "k": base64url.encode(DEMO)},
    ]}).encode()))],
}  # fmt: skip


def write(path, data):
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("source", KEYS.values(), ids=KEYS)
def test_the_key_comes_from_where_one_says(dada, tmp_path, source):
    assert dada("token", "verify", TOKEN, "--at", str(AT), *source(tmp_path))[0] == 0


def test_a_shop_s_access_token_is_explained_with_its_ring(dada, tmp_path):
    dada("keys", "--secrets", str(tmp_path), "create", "one")
    ring = ["--ring", str(tmp_path / "keys.json")]
    token = dada("token", "sign", "{}", "--lifetime", "60", *ring)[1].strip()
    assert dada("token", "verify", token, *ring)[0] == 0


class TestExplaining:
    def test_a_good_token(self, dada):
        status, out, _ = dada("token", "explain", TOKEN, *NOW, "--issuer", "shop")
        assert status == 0
        for promised in (
            HEADER,
            PAYLOAD,
            SIGNATURE,
            '"alg": "HS256"',
            "← 2027-01-15 08:10:00 UTC",
            "Valid: every check",
        ):
            assert promised in out
        assert out.count("✔") == 20
        assert "\x1b" not in out
        assert "\u202e" not in out

    def test_an_expired_token(self, dada):
        status, out, _ = dada("token", "explain", TOKEN, "--demo", "--at", str(AT + 600), "--issuer", "shop")
        assert status == 1
        assert "✘ expiry        exp was 0 s ago" in out
        assert LESSONS["expiry"] in out
        assert "Refused at “expiry” (RFC 7519 §4.1.4)." in out

    def test_a_forged_token(self, dada):
        claims = base64url.encode(b'{"sub":"1","exp":9999999999}')
        forged = f"{HEADER}.{claims}.{SIGNATURE}"
        status, out, _ = dada("token", "explain", forged, *NOW)
        assert status == 1
        assert LESSONS["signature"] in out
        assert '"sub": "1"' in out

    def test_a_token_that_says_none(self, dada):
        header = base64url.encode(b'{"alg":"none"}')
        none = f"{header}.{PAYLOAD}."
        status, out, _ = dada("token", "explain", none, *NOW)
        assert status == 1
        assert LESSONS["algorithm"] in out
        assert "and 1 more would refuse it too" in out

    @pytest.mark.parametrize("text", ["", "x", "a.b", "a.b.c", "....", "\x1b[2J.x.y", "é.è.ê", "." * 20_000])
    def test_a_malformed_token(self, dada, text):
        status, out, _ = dada("token", "explain", "-", *NOW, text=text)
        assert status == 1
        assert "Refused at" in out
        assert "\x1b" not in out

    def test_for_machines(self, dada):
        status, out, _ = dada("token", "explain", TOKEN, *NOW, "--json")
        told = json.loads(out)
        assert (status, told["valid"], told["header"]["alg"], told["claims"]["sub"]) == (0, True, "HS256", "7")
        assert told["steps"][0].keys() == {"name", "clause", "verdict", "found"}
        assert json.loads(dada("token", "explain", "x", *NOW, "--json")[1])["claims"] is None

    def test_every_check_has_a_lesson(self):
        verifier = Verifier(Key(DEMO), issuer=None, audience=None)
        assert {step.name for step in verifier.audit("x")} == LESSONS.keys()


class TestComparing:
    def test_the_same(self, dada):
        assert dada("token", "diff", TOKEN, TOKEN) == (0, "the same\n", "")

    def test_two_that_differ(self, dada):
        other = Issuer(Key(DEMO), issuer="shop", lifetime=600, clock=lambda: AT, typ=None).sign({"sub": "8"})
        status, out, _ = dada("token", "diff", TOKEN, other)
        assert status == 1
        assert 'header     typ        "JWT"  →  absent' in out
        assert 'claims     sub        "7"  →  "8"' in out
        assert out.splitlines()[-1].startswith("signature")
        rows = json.loads(dada("token", "diff", TOKEN, other, "--json")[1])
        assert {"where": "header", "member": "typ", "one": "JWT"} in rows

    def test_what_is_no_token(self, dada):
        status, _, err = dada("token", "diff", "x", TOKEN)
        assert (status, err.startswith("refused: malformed")) == (1, True)


MISTAKES = {
    "no key": ["verify", TOKEN],
    "two keys": ["verify", TOKEN, "--demo", "--secret", "AA"],
    "a short secret": ["verify", TOKEN, "--secret", "AA"],
    "a secret that is no base64url": ["verify", TOKEN, "--secret", "A="],
    "a file that is not there": ["verify", TOKEN, "--secret-file", "/nowhere"],
    "a key set that is no JSON": ["verify", TOKEN, "--jwks", "/etc/hostname"],
    "another algorithm": ["verify", TOKEN, "--demo", "--alg", "RS256"],
    "a leeway below zero": ["verify", TOKEN, "--demo", "--leeway", "-1"],
    "claims that are no JSON": ["sign", "{", "--demo"],
    "claims that are a list": ["sign", "[]", "--demo"],
    "claims that no verifier may accept": ["sign", '{"exp":"1"}', "--demo"],
    "no token": ["verify", "--demo"],
}


@pytest.mark.parametrize("arguments", MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_told_in_words_and_exit_status_2(dada, arguments):
    status, out, err = dada("token", *arguments)
    assert (status, out) == (2, "")
    assert err.startswith("dada: ")
    assert "Traceback" not in err


def test_a_refusal_is_exit_status_1(dada):
    status, out, err = dada("token", "verify", TOKEN, "--demo", "--at", "1900000000")
    assert (status, out) == (1, "")
    assert err.startswith("refused: expired: exp was 1157 days ago")
