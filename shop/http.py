"""Calls to other services: bounded in time and size, never redirected, never repeated.  The only door to requests.

This file knows how a call is made safely; it does not know whom it calls.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

import requests
import urllib3

from shop.errors import Refused

__all__ = ["HTTP", "Reply"]

CONNECT_SECONDS: Final = 3
READ_SECONDS: Final = 5
MAX_BYTES: Final = 65536


class Reply(NamedTuple):
    """What came back; *body* is at most MAX_BYTES + 1 long, one more than is read."""

    status: int
    body: bytes


class HTTP:
    """Calls other services.  Raise :exc:`Refused`, reason provider-unavailable, where none answers."""

    def __init__(self) -> None:
        self._session = requests.Session()
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
                return Reply(response.status_code, response.raw.read(MAX_BYTES + 1, decode_content=True))
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
