"""Origins that look trusted and are not: what the scanners of CORS try (Fetch §3.3, RFC 6454 §4).

How to read this file: STRANGERS is a table of families; each makes its origins of one that is trusted, by one of the
mistakes that services make when they compare: by prefix, by suffix, with an unescaped dot.

This file knows texts; it does not know who is asked.
"""

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from dada.cors_rules import SHARED_HOSTS, Severity
from dada.origins import is_loopback, is_public_suffix, parse_origin

__all__ = ["STRANGER", "STRANGERS", "Strangers"]

STRANGER: Final = "https://stranger.invalid"  # a name that nobody can register (RFC 2606 §2)
_EVIL: Final = STRANGER.removeprefix("https://")


class Strangers(NamedTuple):
    """A family of origins that a service should not let in, made of one that it trusts.

    severity  None where it depends: high if credentials come along, else medium
    """

    code: str
    clause: str
    why: str
    fix: str
    origins: Callable[[str], Iterable[str]]
    severity: Severity | None = None


def _parts(base: str) -> tuple[str, str, str]:
    """Return scheme, host and ":port" of an origin that was read before."""
    scheme, host, port = parse_origin(base) or ("", "", "")
    return scheme, host, f":{port}" if port else ""


def _is_name(host: str) -> bool:
    return not (host.startswith("[") or host.rpartition(".")[2].isdigit())


def _prefixes(base: str) -> list[str]:
    scheme, host, _ = _parts(base)
    return [f"{base}.{_EVIL}", f"{base}{_EVIL}", f"{scheme}://{host}.{_EVIL}", f"{scheme}://{host}:8443.{_EVIL}"]


def _suffixes(base: str) -> list[str]:
    scheme, host, port = _parts(base)
    return [f"{scheme}://{evil}{_registered(host)}{port}" for evil in ("evil", "evil-")]


def _registered(host: str) -> str:
    """Return the name that somebody registered, of which *host* is a part: what ends so can be registered too."""
    parent = host.partition(".")[2]
    return host if not _is_name(host) or not parent or is_public_suffix(parent) else _registered(parent)


def _dots(base: str) -> list[str]:
    scheme, host, port = _parts(base)
    dots = [at for at, char in enumerate(host) if char == "."]
    return [f"{scheme}://{host[:at]}{other}{host[at + 1 :]}{port}" for at in dots for other in "x-"]


def _substrings(base: str) -> list[str]:
    scheme, host, port = _parts(base)
    return [f"{scheme}://{host[:-1]}", base[1:], f"{host}{port}", f"{scheme}://"]


def _special(base: str) -> list[str]:
    scheme, host, _ = _parts(base)
    after = [f"{scheme}://{host}{mark}.{_EVIL}" for mark in "_-!#$%&'()*+,;=:?@[]\\^`{|}~\"<>"]
    encoded = [f"{scheme}://{host}%{code:02x}.{_EVIL}" for code in (0, 9, 10, 13, 32, 35, 46, 47, 64, 96, 127)]
    return after + encoded + [f"{scheme}://{_EVIL}{mark}{host}" for mark in "#?/\\@!`,;&%"]


def _subdomains(base: str) -> list[str]:
    scheme, host, port = _parts(base)
    below = [f"{label}.{host}" for label in ("www", "evil", "a.b")]
    beside = [f"evil{host}", f"evil.{_registered(host)}"] if host != _registered(host) else []
    return [f"{scheme}://{other}{port}" for other in below + beside] if _is_name(host) else []


def _downgraded(base: str) -> list[str]:
    scheme, host, port = _parts(base)
    return [f"http://{host}{port}", f"http://{host}"] if scheme == "https" else []


def _ports(base: str) -> list[str]:
    scheme, host, _ = _parts(base)
    return [f"{scheme}://{host}{port}" for port in ("", ":8443", ":3000", ":65535")]


def _loopback(base: str) -> list[str]:
    local = ["http://localhost", "http://localhost:3000", "http://127.0.0.1", "http://127.0.0.1:8080", "http://[::1]"]
    return [] if is_loopback(_parts(base)[1]) else local


def _third_parties(_: str) -> list[str]:
    return [f"https://{host}" for host in (*sorted(SHARED_HOSTS), "stranger.github.io", "stranger.pages.dev")]


def _rewritten(base: str) -> list[str]:
    scheme, host, port = _parts(base)
    lists = [f"{base},{STRANGER}", f"{STRANGER}, {base}", f"{base} {STRANGER}", f"{base};{STRANGER}", f"{base},{base}"]
    default = {"https": ":443", "http": ":80"}.get(scheme, ":80")
    ports = [f"{scheme}://{host}{other}" for other in (default, ":", ":0", ":99999")]
    loud = [base.upper(), f"{scheme.upper()}://{host}{port}", f"{scheme}://{host.upper()}{port}"]
    return [*loud, f"{base}/", f"{base}?", f"{scheme}://{host}.{port}", f"//{host}{port}", *ports, *lists, ""]


STRANGERS: Final = (
    Strangers(
        "any-origin-reflected", "Fetch §3.3.5", "it lets in whoever asks", "compare with a list of whole origins",
        lambda _: [STRANGER, f"http://{_EVIL}", "https://x"],
    ),
    Strangers(
        "null", "Fetch §2.2.5", "null is what every sandboxed frame and data: URL says: anybody", "never let null in",
        lambda _: ["null"],
    ),
    Strangers(
        "prefix", "Fetch §4.10 step 4", "it compares the beginning only: anybody's domain can begin so",
        "compare whole origins", _prefixes,
    ),
    Strangers(
        "suffix", "Fetch §4.10 step 4", "it compares the end only: anybody can register a name that ends so",
        "compare whole origins, or whole labels", _suffixes,
    ),
    Strangers(
        "unescaped-dot", "Fetch §4.10 step 4", "a dot of its regular expression stands for any character",
        "compare whole origins, without regular expressions", _dots,
    ),
    Strangers(
        "substring", "Fetch §4.10 step 4", "it looks for the origin within a text: a list was meant, a text was given",
        "compare with each element of a list", _substrings,
    ),
    Strangers(
        "special-characters", "Fetch §3.2", "a character that no host of its own has leads its reading astray",
        "compare whole origins", _special,
    ),
    Strangers(
        "any-subdomain", "RFC 6454 §8.2", "one subdomain taken over, or open to others' pages, is as good as all",
        "name the hosts", _subdomains,
    ),
    Strangers(
        "http-downgrade", "RFC 6454 §8.1", "whoever sits between can be this page", "let https in only", _downgraded,
    ),
    Strangers("any-port", "RFC 6454 §8.2", "every service of the host is let in", "name the port", _ports),
    Strangers(
        "loopback", "RFC 6454 §8.2", "whatever runs on the user's own machine is let in",
        "leave the developer's origins to the developer's configuration", _loopback,
    ),
    Strangers("third-party", "RFC 6454 §8.2", "anybody publishes pages there", "a host of one's own", _third_parties),
    Strangers(
        "loose-comparison", "RFC 6454 §6.2", "it lets in what no browser writes: the next loosening lets somebody in",
        "compare byte for byte", _rewritten, "low",
    ),
)  # fmt: skip
