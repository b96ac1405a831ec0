"""`python -m bench [WHAT …]`: run the benches and write their tables to bench/RESULTS.md."""

import argparse
import importlib
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

BENCHES = ("tokens", "cors", "router", "http", "queue", "parity")
TITLES = {"cors": "CORS", "http": "HTTP"}
RESULTS = Path(__file__).with_name("RESULTS.md")


def main() -> int:
    """Run what is asked for, print it, and keep it: each in a process of its own, in which no other has been."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("what", nargs="*", choices=[*BENCHES, []], help=f"which: {', '.join(BENCHES)}; all by default")
    names = parser.parse_args().what or BENCHES
    if len(names) == 1:
        _run(names[0])
        return 0
    statuses = [subprocess.run([sys.executable, "-m", "bench", name], check=False).returncode for name in names]
    return max(statuses, key=abs)


def _run(name: str) -> None:
    print(f"{name} …", file=sys.stderr)
    told = importlib.import_module(f"bench.{name}").run()
    load = os.getloadavg()[2]
    machine = f"CPython {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores, load {load:.1f}"
    section = (
        f"<!-- {name} -->\n## {TITLES.get(name, name.capitalize())}\n\n{machine}\n\n{told}<!-- end of {name} -->\n"
    )
    print(section)
    pattern = re.compile(rf"<!-- {name} -->.*<!-- end of {name} -->\n", re.DOTALL)
    kept = RESULTS.read_text() if RESULTS.exists() else ""
    kept = pattern.sub(lambda _: section, kept) if pattern.search(kept) else f"{kept}\n{section}"
    RESULTS.write_text(kept.strip() + "\n")


if __name__ == "__main__":
    sys.exit(main())
