"""Origins as browsers write them, and patterns of origins by whole labels (RFC 6454 §4, §6.2).

    https://app.shop.example          one origin: scheme, host, port, compared byte for byte
    https://*.shop.example            one or more labels before shop.example, never shop.example itself
    http://localhost:*                any port, and none
    *                                 any origin (only as the whole list)

There are no regular expressions, no prefixes and no suffixes of texts: those are how `evilshop.example` and
`shop.example.evil.example` got in elsewhere (CVE-2026-37737, GHSA-vhxv-fg4m-p2w8).  An Origin header is taken
apart as strictly as a pattern is, and whatever a browser would not write matches nothing.

This file knows texts; it does not know requests or policies.
"""

import functools
import ipaddress
import re
import unicodedata
from collections.abc import Iterable
from importlib import resources
from typing import NamedTuple

from dada.errors import Problem

__all__ = ["ANY", "MAX_ORIGIN", "Origin", "OriginPattern", "Origins", "is_public_suffix", "parse_origin"]

ANY = "*"
MAX_ORIGIN = 300  # characters: a scheme, a host of 253 and a port are fewer

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*")
_LABEL = re.compile(r"[a-z0-9_-]{1,63}")
_PORT = re.compile(r"[1-9][0-9]{0,4}")
_DEFAULT_PORTS = {"http": "80", "https": "443", "ws": "80", "wss": "443", "ftp": "21"}


class Origin(NamedTuple):
    """The parts of a serialized origin; *port* is "" where it is the scheme's own."""

    scheme: str
    host: str
    port: str


def parse_origin(text: str) -> Origin | None:
    """Return the parts of *text*, or None for whatever a browser would not send (RFC 6454 §6.2).

    "null" is no origin here: it is what anybody's sandboxed frame says.
    """
    return None if _fault(text) else _split(text)


class OriginPattern(NamedTuple):
    """A family of origins: any labels before *host* if *subdomains*, any port if *port* is "*"."""

    scheme: str
    host: str
    port: str
    subdomains: bool

    def matches(self, origin: Origin) -> bool:
        """Whether *origin* belongs to the family."""
        if origin.scheme != self.scheme or self.port not in (ANY, origin.port):
            return False
        return origin.host.endswith("." + self.host) if self.subdomains else origin.host == self.host


class Origins:
    """A list of origins and patterns, proved when it is made; *problems* says what is wrong with it.

    any        whether it is ["*"]
    """

    def __init__(self, written: Iterable[str]) -> None:
        self.problems: list[Problem] = []
        self.exact: set[str] = set()
        self.patterns: list[OriginPattern] = []
        self.any = False
        texts = list(written)
        if not texts:
            why, fix = "it would let nobody in", 'name the origins, or ["*"]'
            self.problems.append(Problem("origins-empty", "origins", "[]", why, fix, "Fetch §3.3"))
        for text in texts:
            if text == ANY:
                self.any = True
            elif problem := _problem(text):
                self.problems.append(problem)
            elif ANY in text:
                self.patterns.append(_pattern(text))
            else:
                self.exact.add(text)
        if self.any and len(texts) > 1:
            why, fix = "* covers every other origin", 'either ["*"] or a list'
            self.problems.append(Problem("origins-any-and-more", "origins", "*", why, fix, "Fetch §3.3.4"))

    def contain(self, text: str) -> bool:
        """Whether an Origin header of *text* is let in."""
        if self.any:
            return True
        if text in self.exact:
            return True
        origin = parse_origin(text) if self.patterns else None
        return origin is not None and any(pattern.matches(origin) for pattern in self.patterns)

    def all(self) -> list[OriginPattern]:
        """Return exact origins and patterns alike as patterns, in order of their texts."""
        return sorted([OriginPattern(*_split(text), subdomains=False) for text in self.exact] + self.patterns)


