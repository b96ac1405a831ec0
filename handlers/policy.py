"""The CORS policy: what the page, which is of another origin, may ask for and read (Fetch §3.3)."""

from dada.cors import Policy

__all__ = ["make_policy"]


def make_policy(page_origin: str) -> Policy:
    """Return what the page may do: everything this API has, and no cookies, since there are none."""
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
    )
