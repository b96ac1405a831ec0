"""Stopping a job that runs: it took too long, it was cancelled, or its worker was taken for dead.

A thread cannot be stopped from outside, but it can be made to raise: the main thread by a signal, which also wakes it
from a system call; any other one at its next step of Python.  What it raises is no `Exception`, so that a job that
forgives every error does not forgive this one.  A job that goes on nevertheless is ended with its process
(`worker/loop.py`): it comes back after the grace, and that counts as a crash.
"""

import ctypes
import signal
import threading
import time
from collections.abc import Callable
from typing import Any, Final

__all__ = ["Cancelled", "Limit", "Stopped", "TakenForDead", "TooLong"]

SIGNAL: Final = signal.SIGUSR1


class Stopped(BaseException):
    """The job was stopped from outside."""


class TooLong(Stopped):
    """It took more than its time."""


class Cancelled(Stopped):
    """Somebody cancelled it."""


class TakenForDead(Stopped):
    """Its worker was silent for too long: somebody else has the job."""


class Limit:
    """Watches over the jobs of one thread, one after the other."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._running, self._why = False, Stopped()
        self._thread, self._until, self._asked = 0, 0.0, 0.0

    def run(self, seconds: float, work: Callable[[], object]) -> None:
        """Let *work* take *seconds*; raise a :exc:`Stopped` if it was stopped."""
        self._thread, self._until, self._asked = threading.get_ident(), self._clock() + seconds, 0.0
        try:
            try:
                with self._lock:
                    self._running = True
                work()
            finally:
                self._end()
        except Stopped:
            self._end()  # it may have come while that was being done; it comes once
            raise self._why from None

    def _end(self) -> None:
        with self._lock:
            self._running = False
        if self._asked and self._thread != threading.main_thread().ident:
            # What is on its way arrives at the next turn of a loop.  It is met here rather than called back: CPython
            # 3.11 then believes for ever that something is on its way, which costs every call, and never ends one
            # that is traced.
            try:
                for _ in range(100):
                    pass
            except Stopped:
                pass

    def stop(self, why: Stopped) -> None:
        """Raise *why* in the job that runs, if one does, and was not told before."""
        with self._lock:
            if not self._running or self._asked:
                return
            self._why, self._asked = why, self._clock()
            if self._thread == threading.main_thread().ident:
                signal.pthread_kill(self._thread, SIGNAL)
            else:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self._thread), ctypes.py_object(Stopped))

    def heard(self, *_: Any) -> None:
        """What the main thread does on the signal: `signal.signal(SIGNAL, limit.heard)`."""
        if self._running and self._asked:
            raise Stopped

    def watch(self) -> float:
        """Stop a job whose time is over; return for how many seconds a job has not listened, or 0."""
        if not self._running:
            return 0.0
        if not self._asked and self._clock() >= self._until:
            self.stop(TooLong("more than its time"))
        return self._clock() - self._asked if self._asked else 0.0
