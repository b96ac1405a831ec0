"""Limits on the wire: who is counted, and what is told of it (RFC 6585 §4, the RateLimit header fields' draft).

    RateLimit-Policy: "login";q=20;w=60      twenty in sixty seconds
    RateLimit: "login";r=3;t=42              three are left, and in 42 seconds all are back

This file knows addresses and headers; what is counted is in `shop/limits.py`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address, ip_network
from typing import Final

from dada.app import Request
from dada.problems import HTTPProblem
from shop import limits
from shop.limits import Place, Standing, TooMany
from shop.services import Services
from shop.settings import Network

__all__ = ["address_of", "limited", "place_of", "prefix", "take"]

_PREFIX: Final = {4: 24, 6: 48}


def address_of(request: Request, proxies: tuple[Network, ...]) -> str:
    """Return the address that the request comes from, "" if there is none.

    A proxy that is trusted says for whom it speaks, at the right end of X-Forwarded-For; what stands further left
    anybody may have written (RFC 7239 §8.1 says the same of its successor).
    """
    told = [part.strip() for part in (request.header("X-Forwarded-For") or "").split(",") if part.strip()]
    address = str(request.environ.get("REMOTE_ADDR", ""))
    while told and _is_in(address, proxies):
        address = told.pop()
    return address


def _is_in(address: str, networks: tuple[Network, ...]) -> bool:
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in networks)


def prefix(address: str, bits_of: dict[int, int] = _PREFIX) -> str:
    """Return the network of an address: /24 of IPv4, /48 of IPv6; "" for what is no address."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return ""
    return str(ip_network((parsed, bits_of[parsed.version]), strict=False))


def place_of(services: Services, request: Request) -> Place:
    """Return where the request comes from; of IPv6 a /64 is one address, since one subscriber has all of it."""
    address = address_of(request, services.settings.trusted_proxies)
    return Place(prefix(address, {4: 32, 6: 64}), prefix(address))


def take(services: Services, request: Request, what: str, account: str = "") -> Place:
    """Count one *what*; the answer will tell how many are left.  Raise :exc:`HTTPProblem` (429)."""
    place = place_of(services, request)
    with limited():
        standing = limits.take(services, what, place, account)
    if standing:
        request.answer_headers += _headers(standing)
    return place


@contextmanager
def limited() -> Iterator[None]:
    """Turn a limit of the shop's inside into the problem that HTTP has for it: quota-exceeded."""
    try:
        yield
    except TooMany as error:
        standing = error.standing
        headers = [("Retry-After", str(standing.seconds)), *_headers(standing)]
        members = {"violated-policies": [standing.name]}
        raise HTTPProblem(
            "quota-exceeded",
            f"again in {standing.seconds} seconds",
            headers=headers,
            members=members,
            clause="RFC 6585 §4",
        ) from None


def _headers(standing: Standing) -> list[tuple[str, str]]:
    return [
        ("RateLimit", f'"{standing.name}";r={standing.left};t={standing.seconds}'),
        ("RateLimit-Policy", f'"{standing.name}";q={standing.quota};w={standing.window}'),
    ]
