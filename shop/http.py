"""Calls to other services: bounded in time and size, never redirected, never repeated.  The only door to requests.

This file knows how a call is made safely; it does not know whom it calls.
"""

import time
from collections.abc import Mapping
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Final, NamedTuple

import requests
import urllib3

from shop.errors import Refused

__all__ = ["HTTP", "Reply"]

CONNECT_SECONDS: Final = 3
READ_SECONDS: Final = 5
WHOLE_SECONDS: Final = 10
MAX_BYTES: Final = 65536


class Reply(NamedTuple):
    """What came back; *body* is at most MAX_BYTES + 1 long, one more than is read."""

    status: int
    body: bytes


def _read(body: Any, until: float) -> bytes:
    """Return the body, or its first MAX_BYTES + 1 bytes.  Raise :exc:`OSError` for one that takes its time."""
    data = b""
    while len(data) <= MAX_BYTES and (piece := body.read1(MAX_BYTES + 1 - len(data), decode_content=True)):
        data += piece
        if time.monotonic() > until:
            raise TimeoutError
    return data


class HTTP:
    """Calls other services.  Raise :exc:`Refused`, reason provider-unavailable, where none answers."""

    def __init__(self) -> None:
        self._session = requests.Session()
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))  # one user's are not another's
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
        try:
            prepared = self._session.prepare_request(request)
            timeout = (CONNECT_SECONDS, READ_SECONDS)
            with self._session.send(prepared, timeout=timeout, allow_redirects=False, stream=True) as response:
                return Reply(response.status_code, _read(response.raw, time.monotonic() + WHOLE_SECONDS))
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            # The library's message may hold the URL, and the URL a token: it is not told.
            late = isinstance(error, requests.Timeout | TimeoutError)
            raise Refused(
                "provider-unavailable",
                "the provider did not answer in time" if late else "the provider cannot be reached",
            ) from None

    def close(self) -> None:
        """Give all connections back."""
        self._session.close()
