"""The drill at the command line: make drill SEED=7 JOBS=2000 MINUTES=5.

Real workers, a real Redis and MariaDB in a temporary folder; blows fall as the seed draws them; in the end every job
must be done exactly once.  Exit status: 0 if the law holds, 1 if it is broken (the folder is kept, with every log),
2 for a question that makes no sense.
"""

import argparse
import logging
import secrets
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from tests.drill.drill import Drill


def main() -> int:
    """Run one drill, and print what came of it."""
    parser = argparse.ArgumentParser(
        prog="make drill", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, help="the same seed draws the same blows again; drawn if not given")
    parser.add_argument("--jobs", type=int, default=2000, help="how many jobs are put (2000)")
    parser.add_argument("--minutes", type=float, default=2.0, help="how long they are put, while blows fall (2)")
    given = parser.parse_args()
    if not 1 <= given.jobs <= 1_000_000 or not 0 < given.minutes <= 24 * 60:
        parser.error("from 1 to 1000000 jobs, and from a moment to a day")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what was started is ended
    logging.getLogger("shop").setLevel(logging.ERROR)  # what the producer left to the relay is part of the drill
    seed = secrets.randbelow(10**6) if given.seed is None else given.seed
    print(f"the drill: {given.jobs} jobs in {given.minutes:g} minutes, SEED={seed}", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="dada-drill-"))
    drill = Drill(folder, seed=seed, jobs=given.jobs, seconds=given.minutes * 60, say=say)
    outcome = drill.run()
    say("")
    print(outcome.table())
    if outcome.holds:
        shutil.rmtree(folder)
        return 0
    print(f"\nwhere something is left: {outcome.left or 'nowhere'}; {outcome.law}\nall logs: {folder}")
    for number in [*outcome.lost, *outcome.doubled, *outcome.from_nowhere][:3]:
        print(f"\n{drill.history(number)}")
    return 1


def say(line: str) -> None:
    """Show how far it is: in place on a terminal, else a line now and then."""
    if sys.stderr.isatty():
        print(f"\r{line[:118]:118}", end="\n" if not line else "", file=sys.stderr, flush=True)
    elif line and int(line.split(maxsplit=1)[0]) // 10 != say.last:  # type: ignore[attr-defined]
        say.last = int(line.split(maxsplit=1)[0]) // 10  # type: ignore[attr-defined]
        print(line, file=sys.stderr, flush=True)


say.last = -1  # type: ignore[attr-defined]

if __name__ == "__main__":
    sys.exit(main())
