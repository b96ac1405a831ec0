"""Sentences in two languages: the English one stands in the code, the other in a table beside it.

    >>> table = Phrases({"at most {} bytes are read": "最多读取 {} 字节", "no UTF-8": "不是 UTF-8"})
    >>> table.told("at most 64 bytes are read")
    '最多读取 64 字节'

A sentence that no table has is told as it is; a test sees to it that there is none.

This file knows sentences; it does not know what they are about.
"""

import re
from collections.abc import Mapping

__all__ = ["Phrases"]


class Phrases:
    """A table of sentences; {} stands for a word that differs, and is carried over, in the same order."""

    def __init__(self, table: Mapping[str, str]) -> None:
        self._exact = {english: other for english, other in table.items() if "{}" not in english}
        self._patterns = [
            (re.compile("(.+?)".join(map(re.escape, english.split("{}"))), re.DOTALL), other)
            for english, other in table.items()
            if "{}" in english
        ]

    def find(self, text: str) -> str | None:
        """Return *text* in the other language, or None."""
        if text in self._exact:
            return self._exact[text]
        for pattern, other in self._patterns:
            if found := pattern.fullmatch(text):
                first, *rest = other.split("{}")
                return first + "".join(
                    self.told(word) + piece for word, piece in zip(found.groups(), rest, strict=False)
                )
        return None

    def told(self, text: str) -> str:
        """Return *text* in the other language; as it is where there is no other."""
        return self.find(text) or text
