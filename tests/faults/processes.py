"""Processes of the project, started for real and watched by what they do."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.servers import PATIENCE, wait_until

__all__ = ["ROOT", "Process"]

ROOT = Path(__file__).parents[2]


class Process:
    """A child process with its output in a file."""

    def __init__(self, *command: str, env: dict[str, str], log: Path) -> None:
        self._log = log
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, *command], env={**os.environ, "PYTHONUNBUFFERED": "1", **env}, cwd=ROOT,
                stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def output(self) -> str:
        return self._log.read_text(errors="replace")

    def says(self, text: str) -> None:
        """Wait until it wrote *text*."""
        wait_until(lambda: text in self.output or self._ended_without(text), f"{text!r} in {self.output[-2000:]!r}")

    def _ended_without(self, text: str) -> bool:
        assert self._process.poll() is None or text in self.output, self.output[-3000:]
        return False

    def tell(self, number: int) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def wait(self, seconds: float = PATIENCE) -> int:
        """Return its exit status."""
        return self._process.wait(seconds)

    def __enter__(self) -> "Process":
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(PATIENCE)