def is_loopback(host: str) -> bool:
    """Whether *host* never leaves the machine: localhost and its subdomains, 127.0.0.0/8, [::1]."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


# --- grammar ---------------------------------------------------------------------------------------------


def _split(text: str) -> Origin:
    """Cut *text* into its parts, whatever they are."""
    scheme, _, rest = text.partition("://")
    host, colon, port = rest.rpartition(":") if not rest.endswith("]") else (rest, "", "")
    return Origin(scheme, host, port) if colon else Origin(scheme, rest, "")


def _pattern(text: str) -> OriginPattern:
    scheme, host, port = _split(text)
    return OriginPattern(scheme, host.removeprefix("*."), port, host.startswith("*."))


def _fault(text: object) -> tuple[str, str, str] | None:
    """Return (code, why, fix) for the first thing that keeps *text* from being a serialized origin."""
    if not isinstance(text, str):
        return "no-text", "an origin is a text", "a str"
    if text == "null":
        return "null", "null is what every sandboxed frame and data: URL says: anybody", "the page's own origin"
    if not text or len(text) > MAX_ORIGIN:
        return "length", "no origin is empty, or as long as this", "one origin for each element"
    if not text.isascii():
        return "unicode", "browsers send hosts in their ASCII spelling", "the xn-- form"
    scheme, colon, rest = text.partition("://")
    if not colon or not _SCHEME.fullmatch(scheme):
        lower = colon and _SCHEME.fullmatch(scheme.lower())
        return ("upper-case", *_LOWER) if lower else ("scheme", "there is no scheme before ://", f"https://{text}"[:60])
    if scheme == "file":
        return "file", "a file's origin is sent as null", "serve the page over http"
    for mark, code, why in _FOREIGN:
        if mark in rest:
            return code, why, "scheme://host or scheme://host:port"
    host, port = _split(text)[1:]
    return _port_fault(scheme, rest, host, port) or _host_fault(host)


_LOWER = ("browsers send schemes and hosts in lower case", "lower case")
_FOREIGN = (
    (",", "list", "several origins stand in one text"),
    (" ", "blank", "an origin has no blanks"),
    ("@", "userinfo", "an origin has no user name"),
    ("?", "query", "an origin has no query"),
    ("#", "fragment", "an origin has no fragment"),
    ("/", "path", "an origin ends after host and port, without a slash or a path"),
)


def _port_fault(scheme: str, rest: str, host: str, port: str) -> tuple[str, str, str] | None:
    if rest != host + (f":{port}" if port else ""):
        return "port", "a colon without a port", "leave the colon out"
    if port and not (_PORT.fullmatch(port) and int(port) <= 65535):
        return "port", "a port is a number from 1 to 65535 without leading zeros", "such a number"
    if port == _DEFAULT_PORTS.get(scheme, ""):
        return ("default-port", "browsers leave the scheme's own port out", f"{scheme}://{host}") if port else None
    return None


def _host_fault(host: str) -> tuple[str, str, str] | None:
    if host.startswith("[") or host.endswith("]"):
        return None if _is_ipv6(host) else ("ipv6", "browsers write IPv6 addresses compressed, in brackets", "[::1]")
    labels = host.split(".")
    if host != host.lower() and all(map(_LABEL.fullmatch, host.lower().split("."))):
        return ("upper-case", *_LOWER)
    if len(host) > 253 or not all(map(_LABEL.fullmatch, labels)):
        return "host", "this is no host name as browsers write it", "labels of letters, digits and hyphens"
    if labels[-1].isdigit() or re.fullmatch(r"0x[0-9a-f]*", labels[-1]):  # a host that ends so is an address
        return None if _is_ipv4(host) else ("ipv4", "browsers write IPv4 addresses as four numbers", "127.0.0.1")
    if not all(map(_is_a_label, labels)):
        return "punycode", "an xn-- label that spells no Unicode label", "the spelling that the address bar gives"
    return None


def _is_ipv4(host: str) -> bool:
    try:
        return str(ipaddress.IPv4Address(host)) == host
    except ValueError:
        return False


def _is_ipv6(host: str) -> bool:
    try:
        address = ipaddress.IPv6Address(host[1:-1])
    except ValueError:
        return False
    return f"[{address.compressed}]" == host and address.ipv4_mapped is None and address.scope_id is None


def _is_a_label(label: str) -> bool:
    """Whether *label*, if it begins with xn--, spells a Unicode label in lower case (RFC 5891 §5.4)."""
    if not label.startswith("xn--"):
        return True
    try:
        unicode = label[4:].encode("ascii").decode("punycode")
        again = unicode.encode("punycode").decode("ascii")
    except (UnicodeError, OverflowError):
        return False
    visible = unicode.replace("\u200c", "").replace("\u200d", "")  # the two joiners are letters to some scripts
    lower = unicodedata.normalize("NFC", unicode.lower())
    return again == label[4:] and not unicode.isascii() and visible.isprintable() and lower == unicode


# --- what a policy may not say ---------------------------------------------------------------------------


def _problem(text: object) -> Problem | None:
    """Return what is wrong with an element of a list of origins, or None."""
    plain = text
    if isinstance(text, str) and ANY in text:
        scheme, host, port = _split(text)
        plain = f"{scheme}://" + host.removeprefix("*.") + (f":{port}" if port not in ("", ANY) else "")
        if ANY in plain:
            why, fix = "* stands for whole labels at the front of a host, or for a port", "https://*.shop.example"
            return Problem("origin-wildcard", "origins", text[:80], why, fix, "Fetch §3.3.4")
        address = host.endswith("]") or host.rpartition(".")[2].isdigit()
        if host.startswith("*.") and (address or scheme not in ("http", "https")):
            why, fix = "only names have subdomains", "the origin itself"
            return Problem("origin-wildcard", "origins", text[:80], why, fix, "RFC 6454 §4")
        if len(host) > 253:
            why, fix = "no host is as long as a label before this one", "a shorter host"
            return Problem("origin-length", "origins", text[:80], why, fix, "RFC 1035 §2.3.4")
    if fault := _fault(plain):
        code, why, fix = fault
        return Problem(f"origin-{code}", "origins", ascii(text)[:80], why, fix, "RFC 6454 §6.2")
    return None


def is_public_suffix(host: str) -> bool:
    """Whether anybody may register names below *host*, or below its subdomains: com, co.uk, github.io.

    The list's rules (publicsuffix.org): a name, "*." for any one label before it, "!" for an exception.
    """
    rules = _public_suffixes()
    if is_loopback(host) or f"!{host}" in rules:
        return False
    parent = host.partition(".")[2]
    return not parent or not rules.isdisjoint({host, f"*.{parent}", f"*.{host}"})


@functools.cache
def _public_suffixes() -> frozenset[str]:
    lines = resources.files("dada").joinpath("public_suffixes.txt").read_text("ascii").splitlines()
    return frozenset(line for line in lines if not line.startswith("#"))
