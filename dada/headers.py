"""Names of methods and headers, as Fetch sorts them (Fetch §2.2.1, §2.2.2; RFC 9110 §5.6.2).

Both sides of CORS need the same words: which methods go without asking, which headers a page may never
set, which it may always read.  One predicate a definition, named as the standard names it.

This file knows names and values; it does not know policies or requests.
"""

import re

__all__ = [
    "ACCEPTS", "NON_WILDCARD_REQUEST_HEADERS", "SAFELISTED_METHODS", "SAFELISTED_RESPONSE_HEADERS",
    "is_forbidden_method", "is_forbidden_request_header", "is_token", "normalize_method", "shown", "split_list",
]  # fmt: skip

_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")

# What names the types of body that a method takes, in the answer to another one; for the others it is Accept.
ACCEPTS = {"PATCH": "Accept-Patch", "POST": "Accept-Post"}

SAFELISTED_METHODS = frozenset({"GET", "HEAD", "POST"})
_NORMALIZED_METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"})
_FORBIDDEN_METHODS = frozenset({"CONNECT", "TRACE", "TRACK"})

SAFELISTED_RESPONSE_HEADERS = frozenset({
    "cache-control", "content-language", "content-length", "content-type", "expires", "last-modified", "pragma",
})  # fmt: skip
FORBIDDEN_RESPONSE_HEADERS = frozenset({"set-cookie", "set-cookie2"})
NON_WILDCARD_REQUEST_HEADERS = frozenset({"authorization"})
_FORBIDDEN_REQUEST_HEADERS = frozenset({
    "accept-charset", "accept-encoding", "access-control-request-headers", "access-control-request-method",
    "connection", "content-length", "cookie", "cookie2", "date", "dnt", "expect", "host", "keep-alive", "origin",
    "referer", "set-cookie", "te", "trailer", "transfer-encoding", "upgrade", "via",
})  # fmt: skip
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"?', re.DOTALL)
_METHOD_OVERRIDES = frozenset({"x-http-method", "x-http-method-override", "x-method-override"})

CORS_RESPONSE_HEADERS = frozenset({
    "access-control-allow-origin", "access-control-allow-credentials", "access-control-allow-methods",
    "access-control-allow-headers", "access-control-max-age", "access-control-expose-headers",
    "access-control-allow-private-network",
})  # fmt: skip


def is_token(text: str) -> bool:
    """Whether *text* is a token: what a method and a header's name are made of (RFC 9110 §5.6.2)."""
    return _TOKEN.fullmatch(text) is not None


def normalize_method(method: str) -> str:
    """Return *method* as a browser sends it: six are upper-cased, "patch" is not (Fetch §2.2.1)."""
    upper = method.upper()
    return upper if upper in _NORMALIZED_METHODS and method.isascii() else method


def is_forbidden_method(method: str) -> bool:
    """Whether no page may use *method* (Fetch §2.2.1)."""
    return method.upper() in _FORBIDDEN_METHODS


def is_forbidden_request_header(name: str, value: str = "") -> bool:
    """Whether no page may set the header *name*, with this *value* (Fetch §2.2.2)."""
    name = name.lower()
    if name in _FORBIDDEN_REQUEST_HEADERS or name.startswith(("proxy-", "sec-")):
        return True
    parts = _QUOTED.sub('"', value).split(",")  # a comma within quotes divides nothing; no method has quotes
    return name in _METHOD_OVERRIDES and any(is_forbidden_method(part.strip(" \t")) for part in parts)


def split_list(value: str, limit: int | None = None) -> list[str] | None:
    """Return the elements of the list header *value* (RFC 9110 §5.6.1), empty ones left out.

    None if an element is no token: one bad element voids the whole list (Fetch §2.2.2 extract header list
    values), or if there are more than *limit* elements, empty ones counted.
    """
    parts = value.split(",")
    if limit is not None and len(parts) > limit:
        return None
    names = [name for part in parts if (name := part.strip(" \t"))]
    return names if all(map(is_token, names)) else None


def shown(text: str) -> str:
    """Return *text* for a log: no line ends, no control characters, not too long (CVE-2024-1681)."""
    escaped = ascii(text[:81])[1:-1]
    return escaped if len(escaped) <= 80 else f"{escaped[:77]}..."
