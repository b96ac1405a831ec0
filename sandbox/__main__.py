"""`python -m sandbox`: the outside world as one process.

    python -m sandbox --http 127.0.0.1:9000 --smtp 127.0.0.1:9025 --secrets FILE

It says one line when both servers take connections, and ends cleanly on SIGTERM or SIGINT.  What keeps it from
starting is one line on standard error and exit status 2.

This file knows the command line and signals; the servers are put together in world.py.
"""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NoReturn

from sandbox.rooms import make_rooms
from sandbox.world import Address, CannotStart, World, read_secrets

__all__ = ["main"]


class _OneLine(argparse.ArgumentParser):
    """A parser whose complaint is one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"sandbox: {message}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the sandbox until a signal ends it; return the exit status."""
    parser = _OneLine(prog="python -m sandbox", description="A look-alike of Weibo and a mailbox, on loopback.")
    parser.add_argument("--http", default="127.0.0.1:9000", help="host:port of the pages (default: %(default)s)")
    parser.add_argument("--smtp", default="127.0.0.1:9025", help="host:port for letters (default: %(default)s)")
    parser.add_argument("--secrets", required=True, type=Path, help="JSON file with the look-alike's secrets")
    parser.add_argument("--page", help="the page's origin: with REDIS_URL, its inspector and labs are served too")
    given = parser.parse_args(arguments)
    rooms_end = ExitStack()
    try:
        http, smtp = Address.read(given.http), Address.read(given.smtp)
        rooms = make_rooms(os.environ.get("REDIS_URL", ""), given.page or "", f"http://{http}", rooms_end.callback)
        world = World(http, smtp, read_secrets(given.secrets), rooms)
    except CannotStart as error:
        print(f"sandbox: {error}", file=sys.stderr)
        return 2
    # Blocked before any thread begins, so that every thread leaves them to the one call that waits for them.
    ends = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    with rooms_end, world:
        print(f"sandbox: Weibo look-alike and mailbox at http://{world.http}, SMTP at {world.smtp}", flush=True)
        signal.sigwait(ends)
    return 0


if __name__ == "__main__":
    sys.exit(main())
