"""Timing: cases in random order, round by round, each as a ratio to the floor of its round.

A process runs one of the cases, not all in turn: what the case before left behind (garbage, and its own data in the
processor's caches) is none of the next one's cost.  So each is called a few times before it is counted.
"""

import gc
import random
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

__all__ = ["Row", "compare", "table"]


class Row(NamedTuple):
    """One case: nanoseconds a call (the fast end: 5th percentile of the rounds), and the median ratio to the floor."""

    name: str
    nanoseconds: float
    ratio: float
    low: float
    high: float


def compare(
    cases: Mapping[str, Callable[[], object]],
    floor: str,
    *,
    rounds: int = 200,
    calls: int = 50,
    warm: int = 50,
    quiet: bool | None = None,
    clock: Callable[[], int] = time.perf_counter_ns,
) -> list[Row]:
    """Return a row for each case; *floor* names the one that the others are divided by.

    warm   calls that are not counted, before the *calls* that are
    clock  what is measured, in nanoseconds; time.thread_time_ns leaves out what other processes took, which hits slow
           cases more often than quick ones
    """
    quiet = not sys.stderr.isatty() if quiet is None else quiet
    times: dict[str, list[float]] = {name: [] for name in cases}
    for case in cases.values():
        for _ in range(calls):
            case()
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        for number in range(rounds):
            order = list(cases)
            random.shuffle(order)
            for name in order:
                case = cases[name]
                gc.collect()
                for _ in range(warm):
                    case()
                began = clock()
                for _ in range(calls):
                    case()
                times[name].append((clock() - began) / calls)
            if not quiet and number % 20 == 0:
                print(f"\r  round {number} of {rounds}", end="", file=sys.stderr, flush=True)
    finally:
        gc.enable()
        gc.unfreeze()
    if not quiet:
        print("\r" + " " * 30 + "\r", end="", file=sys.stderr, flush=True)
    rows = []
    for name, taken in times.items():
        ratios = sorted(mine / base for mine, base in zip(taken, times[floor], strict=True))
        best = sorted(taken)[len(taken) // 20]
        rows.append(Row(name, best, statistics.median(ratios), ratios[len(ratios) // 4], ratios[3 * len(ratios) // 4]))
    return rows


def table(title: str, rows: list[Row], unit: str = "ns") -> str:
    """Return rows as a Markdown table."""
    lines = [f"### {title}", "", f"| | best {unit} | × floor | quartiles |", "| --- | ---: | ---: | --- |"]
    size = 1000 if unit == "µs" else 1
    for row in rows:
        lines.append(
            f"| {row.name} | {row.nanoseconds / size:,.1f} | **{row.ratio:.2f}** | {row.low:.2f}–{row.high:.2f} |"
        )
    return "\n".join(lines) + "\n"
