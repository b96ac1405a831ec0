"""A step: one check, the clause that demands it, and what it found.

The gate (`verify`, `decide`) and the inspector (`audit`, `explain`) walk the same checks; the gate
stops at the first that fails, the inspector keeps every step.  Telling never changes what is checked:
a step is made from a verdict that is already known.

This file knows no protocol, and decides nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

__all__ = ["Step", "Verdict", "explain"]

Verdict = Literal["passed", "failed", "not reached"]

_MARK = {"passed": "✔", "failed": "✘", "not reached": "·"}


@dataclass(frozen=True, slots=True)
class Step:
    """One check of one protocol.

    name     stable, for machines: "jwt.signature"
    clause   the section that demands it, as specs/ reads such names
    verdict  "passed", "failed", or "not reached" when an earlier failure left nothing to look at
    found    what was seen, in plain words, without secrets
    """

    name: str
    clause: str
    verdict: Verdict
    found: str

    @property
    def ok(self) -> bool:
        """Whether this step let the input through."""
        return self.verdict == "passed"

    def __str__(self) -> str:
        return f"{_MARK[self.verdict]} {self.name:<26} {self.found} ({self.clause})"


def explain(steps: Iterable[Step]) -> str:
    """Return *steps* as a text, a line each."""
    return "\n".join(map(str, steps))
