"""User names and mail addresses: which are taken, and which are the same (RFC 8265, UTS #39, RFC 5321 §4.5.3.1).

A name has three forms: as its owner writes it, as it is compared (its key), and as it looks (its skeletons).  Two names
of one key are one name; two names of which one looks like the other cannot be told apart by eye, and only the first is
taken.  A name has two looks, since case is folded away where names are compared and not where they are shown: as it is
written, and as its key (`paypaI` is paypai, and looks like paypal).
The only door to the libraries that know Unicode's tables.

This file knows texts; it does not know who has which name.
"""

import functools
import re
import unicodedata
from typing import Final, NamedTuple

import idna
import precis_i18n
from confusable_homoglyphs import categories, confusables

from dada.problems import FieldError

__all__ = ["RESERVED", "Email", "Username", "address_key", "email", "email_key", "looks_of", "username", "username_key"]

MIN_LENGTH: Final = 3
MAX_LENGTH: Final = 30
MAX_MARKS: Final = 4  # on one letter
MAX_LOOK: Final = 128  # of a skeleton: names that begin so much alike look alike

LEFT_TO_RIGHT: Final = "\u200e"
DOT_ABOVE: Final = "\u0307"
ABOVE: Final = 230  # the combining class of what stands above a letter
SOFT_DOTTED: Final = frozenset("ijʝᶖ")  # Unicode's property of that name, as far as skeletons have such letters

# Whatever is a segment of a path below /v1/users, and names that seem to speak for the shop.
RESERVED: Final = frozenset({
    "activation", "address", "addresses", "admin", "administrator", "anonymous", "api", "bindings", "current", "dada",
    "default", "events", "help", "hostmaster", "identities", "info", "me", "null", "oauth", "password", "postmaster",
    "root", "security", "self", "service", "sms", "staff", "support", "system", "undefined", "users", "webmaster",
    "weibo", "authorization", "管理员", "客服", "达达", "达达商城",
})  # fmt: skip

_PROFILE = precis_i18n.get_profile("UsernameCaseMapped:CaseFold")
_LETTERS_AND_DIGITS = frozenset({"Ll", "Lu", "Lt", "Lm", "Lo", "Mn", "Mc", "Nd"})
_SEPARATORS = frozenset("_.-")
# Scripts that are written together (UTS #39 §5.2, highly restrictive).
_TOGETHER = (
    frozenset({"LATIN", "HAN", "HIRAGANA", "KATAKANA"}),
    frozenset({"LATIN", "HAN", "BOPOMOFO"}),
    frozenset({"LATIN", "HAN", "HANGUL"}),
)


class Username(NamedTuple):
    """A name as written, its key, and its skeletons: one, or two."""

    written: str
    key: str
    looks: frozenset[str]


class Email(NamedTuple):
    """An address as letters are sent to it, and its key."""

    written: str
    key: str


def username(text: str) -> Username | FieldError:
    """Return the forms of a name, or why it is none."""
    wrong = FieldError("#/username", "username_invalid", {"min": MIN_LENGTH, "max": MAX_LENGTH})
    written = unicodedata.normalize("NFC", text)
    if not MIN_LENGTH <= len(written) <= MAX_LENGTH:
        return wrong
    key = username_key(text)
    if key is None or not MIN_LENGTH <= len(key) <= MAX_LENGTH or not _is_plain(key) or not _is_one_script(key):
        return wrong
    if not _is_legible(written) or not _is_legible(key):
        return wrong
    looks = looks_of(written, key)
    if key in RESERVED or looks & _reserved_skeletons():
        return FieldError("#/username", "username_reserved")
    return Username(written, key, looks)


def looks_of(written: str, key: str) -> frozenset[str]:
    """Return how a name looks, before its case is folded and after (UTS #39 §4)."""
    return frozenset({skeleton(written), skeleton(key)})


def _is_legible(name: str) -> bool:
    """Whether no letter carries more than four marks, or one twice in a row: nobody can read that (UTS #39 §5.4)."""
    marks = ""
    for char in unicodedata.normalize("NFD", name):
        if unicodedata.category(char) not in ("Mn", "Me"):
            marks = ""
        elif len(marks) == MAX_MARKS or marks.endswith(char):
            return False
        else:
            marks += char
    return True


def username_key(text: str) -> str | None:
    """Return the form in which names are compared; None for what is no name (RFC 8265 §3.3)."""
    if len(text) > 4 * MAX_LENGTH:
        return None
    try:
        return str(_PROFILE.enforce(unicodedata.normalize("NFKC", text)))
    except UnicodeError:
        return None


def _is_plain(key: str) -> bool:
    """Whether *key* is letters, digits and separators, and begins with a letter."""
    return unicodedata.category(key[0]).startswith("L") and all(
        char in _SEPARATORS or unicodedata.category(char) in _LETTERS_AND_DIGITS for char in key
    )


