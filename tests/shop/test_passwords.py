"""Passwords: which are taken, how they are kept."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from shop.errors import Refused
from shop.passwords import Hasher, faults
from tests.servers import PATIENCE

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def hasher():
    return Hasher(memory_kib=64, time_cost=1, at_once=2)


def test_a_hash_names_its_parameters_and_is_new_each_time(hasher):
    first, second = hasher.hash("correct horse"), hasher.hash("correct horse")
    assert first.startswith("$argon2id$v=19$m=64,t=1,p=1$")
    assert first != second


def test_only_the_right_password_verifies(hasher):
    hashed = hasher.hash("correct horse")
    assert hasher.verify(hashed, "correct horse")
    assert not hasher.verify(hashed, "Correct horse")
    assert not hasher.verify(hashed, "")


def test_who_has_no_password_is_checked_against_one_that_nobody_has(hasher):
    assert not hasher.verify(None, "a password that nobody has")


@pytest.mark.parametrize("hashed", ["", "x", "$argon2id$v=19$m=64,t=1,p=1$", "pbkdf2:sha256:1$a$b", "\0"])
def test_what_is_no_hash_verifies_nothing(hasher, hashed):
    assert not hasher.verify(hashed, "x")


def test_a_hash_of_other_parameters_is_outdated(hasher):
    old = Hasher(memory_kib=32, time_cost=1, at_once=1).hash("x")
    assert hasher.is_outdated(old)
    assert hasher.verify(old, "x")
    assert not hasher.is_outdated(hasher.hash("x"))


def test_the_shop_s_own_parameters_are_owasp_s():
    assert Hasher(at_once=1).hash("x").startswith("$argon2id$v=19$m=47104,t=1,p=1$")


POOR = """
import resource
from pathlib import Path
from shop.errors import Refused
from shop.passwords import Hasher

hasher = Hasher(at_once=1)
hashed = hasher.hash("swordfish")
pages = int(Path("/proc/self/statm").read_text().split()[0])
most = pages * resource.getpagesize() + (20 << 20)
resource.setrlimit(resource.RLIMIT_AS, (most, most))
for call in (lambda: hasher.hash("swordfish"), lambda: hasher.verify(hashed, "swordfish")):
    try:
        print(call())
    except Refused as refused:
        print(refused.reason)
"""


def test_without_memory_for_a_hash_no_password_is_told_to_be_wrong_and_the_service_is_busy():
    done = subprocess.run([sys.executable, "-c", POOR], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.splitlines() == ["unavailable", "unavailable"]


def test_more_log_ins_than_cores_wait_and_then_hear_that_the_service_is_busy(monkeypatch):
    monkeypatch.setattr("shop.passwords._WAIT_SECONDS", 0.01)
    hasher = Hasher(memory_kib=64, time_cost=1, at_once=1)
    inside, leave = threading.Event(), threading.Event()

    def occupy():
        with hasher._place():
            inside.set()
            leave.wait(PATIENCE)

    thread = threading.Thread(target=occupy)
    thread.start()
    inside.wait(PATIENCE)
    with pytest.raises(Refused) as caught:
        hasher.hash("x")
    assert caught.value.reason == "unavailable"
    leave.set()
    thread.join()
    assert hasher.hash("x")


TAKEN = [
    "correct horse battery staple",
    "达达商城的密码真的很长",
    "🐴🔋📎🐎🐴🔋📎🐎",
    "   spaces   ",
    "x" * 100 + "yzw",
    "dragon riders of 2026",
    "8472910monkey5530216",
    "my dada sells bags",
    "orchard of example.org",
    "adamant velvet tuba",
]


@pytest.mark.parametrize("password", TAKEN)
def test_any_character_may_stand_in_a_password(password):
    assert faults("#/password", password, "ada", "ada@example.org") == []


def test_the_list_holds_more_than_the_first_three_thousand_that_are_long_enough():
    from shop.passwords import _common

    assert sum(len(word) >= 8 for word in _common()) >= 3000  # OWASP ASVS 5.0, 6.2.4


REFUSED = {
    "seven characters": ("1aX!9qz", "too_short"),
    "nothing": ("", "too_short"),
    "129 characters": ("ab1!" * 33, "too_long"),
    "more than 1024 bytes": ("🐴" * 129, "too_long"),
    "a NUL": ("correct\0horse", "password_invalid"),
    "a common one": ("password1", "common"),
    "a common one in capitals": ("ILOVEYOU", "common"),
    "a common one with a year": ("princess2026", "common"),
    "a common one between signs": ("**sunshine!1", "common"),
    "a common one in signs": ("P@$$w0rd", "common"),
    "a common one in signs, with a year": ("p4ssw0rd2026!", "common"),
    "a common one backwards": ("drowssap1", "common"),
    "a short common one with a year": ("dragon2026", "common"),
    "a short common one between signs": ("!!monkey77", "common"),
    "a short common one in signs, with a year": ("dr4g0n2026!", "common"),
    "a short common one with fullwidth digits": ("dragon２０２６", "common"),
    "the shop's name with a year": ("DadaShop2026", "common"),
    "the shop's Chinese name with a year": ("达达商城2026", "common"),
    "a common one twice": ("princessprincess", "common"),
    "a run of digits": ("23456789", "common"),
    "a run of letters": ("cdefghijkl", "common"),
    "a run backwards": ("zyxwvutsr", "common"),
    "one character again and again": ("aaaaaaaaaaaa", "common"),
    "three characters again and again": ("abcabcabcabc", "common"),
    "the name": ("lovelace", "similar"),
    "the name with something": ("lovelace2026", "similar"),
    "the name in signs": ("l0v3l4c3!x", "similar"),
    "the name backwards": ("ecalevol!!", "similar"),
    "the address": ("ada@example.org", "similar"),
    "a name of three letters with digits": ("ada12345", "similar"),
    "a name of three letters twice, with signs": ("!ada.ada!", "similar"),
    "a name of three letters backwards": ("eva20261", "similar"),
    "the host of the address with a year": ("example2026", "similar"),
    "a word of the address": ("_byron1815_", "similar"),
    "the address without its signs": ("adaexampleorg1", "similar"),
    "two words of the address, joined": ("adabyron", "similar"),
    "the name in fullwidth letters": ("ｌｏｖｅｌａｃｅ1", "similar"),
}


@pytest.mark.parametrize(("password", "code"), REFUSED.values(), ids=REFUSED)
def test_a_password_is_refused(password, code):
    (fault,) = faults("#/new", password, "Lovelace", "ave", "ada@example.org", "ada.byron")
    assert (fault.pointer, fault.code) == ("#/new", code)
