"""gunicorn's threaded worker, with an end to patience: the only door to gunicorn.

A thread that reads a request waits for as long as its sender likes: a handful of senders who never finish would hold
every thread ("slowloris").  `Worker` hangs up on a request that has not arrived, head and body, within
`arrival_seconds`: it closes the receiving half of the connection, so that whoever reads finds the end, in the head
(nobody is answered) or in the body (400).  An answer that is on its way already is not touched.

This file knows gunicorn's connections; it does not know what a request is about.
"""

import socket
import time
from typing import Any

from gunicorn.workers.gthread import _DEFER, ThreadWorker

__all__ = ["Worker"]


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """Takes requests as ThreadWorker does, and waits for each no longer than *arrival_seconds*."""

    arrival_seconds = 10.0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._arriving: dict[Any, float] = {}

    def enqueue_req(self, conn: Any) -> None:
        """Give *conn* to a thread, as soon as one is free; its time runs from now, for all who wait at once."""
        self._arriving[conn] = time.monotonic() + self.arrival_seconds
        super().enqueue_req(conn)

    def handle(self, conn: Any) -> Any:
        """Answer a request of *conn*, in a thread of the pool."""
        try:
            if not (conn.initialized or conn.data_ready or conn.wait_for_data(0.0)):
                return _DEFER  # nothing came yet: it shall wait where waiting is cheap, and not for five seconds here
            return super().handle(conn)
        finally:
            self._arriving.pop(conn, None)

    def notify(self) -> None:
        """Say that this worker lives, as the main thread does at least once a second; and look who is late."""
        super().notify()
        now = time.monotonic()
        for conn, until in [*self._arriving.items()]:
            if until < now:
                self._arriving.pop(conn, None)
                _hang_up(conn.sock)


def _hang_up(connection: socket.socket) -> None:
    """Let whoever reads from *connection* find its end."""
    try:
        connection.shutdown(socket.SHUT_RD)
    except OSError:
        return  # it is gone
