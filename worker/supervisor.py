"""Several worker processes under one: started, watched, started again, stopped together.

A process uses one core and can be killed by a job that runs wild; the others go on.  The one above runs no job, opens
no connection and so has nothing to lose.
"""

import logging
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from types import FrameType
from typing import Final

__all__ = ["Supervisor"]

_log = logging.getLogger("worker")

_SHORT: Final = 10.0  # seconds: who dies sooner than that is started again later and later
_LONGEST: Final = 30.0
_LOOK: Final = 0.1


class Supervisor:
    """Keeps *count* processes of *command* running in *environ*."""

    def __init__(self, command: Sequence[str], count: int, environ: Mapping[str, str]) -> None:
        self._command, self._environ = list(command), dict(environ)
        self._children: list[subprocess.Popen[bytes] | None] = [None] * count
        self._began, self._pauses, self._due = [0.0] * count, [0.0] * count, [0.0] * count
        self._stopping, self._told = threading.Event(), 0

    def stop(self, number: int, _: FrameType | None = None) -> None:
        """Pass the signal *number* on; a second one, too."""
        self._stopping.set()
        self._told = number
        for child in self._children:
            if child and child.poll() is None:
                child.send_signal(number)

    def run(self) -> int:
        """Return when all processes have ended because they were told to, or because none can start: their status."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self.stop)
        worst = 0
        while True:
            for at in range(len(self._children)):
                worst = max(worst, self._look(at))
            if self._stopping.is_set() and not any(self._children):
                return worst
            time.sleep(_LOOK)

    def _look(self, at: int) -> int:
        """Start the process number *at* if it is time to; return the status that it ended with, 0 while it runs."""
        child, now = self._children[at], time.monotonic()
        if child is None:
            if not self._stopping.is_set() and now >= self._due[at]:
                self._began[at] = now
                self._children[at] = subprocess.Popen(self._command, env=self._environ)  # noqa: S603 our own command
            return 0
        status = child.poll()
        if status is None:
            return 0
        self._children[at] = None
        if self._stopping.is_set():
            return 0 if status == -self._told else abs(status)  # told before it listened: it had begun nothing
        if status == 2:  # it cannot start, and said why: nor can the others
            self.stop(signal.SIGTERM)
            return status
        self._pauses[at] = 0.0 if now - self._began[at] > _SHORT else min(_LONGEST, max(0.5, self._pauses[at] * 2))
        self._due[at] = now + self._pauses[at]
        _log.warning("a worker ended with %d: the next one in %g s", status, self._pauses[at])
        return 0
