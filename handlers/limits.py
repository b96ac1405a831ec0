"""Limits on the wire: who is counted, and what is told of it (RFC 6585 §4, the RateLimit header fields' draft).

    RateLimit-Policy: "login-address";q=20;w=60      twenty in sixty seconds
    RateLimit: "login-address";r=3;t=42              three are left, and in 42 seconds all are back

This file knows addresses and headers; what is counted is in `shop/limits.py`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

from dada.app import Request
from dada.problems import HTTPProblem
from shop import limits
from shop.limits import Place, Standing, TooMany
from shop.services import Services
from shop.settings import Network

__all__ = ["address_of", "is_in", "limited", "place_of", "prefix", "take"]

_PREFIX: Final = {4: 24, 6: 48}


def address_of(request: Request, proxies: tuple[Network, ...]) -> str:
    """Return the address that the request comes from, "" if there is none.

    A proxy that is trusted says for whom it speaks, at the right end of X-Forwarded-For; what stands further left
    anybody may have written (RFC 7239 §8.1 says the same of its successor).
    """
    told = [part.strip() for part in (request.header("X-Forwarded-For") or "").split(",") if part.strip()]
    address = str(request.environ.get("REMOTE_ADDR", ""))
    while told and is_in(address, proxies):
        address = told.pop()
    return address


def _parsed(address: str) -> IPv4Address | IPv6Address | None:
    """Return an address as a proxy writes it: with a port, in brackets, IPv4 inside IPv6; None for what is none."""
    bare = address.partition("]")[0].removeprefix("[")
    if bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        parsed = ip_address(bare)
    except ValueError:
        return None
    return (parsed.ipv4_mapped or parsed) if isinstance(parsed, IPv6Address) else parsed


def is_in(address: str, networks: tuple[Network, ...]) -> bool:
    """Whether *address* is in one of *networks*; a unix socket, which has none, is if any proxy is trusted."""
    if not address:  # a unix socket: whoever may open it is a proxy of ours
        return bool(networks)
    parsed = _parsed(address)
    return parsed is not None and any(parsed in network for network in networks)


def prefix(address: str, bits_of: dict[int, int] = _PREFIX) -> str:
    """Return the network of an address: /24 of IPv4, /48 of IPv6; "" for what is no address."""
    parsed = _parsed(address)
    return str(ip_network((parsed, bits_of[parsed.version]), strict=False)) if parsed else ""


def place_of(services: Services, request: Request) -> Place:
    """Return where the request comes from, and goes; of IPv6 a /64 is one address: one subscriber has all of it."""
    address = address_of(request, services.settings.trusted_proxies)
    return Place(prefix(address, {4: 32, 6: 64}) or "unknown", prefix(address) or "unknown", request.route)


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
