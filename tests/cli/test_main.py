"""The `dada` command: help that teaches, mistakes that are one line."""

import subprocess
import sys

import pytest

from tests.faults.processes import ROOT
from tests.servers import PATIENCE


def dada(*arguments, **env):
    done = subprocess.run(
        [sys.executable, "-m", "cli", *arguments], capture_output=True, text=True, cwd=ROOT, timeout=PATIENCE,
        env={"PATH": "/usr/bin:/bin", "HOME": "/nowhere", **env},
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def test_help_says_what_there_is():
    status, out, _ = dada("--help")
    assert status == 0
    assert "dada up" in out
    assert dada("-h")[1] == out


def test_help_of_up_says_what_runs_where():
    status, out, _ = dada("up", "--help")
    assert status == 0
    for word in ("7000", "8000", "9000", "/mailbox", "--database", "--redis", "loopback"):
        assert word in out


MISTAKES = {
    "no such command": ["fly"],
    "no such option": ["up", "--fast"],
    "a port that is no number": ["up", "--api-port", "x"],
    "a folder that is a file": ["up", "--data", "/etc/hostname"],
    "no database": ["migrate"],
}


@pytest.mark.parametrize("arguments", MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_one_line_and_exit_status_2(arguments):
    status, out, err = dada(*arguments)
    assert (status, out) == (2, "")
    assert err.startswith("dada: ")
    assert err.count("\n") == 1


def test_a_database_is_brought_to_the_present(tmp_path):
    url = f"sqlite:///{tmp_path}/shop.db"
    for _ in range(2):
        assert dada("migrate", DATABASE_URL=url) == (0, "the database is current\n", "")