def _is_one_script(key: str) -> bool:
    scripts = {categories.alias(char) for char in key} - {"COMMON", "INHERITED"}
    digits = {unicodedata.name(char, "").rpartition(" DIGIT ")[0] for char in key if char.isdecimal()}
    if len(digits) > 1:  # digits of two scripts look alike and differ
        return False
    return len(scripts) <= 1 or any(scripts <= together for together in _TOGETHER)


def skeleton(name: str) -> str:
    """Return *name* as it looks: each character replaced by the first of those that look like it (UTS #39 §4).

    Nobody counts the signs between two letters, or sees those at the end of a name in a sentence, or a second dot on
    an i.  What looks like two letters is written as two; two that look like one are one afterwards, whoever they are.
    """
    plain = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", name)).replace("0", "o")
    plain = unicodedata.normalize("NFD", "".join(_prototypes().get(char, char) for char in plain))
    plain = re.sub(r"([_.-])\1+", r"\1", _undotted(plain)).rstrip("_.-")
    for likeness, letter in (("rn", "m"), ("vv", "w")):
        plain = plain.replace(likeness, letter)
    return plain[:MAX_LOOK]


def _undotted(plain: str) -> str:
    """Return a decomposed text without the dots that nobody sees: an i has its own until a mark takes its place."""
    seen, place_taken = "", True
    for char in plain:
        if char == DOT_ABOVE and not place_taken:
            continue
        if unicodedata.combining(char) in (0, ABOVE):
            place_taken = char not in SOFT_DOTTED
        seen += char
    return seen


@functools.cache
def _reserved_skeletons() -> frozenset[str]:
    return frozenset(map(skeleton, RESERVED))


@functools.cache
def _prototypes() -> dict[str, str]:
    """Return what is written in a skeleton for each character that looks like others: one sign, or several.

    Looking alike is a relation, and its classes are what counts: 1, l, | and I belong together, and the one that comes
    first in Unicode stands for them.  For a class that looks like several signs (`ǁ` like ll), those do.
    """
    parent: dict[str, str] = {}

    def root(char: str) -> str:
        while parent.setdefault(char, char) != char:
            char = parent[char]
        return char

    pairs = [(char, like["c"]) for char, likes in confusables.confusables_data.items() for like in likes]
    for char, like in pairs:
        if len(char) == len(like) == 1:
            first, second = sorted((root(char), root(like)))
            parent[second] = first
    several: dict[str, str] = {}
    for char, like in pairs:
        if len(char) == 1 < len(like) and LEFT_TO_RIGHT not in like:  # those turn one sign round, for the data's sake
            signs = "".join(root(sign) for sign in unicodedata.normalize("NFD", like))
            several[root(char)] = min(signs, several.get(root(char), signs))

    def written(char: str, inside: str = "") -> str:
        first = root(char)
        if first in inside or first not in several:
            return first
        return "".join(written(sign, inside + first) for sign in several[first])

    return {char: shown for char in list(parent) if (shown := written(char)) != char}


# --- mail addresses --------------------------------------------------------------------------------------

_SPLIT = re.compile(r"\A\.|\.\.|\.\Z|=\?")
_LOCAL = re.compile(r"[^\s\x00-\x20\x7f\"(),:;<>@\[\\\]]+")


def email(text: str) -> Email | FieldError:
    """Return an address as letters are sent to it, with its key, or why it is none."""
    wrong = FieldError("#/email", "email_invalid")
    local, at, domain = text.rpartition("@")
    if not at or not _is_local(local):
        return wrong
    if len(local.encode("utf-8", "replace")) > 64 or any(unicodedata.category(char).startswith("C") for char in local):
        return wrong
    try:
        ascii_domain = idna.encode(domain, uts46=True).decode("ascii").lower()
    except (idna.IDNAError, UnicodeError):
        return wrong
    name = ascii_domain.rpartition(".")[2]  # an address of a machine is no domain, however it is written: 0x7f.1
    if (
        "." not in ascii_domain.rstrip(".")
        or ascii_domain.endswith(".")
        or not name[:1].isalpha()
        or len(f"{local}@{ascii_domain}".encode("utf-8", "replace")) > 254
    ):
        return wrong
    written = f"{local}@{ascii_domain}"
    key = email_key(written)
    return wrong if len(key) > 254 else Email(written, key)  # folding may make it longer


def _is_local(text: str) -> bool:
    """Whether *text* may stand before the @, and nobody on its way reads it as another address.

    Mail programs decode encoded words where none may be, and fold wide signs into those with a meaning.
    """
    return all(
        _LOCAL.fullmatch(spelling) and not _SPLIT.search(spelling)
        for spelling in (text, unicodedata.normalize("NFKC", text))
    )


def address_key(text: str) -> str:
    """Return the key of an address as somebody types it; "" for what is none."""
    found = email(text.strip())
    return found.key if isinstance(found, Email) else ""


def email_key(text: str) -> str:
    """Return the form in which addresses are compared: no dots and no plus signs are folded, hosts differ on that."""
    return unicodedata.normalize("NFC", text.strip()).casefold()
