"""The command, called in process as a shell would."""

import subprocess
import sys

import pytest

from tests.faults.processes import ROOT
from tests.servers import PATIENCE


@pytest.fixture
def dada():
    """Call `dada` with arguments; return exit status, output and errors."""

    def call(*arguments: str, text: str = "", **env: str) -> tuple[int, str, str]:
        done = subprocess.run(
            [sys.executable, "-m", "cli", *arguments], capture_output=True, text=True, cwd=ROOT, input=text,
            timeout=PATIENCE, env={"PATH": "/usr/bin:/bin", "HOME": "/nowhere", **env},
        )  # fmt: skip
        return done.returncode, done.stdout, done.stderr

    return call
