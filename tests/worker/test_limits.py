"""Stopping a job that runs, in the main thread and in another one."""

import signal
import socket
import sys
import threading
import time

import pytest

from tests.servers import PATIENCE, wait_until
from worker.limits import SIGNAL, Cancelled, Limit, Stopped, TakenForDead, TooLong

# What is raised anywhere may be raised inside the tool that counts lines.
pytestmark = pytest.mark.usefixtures("uncounted")


@pytest.fixture(params=["main thread", "another thread"])
def run(request):
    """Call a function in the thread that the test is about, and return what it raised."""
    if request.param == "main thread":
        before = signal.getsignal(SIGNAL)

        def call(limit, work):
            signal.signal(SIGNAL, limit.heard)
            return _outcome(work)

        yield call
        signal.signal(SIGNAL, before)
        return

    def call(limit, work):
        told = []
        thread = threading.Thread(target=lambda: told.append(_outcome(work)))
        thread.start()
        thread.join(PATIENCE)
        return told[0]

    yield call


def _outcome(work):
    try:
        return work()
    except BaseException as error:  # noqa: BLE001
        return error


def test_nobody_counts_the_lines_of_these_tests(run):
    assert run(Limit(), sys.gettrace) is None


def busy():
    until = time.monotonic() + 30
    while time.monotonic() < until:
        time.sleep(0.001)


def watch(limit, seconds=30):
    """Look after *limit* as a worker does, in a thread of its own."""

    def look():
        until = time.monotonic() + seconds
        while time.monotonic() < until and not limit.watch():
            time.sleep(0.005)

    threading.Thread(target=look, daemon=True).start()


def test_a_job_that_takes_too_long_is_stopped(run):
    limit = Limit()

    def work():
        limit.run(0.05, busy)

    watch(limit)
    assert isinstance(run(limit, work), TooLong)


@pytest.mark.parametrize("why", [Cancelled("x"), TakenForDead("y")], ids=["cancelled", "taken for dead"])
def test_a_job_hears_why_it_is_stopped(run, why):
    limit, inside = Limit(), threading.Event()

    def work():
        limit.run(30, lambda: (inside.set(), busy()))

    def stop():
        inside.wait(PATIENCE)
        limit.stop(why)
        limit.stop(TooLong("too late"))

    threading.Thread(target=stop).start()
    assert run(limit, work) is why


def forgive():
    while True:
        try:
            busy()
        except Exception:  # noqa: BLE001
            continue


def test_a_job_that_forgives_every_error_does_not_forgive_this_one(run):
    limit = Limit()

    def work():
        limit.run(0.05, forgive)

    watch(limit)
    assert isinstance(run(limit, work), TooLong)


def test_a_job_that_ends_in_time_is_left_alone_and_so_is_the_next(run):
    limit, done = Limit(), []

    def work():
        for number in range(2000):
            limit.run(30, lambda: None)
            done.append(number)
        return "fine"

    watch(limit, seconds=1)
    assert run(limit, work) == "fine"


def test_a_stop_that_comes_at_the_very_end_does_not_hit_what_comes_after(run):
    """Thousands of stops, each at a moment of its own: inside it stops the job, outside it does nothing."""
    limit, over, stopped = Limit(), threading.Event(), []

    def nag():
        while not over.is_set():
            limit.stop(Cancelled("x"))

    def work():
        for _ in range(3000):
            try:
                limit.run(30, lambda: None)
            except Cancelled:
                stopped.append(1)
        return "fine"

    threading.Thread(target=nag).start()
    try:
        assert run(limit, work) == "fine"
    finally:
        over.set()


def test_an_error_of_the_job_s_own_passes(run):
    limit = Limit()

    def work():
        limit.run(30, lambda: int("own"))

    assert isinstance(run(limit, work), ValueError)


def test_the_main_thread_is_woken_from_a_system_call():
    limit, (near, far) = Limit(), socket.socketpair()
    before = signal.signal(SIGNAL, limit.heard)
    watch(limit)
    try:
        with near, far, pytest.raises(TooLong):
            limit.run(0.05, lambda: near.recv(1))
    finally:
        signal.signal(SIGNAL, before)


def test_a_job_that_does_not_listen_is_told_by_the_seconds():
    limit, inside, leave = Limit(), threading.Event(), threading.Event()

    def deaf():
        inside.set()
        while not leave.is_set():
            try:
                time.sleep(0.001)
            except Stopped:
                continue

    thread = threading.Thread(target=lambda: limit.run(0.01, deaf))
    thread.start()
    inside.wait(PATIENCE)
    assert wait_until(limit.watch, "the limit to pass") >= 0
    wait_until(lambda: limit.watch() > 0.05, "it not to listen")
    leave.set()
    thread.join(PATIENCE)
    assert limit.watch() == 0
