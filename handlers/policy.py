"""What is said of every answer: who may read it (the CORS policy, Fetch §3.3), and how it may be kept and shown."""

import uuid
from collections.abc import Callable

from dada.answers import HEADERS
from dada.cors import Policy

__all__ = ["common_headers", "make_policy", "own_headers"]


def common_headers(api_url: str) -> tuple[tuple[str, str], ...]:
    """Return what every answer carries; whether browsers shall insist on TLS follows our own address (RFC 6797 §7.2).

    Not the scheme of the request: behind a proxy that ends TLS, that is http.
    """
    insist = (("Strict-Transport-Security", "max-age=31536000"),) if api_url.startswith("https:") else ()
    return (*HEADERS, *insist)


def own_headers(common: tuple[tuple[str, str], ...]) -> Callable[[], list[tuple[str, str]]]:
    """Return what gives the headers of an answer that the API never sees: a preflight's, or a last failure's."""
    return lambda: [*common, ("X-Request-Id", str(uuid.uuid4()))]


def make_policy(page_origin: str, *, timing: bool = False) -> Policy:
    """Return what the page may do: everything this API has, and no cookies, since there are none.

    timing  whether the page may see how long an answer took, and what of that was ours (Server-Timing)
    """
    return Policy(
        origins=[page_origin],
        methods=["PUT", "PATCH", "DELETE"],
        request_headers=["Authorization", "Content-Type", "Idempotency-Key", "If-Match", "If-None-Match"],
        response_headers=[
            "ETag",
            "Idempotency-Replayed",
            "Link",
            "Location",
            "RateLimit",
            "RateLimit-Policy",
            "Retry-After",
            "WWW-Authenticate",
            "X-Request-Id",
        ],
        max_age=600,
        timing=timing,
    )
