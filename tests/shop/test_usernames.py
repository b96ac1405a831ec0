"""User names and mail addresses: which are taken, and which are the same."""

import itertools
import string
import unicodedata

import pytest
from confusable_homoglyphs.confusables import confusables_data
from hypothesis import example, given
from hypothesis import strategies as st

from dada.problems import FieldError
from handlers import ROUTES
from shop.usernames import RESERVED, Email, Username, email, email_key, looks_of, skeleton, username, username_key

SAME = {
    "case": ("Ada", "aDA"),
    "full width": ("ａｄａｍ", "adam"),
    "the Kelvin sign": ("\u212aevin", "kevin"),
    "a sharp s": ("Straße", "strasse"),
    "composed and decomposed": ("andr\u00e9", "andre\u0301"),
    "a ligature": ("\ufb01nn", "finn"),
}


@pytest.mark.parametrize(("one", "other"), SAME.values(), ids=SAME)
def test_two_spellings_are_one_name(one, other):
    assert username(one).key == username(other).key


TAKEN = [
    "ada",
    "Ada_Lovelace",
    "a.d.a",
    "x-y",
    "x--y_",
    "张三丰",
    "阿达Ada",
    "さくら",
    "가나다",
    "علي",
    "Ümit",
    "мария",
    "a" * 30,
]


@pytest.mark.parametrize("name", TAKEN)
def test_a_name_is_taken_as_its_owner_writes_it(name):
    found = username(name)
    assert isinstance(found, Username)
    assert found.written == name


REFUSED = {
    "two characters": ("ab", "username_invalid"),
    "31 characters": ("a" * 31, "username_invalid"),
    "a digit first": ("1abc", "username_invalid"),
    "a sign first": ("_abc", "username_invalid"),
    "what looks like one with a sign behind": ("admin_", "username_reserved"),
    "a blank": ("a b c", "username_invalid"),
    "an at sign": ("ada@b", "username_invalid"),
    "a slash": ("a/bcd", "username_invalid"),
    "a newline at the end": ("adam\n", "username_invalid"),
    "a zero-width space": ("ada\u200bm", "username_invalid"),
    "a soft hyphen": ("ada\u00adm", "username_invalid"),
    "text that turns around": ("ada\u202em", "username_invalid"),
    "a control character": ("ada\x07m", "username_invalid"),
    "half of a surrogate pair": ("ada\ud800", "username_invalid"),
    "private use": ("ada\ue000", "username_invalid"),
    "an emoji": ("ada😀", "username_invalid"),
    "a Cyrillic a among Latin letters": ("\u0430damus", "username_invalid"),
    "a Greek o among Latin letters": ("r\u03bfse", "username_invalid"),
    "Arabic digits among Latin ones": ("ada1\u0661", "username_invalid"),
    "a mountain of marks": ("ada\u0301\u0302\u0303\u0304\u0306m", "username_invalid"),
    "a mark twice": ("adq\u0323\u0323m", "username_invalid"),
    "what looks like one in capitals": ("heIp", "username_reserved"),
    "a path's segment": ("weibo", "username_reserved"),
    "a path's segment in capitals": ("WEIBO", "username_reserved"),
    "a path's segment, full width": ("ｗｅｉｂｏ", "username_reserved"),
    "something that looks like one": ("adrnin", "username_reserved"),
    "another that looks like one": ("he1p", "username_reserved"),
    "who speaks for the shop": ("admin", "username_reserved"),
    "who speaks for the shop in Chinese": ("管理员", "username_reserved"),
}


@pytest.mark.parametrize(("name", "code"), REFUSED.values(), ids=REFUSED)
def test_a_name_is_refused(name, code):
    found = username(name)
    assert isinstance(found, FieldError)
    assert (found.pointer, found.code) == ("#/username", code)


LOOK_ALIKE = {
    "m and rn": ("modern", "modem"),
    "w and vv": ("vvilma", "wilma"),
    "l and 1": ("paul", "pau1"),
    "o and 0": ("zoe", "z0e"),
    "one sign and two": ("ada_l", "ada__l"),
    "a sign behind": ("adam", "adam."),
    "signs behind": ("adam", "adam-_"),
    "l and a capital i": ("paypal", "paypaI"),
    "1 and a capital i": ("pau1", "pauI"),
    "two and one that is written like them": ("miller", "mi\u01c1er"),
    "two and a ligature of them": ("itsme", "i\u02a6me"),
    "a long vowel, as one letter and as two": ("\u0906\u0915\u0916\u0917", "\u0905\u093e\u0915\u0916\u0917"),
    "a letter with a stroke, and with a mark for one": ("dan\u0111", "dand\u0335"),
    "m and rn of which one is another r": ("mike", "\uab47nike"),
    "w and two that look like v": ("will", "\u1d20\u1d20ill"),
    "an i that has two dots, of which one is seen": ("nick", "ni\u0307ck"),
    "a j that has": ("john", "j\u0307ohn"),
    "an i with a mark below and a dot that is its own": ("n\u012fck", "n\u012f\u0307ck"),
    "an i without a dot, and with one that it was given": ("nick", "n\u0131\u0307ck"),
    "a capital i with a dot, written small": ("nick", "N\u0130CK"),
    "two capitals of two scripts": ("\u0391\u0392\u0395", "ABE"),
    "two scripts, each for itself": ("\u0440\u0430\u0443\u0440\u0430", "paypa"),  # all Cyrillic
}


@pytest.mark.parametrize(("one", "other"), LOOK_ALIKE.values(), ids=LOOK_ALIKE)
def test_names_that_look_alike_have_one_skeleton(one, other):
    assert looks_of(one, username_key(one)) & looks_of(other, username_key(other))


