"""What may be an HMAC secret (RFC 7518 §3.2, RFC 8725 §2.1), and the MAC it makes (RFC 2104)."""

import base64
import hashlib
import hmac
import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dada import base64url
from dada.errors import Misuse
from dada.jwk import Key, keys_from_jwks

SECRET = bytes(range(64))
PEM = b"-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n-----END PUBLIC KEY-----\n"
SPKI = base64.b64decode(
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE04N0xi21hshyvBp7I167sbE/bXqyqkAPfefdklMO7wZQjx7HL4LTprsNSeMh0Q2TF4W0czj6X"
    "/jUuoTD2dWCbA=="
)
JWK = b'{"kty":"EC","crv":"P-256","x":"04N0xi21hshyvBp7I167sbE_bXqyqkAPfefdklMO7wY"}'


@given(st.binary(min_size=64, max_size=300), st.binary(), st.sampled_from(["HS256", "HS384", "HS512"]))
def test_the_mac_is_the_library_s(secret, data, alg):
    try:
        key = Key(secret, alg)
    except Misuse:
        return  # a key file, by chance
    assert key.mac(data) == hmac.digest(secret, data, f"sha{alg[2:]}")


def test_a_key_makes_the_same_mac_again():
    key = Key(SECRET)
    assert key.mac(b"a") == key.mac(b"a") != key.mac(b"b")


@pytest.mark.parametrize(("alg", "least"), [("HS256", 32), ("HS384", 48), ("HS512", 64)])
def test_a_secret_is_at_least_as_long_as_the_hash(alg, least):
    Key(SECRET[:least], alg)
    with pytest.raises(Misuse, match="fewer than the hash's"):
        Key(SECRET[: least - 1], alg)


def test_a_generated_key_is_long_enough_and_new():
    for alg in ("HS256", "HS384", "HS512"):
        assert Key.generate(alg, "name").alg == alg
    assert Key.generate().mac(b"") != Key.generate().mac(b"")
    with pytest.raises(Misuse):
        Key.generate("RS256")


PUBLIC = {
    "PEM": PEM,
    "PEM behind blanks": b" \n" + PEM,
    "PEM behind a byte-order mark": b"\xef\xbb\xbf" + PEM,
    "PEM without its last newline": PEM.strip(),
    "PEM in UTF-16": PEM.decode().encode("utf-16"),
    "PEM with Windows line ends": PEM.replace(b"\n", b"\r\n"),
    "an RSA private key": b"-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA\n-----END",
    "a certificate": b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
    "SSH2": b"---- BEGIN SSH2 PUBLIC KEY ----\nAAAAB3NzaC1yc2E=\n",
    "an OpenSSH line": b"ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQ user@host",
    "an OpenSSH Ed25519 line with options": b"restrict ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI user@host",
    "an OpenSSH ECDSA line": b"ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTY user@host",
    "a PuTTY file": b"PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n",
    "a JWK": JWK,
    "a JWK behind a byte-order mark": b"\xef\xbb\xbf" + JWK,
    "a JWK with blanks": b'{ "kty" : "RSA", "n": "AQAB", "e": "AQAB" }',
    "a JWK written by Python": b"{'kty': 'RSA', 'n': 'AQAB', 'e': 'AQAB'}",
    "a JWK Set": b'{"keys":[' + JWK + b"]}",
    "a JWK in UTF-16": JWK.decode().encode("utf-16-le"),
    "DER, SubjectPublicKeyInfo": SPKI,
    "DER with a newline": SPKI + b"\n",
    "DER, PKCS #1": b"\x30\x1e\x02\x17" + b"\x7f" * 23 + b"\x02\x03\x01\x00\x01",
    "DER with a long length": b"\x30\x81\x80\x02\x7e" + b"\x7f" * 126,
    "DER of the least size, in base64": base64.b64encode(b"\x30\x16\x02\x14" + b"\x7f" * 20),
    "DER in base64": base64.b64encode(SPKI),
    "DER in base64 lines": base64.encodebytes(SPKI),
}


@pytest.mark.parametrize("secret", PUBLIC.values(), ids=PUBLIC)
def test_a_key_file_of_another_kind_is_no_secret(secret):
    with pytest.raises(Misuse) as caught:
        Key(secret.ljust(32, b"\n"))
    assert [problem.code for problem in caught.value.problems] == ["secret-public"]
    assert caught.value.problems[0].value == ""


