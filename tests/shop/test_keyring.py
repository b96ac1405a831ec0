"""The ring of keys: one signs, others verify, each purpose has keys of its own, and it turns without a restart."""

import json
import os

import pytest

from dada import base64url
from dada.errors import Misuse
from shop.keyring import ACCESS, REFRESH, Keyring, derive, new_ring, read_ring

ONE, TWO = bytes(range(32)), bytes(range(32, 64))


def entry(kid, secret, use):
    return {"kid": kid, "secret": base64url.encode(secret), "use": use}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "keys.json"


def write(path, *entries):
    path.write_text(json.dumps({"sandbox": False, "keys": list(entries)}))
    return path


def test_the_key_that_signs_comes_first(path):
    ring = read_ring(write(path, entry("old", ONE, "verify"), entry("new", TWO, "sign")))
    assert ring.kids == ("new", "old")
    assert [key.kid for key in ring.keys(ACCESS)] == ["new", "old"]


def test_a_retired_key_is_not_read(path):
    assert read_ring(write(path, entry("a", ONE, "sign"), entry("b", TWO, "retired"))).kids == ("a",)


def test_each_purpose_has_keys_of_its_own(path):
    ring = read_ring(write(path, entry("a", ONE, "sign")))
    access, refresh = ring.keys(ACCESS)[0], ring.keys(REFRESH)[0]
    assert access.mac(b"x") != refresh.mac(b"x")
    assert derive(ONE, ACCESS) != derive(ONE, REFRESH) != derive(TWO, REFRESH)
    assert len(derive(ONE, ACCESS)) == 32


BROKEN = {
    "no file": None,
    "no JSON": "{",
    "a list": "[]",
    "no keys": "{}",
    "nobody signs": json.dumps({"keys": [entry("a", ONE, "verify")]}),
    "two sign": json.dumps({"keys": [entry("a", ONE, "sign"), entry("b", TWO, "sign")]}),
    "one name twice": json.dumps({"keys": [entry("a", ONE, "sign"), entry("a", TWO, "verify")]}),
    "a short secret": json.dumps({"keys": [entry("a", b"short", "sign")]}),
    "a secret that is none": json.dumps({"keys": [{"kid": "a", "secret": "A=", "use": "sign"}]}),
    "a key without a name": json.dumps({"keys": [{"secret": "AA", "use": "sign"}]}),
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_what_is_no_ring_is_misuse_and_no_secret_is_told(path, text):
    if text is not None:
        path.write_text(text)
    with pytest.raises(Misuse) as caught:
        read_ring(path)
    assert base64url.encode(ONE) not in str(caught.value)


def test_the_ring_turns_while_the_process_runs(path, clock):
    keyring = Keyring(write(path, entry("a", ONE, "sign")), clock)
    first = keyring.ring
    assert keyring.ring is first
    write(path, entry("b", TWO, "sign"), entry("a", ONE, "verify"))
    os.utime(path, (1, 1))
    assert keyring.ring is first  # it is looked at once a second
    clock.advance(1)
    assert keyring.ring.kids == ("b", "a")


def test_a_ring_that_breaks_while_the_process_runs_is_told_and_the_file_may_be_mended(path, clock):
    keyring = Keyring(write(path, entry("a", ONE, "sign")), clock)
    path.write_text("{")
    os.utime(path, (1, 1))
    clock.advance(1)
    assert keyring.ring.kids == ("a",)  # the old one stays in use
    write(path, entry("b", TWO, "sign"))
    os.utime(path, (2, 2))
    clock.advance(1)
    assert keyring.ring.kids == ("b",)


def test_a_new_ring_is_a_ring(path):
    path.write_text(json.dumps(new_ring("a", ONE, sandbox=True)))
    assert read_ring(path).kids == ("a",)
