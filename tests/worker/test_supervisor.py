"""Several processes under one: real ones."""

import os
import signal

import pytest

from tests.faults.processes import Process
from tests.servers import wait_until

CHILD = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
{}
open(os.path.join(os.environ["MARKS"], str(os.getpid())), "w").close()
while True:
    time.sleep(0.01)
"""
TWICE = """
def first(*_):
    signal.signal(signal.SIGTERM, lambda *_: os._exit(1))
    open(os.path.join(os.environ["MARKS"], str(-os.getpid())), "w").close()
signal.signal(signal.SIGTERM, first)
"""
PARENT = """
import os, sys
from worker.supervisor import Supervisor
sys.exit(Supervisor([sys.executable, "-c", os.environ["CHILD"]], 2, os.environ).run())
"""


@pytest.fixture
def supervised(tmp_path):
    """Start a supervisor over two processes that do what is said."""
    marks = tmp_path / "marks"
    marks.mkdir()

    def start(does=""):
        env = {"CHILD": CHILD.format(does), "MARKS": str(marks)}
        process = Process("-c", PARENT, env=env, log=tmp_path / "log")
        process.children = lambda: {int(path.name) for path in marks.iterdir()}
        return process

    return start


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_all_are_started_and_stopped_together(supervised):
    with supervised() as process:
        wait_until(lambda: len(process.children()) == 2, "both to start")
        process.tell(signal.SIGTERM)
        assert process.wait() == 0
        assert not any(map(alive, process.children()))


def test_one_that_is_told_before_it_listens_has_lost_nothing(supervised):
    with supervised("signal.signal(signal.SIGTERM, signal.SIG_DFL)") as process:
        wait_until(lambda: len(process.children()) == 2, "both to start")
        process.tell(signal.SIGTERM)
        assert process.wait() == 0


def test_one_that_dies_is_started_again(supervised):
    with supervised() as process:
        first = wait_until(lambda: len(process.children()) == 2 and process.children(), "both to start")
        os.kill(min(first), signal.SIGKILL)
        wait_until(lambda: len(process.children()) == 3, "a new one")
        process.tell(signal.SIGTERM)
        assert process.wait() == 0


def test_one_that_cannot_start_ends_them_all_with_its_status(supervised):
    with supervised("sys.exit(2)") as process:
        assert process.wait() == 2


def test_told_twice_the_signal_is_passed_on_twice(supervised):
    with supervised(TWICE) as process:
        children = wait_until(lambda: len(process.children()) == 2 and process.children(), "both to start")
        process.tell(signal.SIGTERM)
        wait_until(lambda: {-pid for pid in children} < process.children(), "both to hear the first")
        assert all(map(alive, children))
        process.tell(signal.SIGTERM)
        assert process.wait() == 1
        assert not any(map(alive, children))
