"""Child processes: started, watched, read line by line, and never left behind.

A child dies with its parent, however that dies (prctl(2), PR_SET_PDEATHSIG).  A child that dies by itself is started
again, unless it does so all the time.

This file knows processes and lines; it does not know what the children do.
"""

import ctypes
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

__all__ = ["Child", "Line", "stop_all"]

_STOP_SECONDS: Final = 15.0
_MOST_RESTARTS: Final = 5
_WITHIN_SECONDS: Final = 60.0


@dataclass(frozen=True)
class Line:
    """A line that a child wrote."""

    child: str
    text: str


@dataclass
class Child:
    """One child.

    name     for people
    command  program and arguments
    env      the whole environment
    where    what it serves, for people
    healthy  asks whether it does what it is for
    """

    name: str
    command: Sequence[str]
    env: Mapping[str, str]
    where: str
    healthy: Callable[[], bool]
    last: deque[str] = field(default_factory=lambda: deque(maxlen=8))
    _process: subprocess.Popen[str] | None = None
    _deaths: deque[float] = field(default_factory=lambda: deque(maxlen=_MOST_RESTARTS))

    def start(self, lines: "queue.SimpleQueue[Line]") -> None:
        """Start it; what it writes goes to *lines*."""
        self._process = subprocess.Popen(  # noqa: S603 the commands are this project's own
            self.command,
            env=dict(self.env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,  # Ctrl-C is for the parent, which stops its children in order
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 no thread holds a lock
        )
        threading.Thread(target=self._read, args=(self._process, lines), daemon=True).start()

    def _read(self, process: "subprocess.Popen[str]", lines: "queue.SimpleQueue[Line]") -> None:
        if process.stdout is None:
            return
        with process.stdout as written:
            for text in written:
                self.last.append(text.rstrip())
                lines.put(Line(self.name, text.rstrip()))

    @property
    def pid(self) -> int:
        """The process's number; 0 before it is started."""
        return self._process.pid if self._process else 0

    def status(self) -> int | None:
        """Return the exit status; None while it runs."""
        return self._process.poll() if self._process else None

    def may_restart(self) -> bool:
        """Note that it died, and return whether that was seldom enough to try again."""
        now = time.monotonic()
        self._deaths.append(now)
        return len(self._deaths) < _MOST_RESTARTS or now - self._deaths[0] > _WITHIN_SECONDS

    def tell(self, number: int) -> None:
        """Send a signal to it and to the children of its own."""
        if self._process and self._process.poll() is None:
            try:
                os.killpg(self._process.pid, number)
            except ProcessLookupError:
                return

    def wait(self, seconds: float) -> bool:
        """Wait for its end; False if it did not come."""
        if self._process:
            try:
                self._process.wait(seconds)
            except subprocess.TimeoutExpired:
                return False
        return True


def stop_all(children: Sequence[Child]) -> None:
    """Stop *children*, the last one first, each in peace if it goes, else by force."""
    for child in reversed(children):
        child.tell(signal.SIGTERM)
        if not child.wait(_STOP_SECONDS):
            child.tell(signal.SIGKILL)
            child.wait(_STOP_SECONDS)


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(1, signal.SIGTERM, 0, 0, 0)
