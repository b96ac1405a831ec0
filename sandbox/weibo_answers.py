"""How Weibo writes an answer: JSON in raw UTF-8 without blanks, no length told, and the labels it really uses.

The token endpoint calls its JSON `text/plain;charset=UTF-8` (recorded); a client that insists on application/json
fails on the real service, so it must fail here.  The other headers were recorded too.

This file knows bytes and headers; it does not know what an answer says.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from werkzeug import Request, Response

from sandbox.weibo_errors import Row

__all__ = ["JSON", "TEXT", "Answer", "Call", "refusal", "respond", "spell"]

JSON: Final = "application/json"
TEXT: Final = "text/plain;charset=UTF-8"

HEADERS: Final = {
    "Pragma": "No-cache",
    "Cache-Control": "no-cache",
    "Expires": "Thu, 01 Jan 1970 00:00:00 GMT",
    "Api-Server-IP": "127.0.0.1",
}


@dataclass(frozen=True, slots=True)
class Call:
    """A request to one *endpoint*; *path* is the one that was called, which errors echo."""

    endpoint: str
    request: Request

    @property
    def path(self) -> str:
        return self.request.path

    @property
    def base(self) -> str:
        """Where this service is: "http://127.0.0.1:9000"."""
        return self.request.host_url.rstrip("/")

    def value(self, name: str) -> str | None:
        """Return the parameter *name*, of the form or else of the query; both are taken, a JSON body is not."""
        return self.request.form.get(name, self.request.args.get(name))


@dataclass(frozen=True, slots=True)
class Answer:
    """What an endpoint says: a *status* and a value of JSON."""

    status: int
    value: Any
    content_type: str = JSON


class _WithoutLength(Response):
    """The recorded answers are chunked: their length is not told beforehand."""

    automatically_set_content_length = False


def spell(value: Any) -> bytes:
    """Return *value* in JSON as Weibo spells it: characters as they are, not escaped.

    Half of a surrogate pair is no character and has no UTF-8; only an escape can spell it, so then all are escaped.
    """
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":")).encode("ascii")


def respond(status: int, body: bytes | Iterable[bytes], content_type: str) -> Response:
    """Return a response as Weibo's servers send it."""
    return _WithoutLength(body, status=status, headers=HEADERS, content_type=content_type)


def refusal(call: Call, row: Row, value: str = "", *, code_as_text: bool = False) -> Answer:
    """Return *row* as the answer to *call*."""
    label = TEXT if call.endpoint == "access_token" else JSON
    return Answer(row.status, row.members(call.path, value, code_as_text=code_as_text), label)
