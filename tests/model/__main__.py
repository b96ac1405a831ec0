"""Larger systems, for as long as one likes to wait: python -m tests.model [NAME …], or `make model`."""

import argparse
import sys
import time

from tests.model.explore import Broken, explore
from tests.model.system import Bounds

SYSTEMS = {
    "crashes": (Bounds(jobs=3, crashes=2, cuts=0), "3 jobs, 2 crashes"),
    "cuts": (Bounds(jobs=3, crashes=1, cuts=1), "3 jobs, a crash, a lost reply"),
    "batch": (Bounds(jobs=3, batch=2, crashes=1, cuts=1), "3 jobs, two at once, a crash, a lost reply"),
    "acks": (Bounds(jobs=2, batch=2, crashes=1, cuts=1, finish="acknowledge"), "2 jobs, done is not waited for, both"),
    "ghosts": (Bounds(jobs=2, crashes=1, cuts=0, waits=True, ghosts=1), "2 jobs, waiting, a crash, a late command"),
    "everything": (
        Bounds(jobs=2, crashes=1, cuts=1, failures=1, relays=1, cancels=1),
        "2 jobs, a crash, a lost reply, a failure, a late relay, a cancelled job",
    ),
}


def main() -> int:
    """Explore what is asked for, and say how much that was; 1 if a law is broken."""
    parser = argparse.ArgumentParser(prog="make model", description=__doc__)
    parser.add_argument("what", nargs="*", metavar="NAME", help=", ".join(f"{n}: {t}" for n, (_, t) in SYSTEMS.items()))
    asked = parser.parse_args().what
    if unknown := [name for name in asked if name not in SYSTEMS]:
        parser.error(f"there is no system {unknown[0]!r}; there are {', '.join(SYSTEMS)}")
    for name in asked or SYSTEMS:
        bounds, told = SYSTEMS[name]
        print(f"{name:12} two workers, {told} … ", end="", flush=True)
        began = time.monotonic()
        try:
            found = explore(bounds)
        except Broken as broken:
            print(f"broken\n\n{broken}")
            return 1
        seconds = time.monotonic() - began
        print(f"{found.states:,} states, {found.steps:,} steps: every law holds  ({seconds:.0f} s)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
