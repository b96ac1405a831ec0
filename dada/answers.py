"""Answers: what a resource answers, and how that leaves: a status line, headers, the bytes of a body (RFC 9110 §15).

Headers that every answer carries are added in one place, `written`, whoever answers: a resource, or the server itself
for what never became a request (`server.py`).

This file knows statuses and headers; it does not know requests.
"""

import functools
import http
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from dada.problems import Language, ProblemType, document

__all__ = ["HEADERS", "Answer", "plain", "problem_headers", "written"]

Header = tuple[str, str]

# An answer is for one caller, says what it is, and is never framed, sniffed or kept.
HEADERS: Final = (
    ("Cache-Control", "no-store"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("Cross-Origin-Resource-Policy", "same-site"),
    ("Referrer-Policy", "no-referrer"),
    ("Vary", "Authorization, Accept-Language"),
    ("X-Content-Type-Options", "nosniff"),
)
_STATUS: Final = {status.value: f"{status.value} {status.phrase}" for status in http.HTTPStatus} | {
    413: "413 Content Too Large",  # the names of RFC 9110; Python 3.11 has older ones
    414: "414 URI Too Long",
    422: "422 Unprocessable Content",
}
_BODILESS: Final = frozenset({204, 304})
_NO_ID: Final = "00000000-0000-0000-0000-000000000000"
_encode = msgspec.json.Encoder().encode


class Answer(msgspec.Struct, frozen=True):
    """What a resource answers: a status, a body for JSON (None for none), headers, and the body's entity tag.

    etag  strong and quoted, '"3"': a GET whose caller has this version is answered 304 (RFC 9110 §13.1.2)
    """

    status: int
    body: Any = None
    headers: tuple[Header, ...] = ()
    etag: str = ""


def problem_headers(language: Language) -> tuple[Header, ...]:
    """Return what says that a body is a problem document (RFC 9457 §3), and in which language."""
    return (("Content-Type", "application/problem+json"), ("Content-Language", language))


def plain(kind: ProblemType, language: Language, instance: str) -> msgspec.Raw:
    """Return the document, as JSON, of a problem of which there is nothing to tell but the request's id, *instance*."""
    return msgspec.Raw(instance.encode().join(_pieces(kind, language)))


@functools.cache
def _pieces(kind: ProblemType, language: Language) -> tuple[bytes, ...]:
    """Return what stands around the ids of such a document: it is written once."""
    return tuple(_encode(document(kind, language, _NO_ID)).split(_NO_ID.encode()))


def written(answer: Answer, common: Iterable[Header] = HEADERS) -> tuple[str, list[Header], bytes]:
    """Return the status with its phrase, the headers, and the body's bytes.

    common  what answers carry besides; a header that this one gives itself replaces one of these
    """
    status, body, own = answer.status, answer.body, answer.headers
    named = dict(own) if own else ()
    headers = [*(header for header in common if header[0] not in named), *own] if own else [*common]
    payload = b"" if body is None else _encode(body)
    if status not in _BODILESS:
        headers.append(("Content-Length", str(len(payload))))
        if payload and "Content-Type" not in named:
            headers.append(("Content-Type", "application/json"))
    if answer.etag:
        headers.append(("ETag", answer.etag))
    return _STATUS[status], headers, payload