SECRETS = {
    "32 zero bytes: length can be judged, entropy cannot": bytes(32),
    "a long text": b"correct horse battery staple, and then some",
    "base64 of random bytes": base64.b64encode(hashlib.sha256(b"x").digest()),
    "0x30 that begins no key": b"\x30" + bytes(31),
    "braces": b"{" * 40,
    "a SEQUENCE whose length is its whole content": b"\x30\x9e" + bytes(30),
    "a SEQUENCE without a length, which DER does not have": b"\x30\x80\x02" + b"\x7f" * 127,
}


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
def test_other_bytes_are_taken(secret):
    assert len(Key(secret).mac(b"")) == 32


def test_every_problem_is_told_at_once_and_the_secret_never():
    with pytest.raises(Misuse) as caught:
        Key("secret text", "none", 7)  # type: ignore[arg-type]
    assert {problem.code for problem in caught.value.problems} == {"alg-unknown", "kid-type", "secret-type"}
    assert "secret text" not in str(caught.value)


@pytest.mark.parametrize("kid", [1, b"k", "\ud800", "a\udc00"])
def test_a_name_is_a_text_that_a_token_can_hold(kid):
    with pytest.raises(Misuse, match="a name is a text"):
        Key(SECRET, kid=kid)


@pytest.mark.parametrize("alg", ["none", "hs256", "HS256 ", "RS256", "", None, ["HS256"], b"HS256"])
def test_only_three_algorithms_exist(alg):
    with pytest.raises(Misuse, match="no HMAC algorithm"):
        Key(SECRET, alg)


def test_a_key_is_not_written_down():
    key = Key(b"\x01" * 32, kid="k")
    assert repr(key) == "<Key HS256 kid='k'>"
    with pytest.raises(TypeError):
        pickle.dumps(key)


def jwk(**members):
    return {"kty": "oct", "alg": "HS256", "k": base64url.encode(SECRET), "kid": "a"} | members


def without(name):
    return {member: value for member, value in jwk().items() if member != name}


def test_a_jwk_set_is_read():
    first, second = keys_from_jwks({"keys": [jwk(), jwk(kid="b", alg="HS512", use="sig", key_ops=["sign", "verify"])]})
    assert (first.alg, first.kid, second.alg, second.kid) == ("HS256", "a", "HS512", "b")
    assert first.mac(b"x") == Key(SECRET).mac(b"x")


UNUSABLE = {
    "no set": [],
    "an empty set": {"keys": []},
    "keys that are no list": {"keys": {}},
    "a member that is no object": {"keys": [1]},
    "an elliptic-curve key": {"keys": [jwk(kty="EC")]},
    "a key for encryption": {"keys": [jwk(use="enc")]},
    "a key that may only sign": {"keys": [jwk(key_ops=["sign"])]},
    "key_ops that are no list": {"keys": [jwk(key_ops="verify")]},
    "key_ops with a word twice": {"keys": [jwk(key_ops=["verify", "verify"])]},
    "key_ops with a list inside": {"keys": [jwk(key_ops=["verify", ["sign"]])]},
    "an algorithm of another kind": {"keys": [jwk(alg="RS256")]},
    "no algorithm": {"keys": [without("alg")]},
    "an algorithm that is a list": {"keys": [jwk(alg=["HS256"])]},
    "no secret": {"keys": [without("k")]},
    "a secret that is no text": {"keys": [jwk(k=1)]},
    "a secret with padding": {"keys": [jwk(k="AQ==")]},
    "a short secret": {"keys": [jwk(k="AQ")]},
    "a name that is a number": {"keys": [jwk(kid=1)]},
    "a name that is null": {"keys": [jwk(kid=None)]},
    "a name that no token can hold": {"keys": [jwk(kid="\ud800")]},
    "a good key beside a bad one": {"keys": [jwk(), jwk(kty="RSA", kid="b")]},
    "two keys of one name": {"keys": [jwk(), jwk()]},
}


@pytest.mark.parametrize("jwks", UNUSABLE.values(), ids=UNUSABLE)
def test_a_set_with_one_unusable_key_is_refused_whole(jwks):
    with pytest.raises(Misuse) as caught:
        keys_from_jwks(jwks)
    assert caught.value.problems
    assert base64url.encode(SECRET) not in str(caught.value)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["keys", "kty", "k", "alg", "use", "kid", "key_ops", "oct", "HS256"]), inner
            )
        ),
    )
)
def test_any_json_is_a_key_set_or_misuse(value):
    try:
        keys_from_jwks(json.loads(json.dumps(value)))
    except Misuse:
        pass
