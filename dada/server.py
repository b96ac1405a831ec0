"""gunicorn's threaded worker, with an end to patience and our words for errors, and its log: the only door to gunicorn.

A thread that reads a request waits for as long as its sender likes: a handful of senders who never finish would hold
every thread ("slowloris").  `Worker` hangs up on a request that has not arrived, head and body, within
`arrival_seconds`: it closes the receiving half of the connection, so that whoever reads finds the end, in the head
(nobody is answered) or in the body (400).  An answer that is on its way already is not touched.

What gunicorn refuses by itself, before there is a request that the application could answer, it would tell in HTML.
Which status that has is gunicorn's to know; here it becomes a problem document like every other error (RFC 9457), in
English, since nobody read what language is preferred, and without CORS: a page that asked first was refused then.

Its log makes no line for a request unless one was asked for: `Logger`.

This file knows gunicorn's connections; it does not know what a request is about.
"""

import contextlib
import socket
import time
import uuid
from email.utils import formatdate
from typing import Any, ClassVar, Final

from gunicorn import glogging
from gunicorn.util import write_nonblock
from gunicorn.workers.gthread import _DEFER, STOP_KEEPALIVE_LINGER, ThreadWorker

from dada.answers import HEADERS, Answer, problem_headers, written
from dada.problems import TYPES, document

__all__ = ["Logger", "Worker"]

# What gunicorn refuses with, as a kind of problem, and what there is to add to its title.
_REFUSALS: Final = {
    400: ("bad-request", "the request line or a header is malformed"),
    403: ("forbidden", ""),
    414: ("uri-too-long", ""),
    417: ("expectation-failed", ""),
    431: ("headers-too-large", ""),
    501: ("not-implemented", "a transfer coding that is not read here"),
}


class Logger(glogging.Logger):  # type: ignore[misc]  # gunicorn has no types
    """Tells of a request where an access log was asked for (accesslog), and else does not even look at it.

    gunicorn itself takes a logconfig_dict for a wish to have one: for each request it gathers all that a line could
    hold, every header and the whole environ, 17 µs of work, and hands the line to a log that nobody reads.
    """

    def access(self, resp: Any, req: Any, environ: dict[str, Any], request_time: Any) -> None:
        """Write the line of a request, if there is a log to write it to."""
        if self.cfg.accesslog:
            super().access(resp, req, environ, request_time)


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """Takes requests as ThreadWorker does, and waits for each no longer than *arrival_seconds*.

    headers  what a refusal carries, as every answer of the application does
    """

    arrival_seconds = 10.0
    headers: ClassVar[tuple[tuple[str, str], ...]] = HEADERS

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
            patience = 0.0 if self.alive else STOP_KEEPALIVE_LINGER
            if not (conn.initialized or conn.data_ready or conn.wait_for_data(patience)):
                # Nothing came yet: it shall wait where waiting is cheap, and not for five seconds here.
                return _DEFER if self.alive else False
            return super().handle(conn)
        finally:
            self._arriving.pop(conn, None)

    def finish_request(self, conn: Any, fs: Any) -> None:
        """Decide what becomes of *conn*: of a worker that was told to stop meanwhile, a thread waits for its request.

        gunicorn hangs up on one that was taken in and has not spoken, though it may be about to.
        """
        if not self.alive and not fs.cancelled() and fs.exception() is None and fs.result() is _DEFER:
            self.enqueue_req(conn)
        else:
            super().finish_request(conn, fs)

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Answer what *exc* made of a request: what gunicorn says and logs of it decides, but for the words."""
        heard = _Heard()
        super().handle_error(req, heard, addr, exc)
        request_id = str(uuid.uuid4())
        self.log.warning("refused with %s", heard.status, extra={"request": request_id})
        with contextlib.suppress(OSError):  # the sender may be gone
            write_nonblock(client, _refusal(heard.status, request_id, self.headers))

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


class _Heard:
    """Stands for the connection while gunicorn writes an error to it, and keeps the status alone."""

    status = 500

    def gettimeout(self) -> float:
        """Say that it need not be told to block no more."""
        return 0.0

    def sendall(self, data: bytes) -> None:
        """Take the answer: "HTTP/1.1 414 URI Too Long" and more."""
        self.status = int(data[9:12])


def _refusal(status: int, request_id: str, headers: tuple[tuple[str, str], ...]) -> bytes:
    """Return the whole answer, with which the connection ends."""
    code, detail = _REFUSALS.get(status, ("internal" if status >= 500 else "bad-request", ""))
    kind = TYPES[code]
    varies = ("Vary", "Origin, Authorization, Accept-Language")  # as every answer at that address, whoever gives it
    answer = Answer(kind.status, document(kind, "en", request_id, detail=detail), (*problem_headers("en"), varies))
    common = (*headers, ("Connection", "close"), ("Date", formatdate(usegmt=True)), ("X-Request-Id", request_id))
    line, fields, payload = written(answer, common)
    head = "".join(f"{name}: {value}\r\n" for name, value in fields)
    return f"HTTP/1.1 {line}\r\n{head}\r\n".encode("latin-1") + payload
