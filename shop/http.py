"""Calls to other services: bounded in time and size, never redirected, never repeated.  The only door to requests.

This file knows how a call is made safely; it does not know whom it calls.
"""

import logging
import socket
import threading
from collections.abc import Mapping
from http.client import HTTPResponse
from types import TracebackType
from typing import Any, Final, NamedTuple

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection

from shop.errors import Refused

__all__ = ["HTTP", "Reply"]

CONNECT_SECONDS: Final = 3
READ_SECONDS: Final = 5
WHOLE_SECONDS: Final = 10
MAX_BYTES: Final = 65536

# Of a head that it cannot read the library would log what it could not read, and the URL: a code, or a token.
logging.getLogger("urllib3.connection").setLevel(logging.CRITICAL)


class Reply(NamedTuple):
    """What came back; *body* is at most MAX_BYTES + 1 long, one more than is read."""

    status: int
    body: bytes


class _Deadline:
    """The end of one call's time: whatever it waits for then, its connection is cut.

    The library's own limits are for each wait; who sends a byte before each of them is over would never reach one: in
    the handshake, in the head of the answer, in its body.  So a timer looks at the whole, from another thread.
    """

    _calls = threading.local()  # the deadline of the call that this thread makes

    def __init__(self, seconds: float) -> None:
        self.is_over = False
        self._connection: HTTPConnection | None = None
        self._socket: socket.socket | None = None  # a connection that ends with its answer gives it up at once
        self._lock = threading.Lock()  # a connection goes back for others when a call ends: then it is not ours to cut
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True

    @classmethod
    def hold(cls, connection: HTTPConnection) -> None:
        """Let the call that this thread makes hold *connection*.  Raise :exc:`TimeoutError` if its time is over."""
        deadline: _Deadline = cls._calls.deadline
        with deadline._lock:
            deadline._connection, deadline._socket = connection, connection.sock
            if deadline.is_over:
                raise TimeoutError

    def _cut(self) -> None:
        with self._lock:
            self.is_over = True
            held = self._socket or (self._connection and self._connection.sock)
            if held:
                try:
                    held.shutdown(socket.SHUT_RDWR)  # whoever reads from it finds the end
                except OSError:
                    return  # it is gone

    def __enter__(self) -> "_Deadline":
        self._calls.deadline = self
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._timer.cancel()
        with self._lock:
            self._connection = self._socket = None


class _Answer(HTTPResponse):
    """An answer without its cookies: one user's are not another's, and what reads them stumbles, loudly, over some."""

    def begin(self) -> None:
        super().begin()
        del self.headers["Set-Cookie"]


class _Plain(HTTPConnection):
    """A connection that its call's deadline holds."""

    response_class = _Answer

    def connect(self) -> None:
        _Deadline.hold(self)
        super().connect()

    def getresponse(self) -> Any:
        _Deadline.hold(self)  # one that was kept alive did not connect
        return super().getresponse()


class _Secure(HTTPSConnection):
    """The same over TLS."""

    response_class = _Answer

    def connect(self) -> None:
        _Deadline.hold(self)
        super().connect()

    def getresponse(self) -> Any:
        _Deadline.hold(self)
        return super().getresponse()


class _PlainPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Plain


class _SecurePool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _Secure


class _Adapter(HTTPAdapter):
    """Requests' adapter, with connections that know a deadline."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": _SecurePool}


class _Session(requests.Session):
    """Requests' session, which knows no redirects.

    Told not to follow one it would prepare to, and read the redirect's whole body first, however long.
    """

    def get_redirect_target(self, _: requests.Response) -> None:
        return None


def _read(body: Any) -> bytes:
    """Return the body, or its first MAX_BYTES + 1 bytes."""
    data = b""
    while len(data) <= MAX_BYTES and (piece := body.read1(MAX_BYTES + 1 - len(data), decode_content=True)):
        data += piece
    return data


class HTTP:
    """Calls other services.  Raise :exc:`Refused`: provider-unavailable, and provider-timeout for no answer in time."""

    def __init__(self) -> None:
        self._session = _Session()
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, _Adapter())
        self._session.trust_env = False  # no proxy, and no .netrc: secrets go where the settings say
        self._session.headers.update({"User-Agent": "dada", "Accept": "application/json"})

    def post(self, url: str, form: Mapping[str, str]) -> Reply:
        """Send *form* in the body of a POST."""
        return self._call(requests.Request("POST", url, data=dict(form)))

    def get(self, url: str, query: Mapping[str, str], bearer: str = "") -> Reply:
        """Send a GET with *query*, and with a token if there is one (RFC 6750 §2.1)."""
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        return self._call(requests.Request("GET", url, params=dict(query), headers=headers))

    def _call(self, request: requests.Request) -> Reply:
        with _Deadline(WHOLE_SECONDS) as deadline:
            try:
                prepared = self._session.prepare_request(request)
                timeout = (CONNECT_SECONDS, READ_SECONDS)
                with self._session.send(prepared, timeout=timeout, allow_redirects=False, stream=True) as response:
                    reply = Reply(response.status_code, _read(response.raw))
                if deadline.is_over:  # a body without a length ends where it is cut
                    raise TimeoutError
            except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
                # The library's message may hold the URL, and the URL a token: it is not told.
                late = deadline.is_over or isinstance(error, requests.Timeout | TimeoutError)
                if late:
                    raise Refused("provider-timeout", "the provider did not answer in time") from None
                raise Refused("provider-unavailable", "the provider cannot be reached") from None
        return reply

    def close(self) -> None:
        """Give all connections back."""
        self._session.close()
