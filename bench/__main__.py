"""`python -m bench [WHAT …]`: run the benches and write their tables to bench/RESULTS.md."""

import argparse
import importlib
import os
import platform
import re
import sys
from pathlib import Path

BENCHES = ("tokens", "cors", "router", "http", "queue", "parity")
TITLES = {"cors": "CORS", "http": "HTTP"}
RESULTS = Path(__file__).with_name("RESULTS.md")


def main() -> int:
    """Run what is asked for, print it, and keep it."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("what", nargs="*", choices=[*BENCHES, []], help=f"which: {', '.join(BENCHES)}; all by default")
    given = parser.parse_args()
    kept = RESULTS.read_text() if RESULTS.exists() else ""
    for name in given.what or BENCHES:
        print(f"{name} …", file=sys.stderr)
        told = importlib.import_module(f"bench.{name}").run()
        load = os.getloadavg()[2]
        machine = f"CPython {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores, load {load:.1f}"
        section = (
            f"<!-- {name} -->\n## {TITLES.get(name, name.capitalize())}\n\n{machine}\n\n{told}<!-- end of {name} -->\n"
        )
        print(section)
        pattern = re.compile(rf"<!-- {name} -->.*<!-- end of {name} -->\n", re.DOTALL)
        kept = pattern.sub(lambda _, s=section: s, kept) if pattern.search(kept) else f"{kept}\n{section}"
    RESULTS.write_text(kept.strip() + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
