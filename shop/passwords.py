"""Passwords: which are taken, and how they are kept (OWASP Password Storage; NIST SP 800-63B §5.1.1; RFC 9106 §4).

argon2id, with its parameters in each hash; what was hashed with others is hashed again at the next log-in.  A hash
takes 46 MiB for a while, so that only so many are made at once: the others wait for a second, and then hear that the
service is busy, as does everybody where there is no memory.  How many the machine bears, and so a process of it, the
settings say.  The only door to argon2.

This file knows passwords; it does not know whose they are.
"""

import functools
import re
import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from itertools import pairwise
from typing import Final

import argon2
from argon2.exceptions import HashingError, InvalidHashError, VerificationError
from argon2.low_level import error_to_str

from dada.problems import FieldError
from shop.errors import Refused

__all__ = ["MAX_BYTES", "MAX_CHARACTERS", "MIN_CHARACTERS", "Hasher", "faults"]

MIN_CHARACTERS: Final = 8
MAX_CHARACTERS: Final = 128
MAX_BYTES: Final = 1024
_WAIT_SECONDS: Final = 1.0
_NO_MEMORY: Final = error_to_str(-22)  # ARGON2_MEMORY_ALLOCATION_ERROR of argon2.h, which has no class in Python


class Hasher:
    """Makes and checks hashes, a few at a time.

    memory_kib, time_cost  argon2id's; 47104 and 1 are OWASP's first choice
    at_once                how many hashes this process makes at a time
    """

    def __init__(self, memory_kib: int = 47104, time_cost: int = 1, *, at_once: int) -> None:
        self._argon2 = argon2.PasswordHasher(time_cost=time_cost, memory_cost=memory_kib, parallelism=1)
        self._places = threading.BoundedSemaphore(at_once)
        # Whoever has no password, or no account, costs the same work: this hash is checked in his place.
        self._decoy = self._argon2.hash("a password that nobody has")

    def hash(self, password: str) -> str:
        """Return a hash of *password*, with its salt and parameters.  Raise :exc:`Refused` when too busy."""
        with self._place():
            return self._argon2.hash(password)

    def verify(self, hashed: str | None, password: str) -> bool:
        """Whether *password* is the one that was hashed; None takes as long, and is never right."""
        with self._place():
            try:
                return self._argon2.verify(hashed or self._decoy, password) and hashed is not None
            except (VerificationError, InvalidHashError) as error:
                if str(error) == _NO_MEMORY:  # nobody has looked: that password may be right
                    raise
                return False

    def is_outdated(self, hashed: str) -> bool:
        """Whether *hashed* was made with other parameters than are used now."""
        return self._argon2.check_needs_rehash(hashed)

    @contextmanager
    def _place(self) -> Iterator[None]:
        if not self._places.acquire(timeout=_WAIT_SECONDS):
            raise Refused("unavailable", "too many log-ins at once")
        try:
            yield
        except (HashingError, VerificationError) as error:
            if str(error) != _NO_MEMORY:
                raise
            raise Refused("unavailable", "too many log-ins at once") from None
        finally:
            self._places.release()


def faults(pointer: str, password: str, *others: str) -> list[FieldError]:
    """Return what keeps *password* from being taken; *others* are the names and addresses it must not resemble.

    Any character may stand in it, and none has to: rules of composition make passwords worse.  It is hashed as it came;
    how it is compared here (compatibility forms and case folded) is only for looking.
    """
    if len(password) < MIN_CHARACTERS:
        return [FieldError(pointer, "too_short", {"min": MIN_CHARACTERS})]
    if len(password) > MAX_CHARACTERS or len(password.encode("utf-8", "replace")) > MAX_BYTES:
        return [FieldError(pointer, "too_long", {"max": MAX_CHARACTERS})]
    if "\0" in password:
        return [FieldError(pointer, "password_invalid")]
    folded = _folded(password)
    if _is_common(folded):
        return [FieldError(pointer, "common")]
    if any(_is_like(_folded(name), folded) for name in others):
        return [FieldError(pointer, "similar")]
    return []


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _is_like(name: str, password: str) -> bool:
    """Whether *password* holds *name*, or a word of it is all the letters that *password* has: "ada12345" is ada's."""
    words = _WORD.findall(name)
    whole = "".join(words)
    for spelling in _spellings(password):
        letters = _once("".join(filter(str.isalpha, spelling)))
        if letters and any(letters in (word, word[::-1]) for word in (*words, whole)):
            return True
        bare = "".join(_WORD.findall(spelling))
        if len(whole) >= 4 and (whole in bare or whole[::-1] in bare or (len(bare) >= 4 and bare in whole)):
            return True
    return False


def _spellings(folded: str) -> set[str]:
    """Return *folded* with and without what stands around it, and each with letters for signs."""
    both = {folded, _AROUND.sub("", folded)}
    return both | set(map(_plain, both))


def _is_common(folded: str) -> bool:
    """Whether *folded* is on the list, or a variant of what is, as guessers make them by rules.

    With signs for letters, digits and signs around it, backwards, again and again; and whatever is a run of neighbours.
    """
    steps = {ord(after) - ord(before) for before, after in pairwise(folded)}
    if len(set(folded)) < 4 or len(steps) == 1:
        return True
    bare = _AROUND.sub("", folded)
    return any(
        spelling in _common() or spelling[::-1] in _common()
        for text in (folded, bare)
        for spelling in (_once(text), _once(_AROUND.sub("", _plain(text))), _once(_plain(text)))
    )


def _once(text: str) -> str:
    """Return what *text* repeats, or itself: "catcat" is "cat"."""
    again = (text + text).find(text, 1)
    return text[:again] if 0 < again < len(text) else text


def _plain(text: str) -> str:
    """Return *text* with letters for the signs that stand for them."""
    return text.translate(_LETTERS)


_OURS: Final = frozenset({"dada", "dadashop", "达达", "达达商城"})  # whoever guesses here begins with them
_WORD: Final = re.compile(r"[^\W_]+")
_LETTERS: Final = str.maketrans("@4301!$57", "aaeoiisst")
_AROUND: Final = re.compile(r"\A[\W\d_]{1,4}(?=.{4})|(?<=.{4})[\W\d_]{1,4}\Z", re.DOTALL)  # "!!cats2026"


@functools.cache
def _common() -> frozenset[str]:
    lines = resources.files("shop").joinpath("common_passwords.txt").read_text("utf-8").splitlines()
    return _OURS.union(line for line in lines if not line.startswith("#"))
