"""What can go wrong, and whose fault it is.

    DadaError
    ├── Malformed   the peer's text is outside the grammar           answer 400
    ├── Rejected    well formed, and refused                         answer 401, 403, 404, 409 …
    └── Misuse      this program asked for what no standard allows   a bug: fails at start

A protocol module raises these and nothing else, for any input whatever.  Errors are data: a reason
from a closed set, the place where it shows, the clause that says so; the sentence is made of them.
They never quote what was refused, because a token or a code is a secret and errors are logged.

This file knows no protocol.
"""

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["DadaError", "Malformed", "Misuse", "Problem", "Rejected"]


class DadaError(Exception):
    """Every failure that this package names."""


class Malformed(DadaError):
    """The peer's text is outside the grammar: *reason*, the index *at* which it shows, the *clause*."""

    def __init__(self, reason: str, at: int, clause: str) -> None:
        super().__init__(reason, at, clause)
        self.reason, self.at, self.clause = reason, at, clause

    def __str__(self) -> str:
        return f"{self.reason}, at {self.at} ({self.clause})"


class Rejected(DadaError):
    """Well formed and refused: *reason* from the closed set of the module that raises it, the *clause*."""

    def __init__(self, reason: str, clause: str, detail: str = "") -> None:
        super().__init__(reason, clause, detail)
        self.reason, self.clause, self.detail = reason, clause, detail

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail or 'refused'} ({self.clause})"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with what this program asked for.

    code    stable, for machines: "origin-has-path"
    field   the argument it concerns: "origins"
    value   what was written there, shortened; empty where it might be a secret
    why     one sentence: what would go wrong
    fix     one sentence: what to write instead
    clause  the standard's section, or "" where only sense forbids it
    """

    code: str
    field: str
    value: str
    why: str
    fix: str
    clause: str = ""

    def __str__(self) -> str:
        where = f"{self.field}={self.value}" if self.value else self.field
        source = f" ({self.clause})" if self.clause else ""
        return f"{where}: {self.why}{source} → {self.fix}"


class Misuse(DadaError):
    """This program asked for what no standard allows: every *problem* at once, found when it starts."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(tuple(problems))
        self.problems: tuple[Problem, ...] = tuple(problems)

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)