def test_a_dot_that_is_seen_is_no_other_look():
    looks = [skeleton(name) for name in ("nick", "n\u00efck", "n\u00ecck", "e\u0307ck", "eck", "nic\u0307k")]
    assert len(set(looks)) == len(looks)


def test_whatever_unicode_says_looks_like_several_signs_looks_like_them_in_a_name():
    """But for what is decomposed before it is looked up (UTS #39 §4, step 1), and texts that are turned round."""
    wrong = [
        (char, like["c"])
        for char, likes in confusables_data.items()
        for like in likes
        if len(char) == 1 < len(like["c"])
        and all(unicodedata.category(sign)[0] in "LMN" for sign in char + like["c"])
        and unicodedata.normalize("NFKD", char + like["c"]) == char + like["c"]
        and skeleton(f"a{char}b") != skeleton(f"a{like['c']}b")
    ]
    assert wrong == []


@given(st.text(min_size=1, max_size=30))
@example("\ufdfa" * 30)
def test_a_look_has_an_end(text):
    assert len(skeleton(text)) <= 128


def test_names_that_look_different_have_different_skeletons():
    names = [
        "ada",
        "bob",
        "eve",
        "kevin",
        "paypal",
        "rayrai",
        "nina",
        "a_b",
        "a.b",
        "a-b",
        "uiuu",
        "张三",
        "李四",
        "NEO",
        "vanya",
        "wanda",
    ]
    looks = [looks_of(name, username_key(name)) for name in names]
    assert len(frozenset().union(*looks)) == sum(map(len, looks))


@pytest.mark.parametrize("name", ["Nguy\u1ec5n", "\u03ac\u03bd\u03bd\u03b1", "\u05d0\u05b8\u05d3\u05b8\u05dd"])
def test_the_marks_that_languages_need_are_taken(name):
    assert isinstance(username(name), Username)


def test_every_two_letters_of_latin_that_look_different_are_different():
    alike = {frozenset("lI1"), frozenset("o0")}
    signs = string.ascii_letters + string.digits
    for one, other in itertools.combinations(signs, 2):
        looks_same = any({one, other} <= group for group in alike)
        assert (skeleton(one) == skeleton(other)) == looks_same, (one, other)


def test_every_segment_beside_a_user_s_name_is_reserved():
    beside = set()
    for route in ROUTES:
        segments = route.path.split("/")
        if segments[1:3] == ["v1", "users"] and len(segments) > 3 and not segments[3].startswith("<"):
            beside.add(segments[3])
    assert beside
    assert beside <= RESERVED


@given(st.text())
def test_any_text_is_a_name_or_an_error(text):
    found = username(text)
    if isinstance(found, Username):
        assert username(found.key).key == found.key or len(found.key) < 3
        assert found.key == username_key(found.written)


ADDRESSES = {
    "plain": ("ada@example.org", "ada@example.org"),
    "the domain's case does not count": ("Ada@EXAMPLE.org", "Ada@example.org"),
    "a domain in another script": ("ada@b\u00fccher.example", "ada@xn--bcher-kva.example"),
    "a local part in another script": ("张三@例子.中国", "张三@xn--fsqu00a.xn--fiqs8s"),
    "a tag": ("ada+shop@example.org", "ada+shop@example.org"),
    "an apostrophe": ("o'neil@example.org", "o'neil@example.org"),
}


@pytest.mark.parametrize(("text", "written"), ADDRESSES.values(), ids=ADDRESSES)
def test_an_address_is_taken(text, written):
    assert email(text) == Email(written, email_key(written))


NO_ADDRESSES = [
    "", "ada", "@example.org", "ada@", "ada@localhost", "a da@example.org", "ada@exam ple.org", ".ada@example.org",
    "ada.@example.org", "a..b@example.org", "ada@-a.org", "ada@a..org", "ada@a.org.", '"a"@example.org', "a@b@c.org",
    "ada@example.org\n", "\u202eada@example.org", "ada\0@example.org", "a" * 65 + "@example.org",
    "a@" + "b" * 63 + "." + "c" * 63 + "." + "d" * 63 + "." + "e" * 63 + ".org", "ada,eve@example.org",
    "ada@[127.0.0.1]", "\ud800@example.org", "ada@127.0.0.1", "ada@0x7f.1", "ada@example.0x7f",
]  # fmt: skip


READ_AS_ANOTHER = [
    "=?utf-8?q?eve=40evil.example=2c?=@example.org", "=?utf-8?b?eEBldmlsLm9yZyw=?=@example.org",
    "=?x?q?ada?=@example.org", "=?utf-8?q?=0d=0aBcc=3a_eve=40evil.example?=@example.org",
    "eve\uff20evil.example@example.org", "a\uff0cb@example.org",
    "a\u037eb@example.org", "a.\u2024b@example.org",
]  # fmt: skip


@pytest.mark.parametrize("text", READ_AS_ANOTHER)
def test_an_address_that_mail_programs_read_as_another_is_refused(text):
    assert email(text) == FieldError("#/email", "email_invalid")


@pytest.mark.parametrize("text", NO_ADDRESSES)
def test_an_address_is_refused(text):
    assert email(text) == FieldError("#/email", "email_invalid")


def test_addresses_are_compared_without_case_and_nothing_else_is_folded():
    assert email_key("Ada@Example.org") == email_key("ada@example.org")
    assert email_key("a.da@example.org") != email_key("ada@example.org") != email_key("ada+x@example.org")


@given(st.text())
def test_any_text_is_an_address_or_an_error(text):
    found = email(text)
    if isinstance(found, Email):
        assert email(found.written) == found
