"""What a CORS policy may not say, and what it had better not.

`prove` finds everything that can never work or cannot be safe, all at once: a policy with one such thing is
not made (Fetch §3.3, and the classes of misconfiguration that scanners look for).  `audit` finds what is legal
and risky: nothing there stops a policy, everything there is worth a second look.

This file knows what is written in a policy; it does not know requests.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal

from dada.errors import Misuse, Problem
from dada.headers import (
    CORS_RESPONSE_HEADERS,
    FORBIDDEN_RESPONSE_HEADERS,
    NON_WILDCARD_REQUEST_HEADERS,
    is_forbidden_method,
    is_forbidden_request_header,
    is_token,
    normalize_method,
)
from dada.origins import ANY, OriginPattern, Origins, is_loopback, is_public_suffix

__all__ = ["SEVERITIES", "SHARED_HOSTS", "Finding", "PolicyError", "Severity", "age_findings", "audit", "prove"]

Severity = Literal["note", "low", "medium", "high"]
SEVERITIES: Final[tuple[Severity, ...]] = ("note", "low", "medium", "high")

MAX_AGE: Final = 86400  # Firefox's cap, the longest of the three
_CAPS: Final = {"Chromium": 7200, "WebKit": 600}

# Hosts where anybody publishes pages under one origin, or under names that the public list does not hold.
SHARED_HOSTS = frozenset(
    {"codepen.io", "jsfiddle.net", "jsbin.com", "plnkr.co", "repl.it", "replit.com", "stackblitz.com"}
)
_REQUEST_ONLY = frozenset({"origin", "access-control-request-method", "access-control-request-headers"})


class PolicyError(Misuse):
    """A policy that cannot be right; *problems* tells everything that is wrong with it, at once."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something legal and risky: a stable *code*, how bad it may be, what it is, why it matters, what to do."""

    code: str
    severity: Severity
    value: str
    why: str
    fix: str
    clause: str = ""

    def __str__(self) -> str:
        return f"{self.severity}: {self.value}: {self.why} → {self.fix}"


# --- what may not be said --------------------------------------------------------------------------------


def prove(policy: Any) -> tuple[Origins, list[Problem]]:
    """Return the origins of *policy*, read, and every problem of its fields as they were written."""
    problems: list[Problem] = []
    lists = {}
    for field in ("origins", "methods", "request_headers", "response_headers"):
        lists[field], wrong = _list(field, getattr(policy, field))
        problems += wrong
    origins = Origins(lists["origins"] or ())
    problems += origins.problems if lists["origins"] is not None else []
    problems += _flags(policy)
    problems += _names("methods", lists["methods"] or (), _method_problem, also=frozenset())
    problems += _names(
        "request_headers", lists["request_headers"] or (), _request_header_problem, NON_WILDCARD_REQUEST_HEADERS
    )
    problems += _names("response_headers", lists["response_headers"] or (), _response_header_problem, also=frozenset())
    if policy.credentials is True:
        problems += _with_credentials(policy, origins, lists)
    return origins, problems


def _list(field: str, value: Any) -> tuple[tuple[Any, ...] | None, list[Problem]]:
    """Return *value* as a tuple; a text where a list is meant would be read letter by letter."""
    if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
        why, fix = "this is one thing where a list is meant", f"[{value!r}]"[:80]
        return None, [Problem("not-a-list", field, repr(value)[:80], why, fix)]
    return tuple(value), []


def _flags(policy: Any) -> list[Problem]:
    flags = ("credentials", "timing", "dangerously_allow_insecure_origins", "dangerously_allow_public_suffixes")
    problems = [
        Problem("not-a-bool", field, repr(getattr(policy, field))[:40], "this is yes or no", "True or False")
        for field in flags
        if type(getattr(policy, field)) is not bool
    ]
    if policy.disclosure not in ("minimal", "full"):
        why, fix = "there are two ways to answer a preflight", '"minimal" (what was asked) or "full" (the lists)'
        problems.append(Problem("disclosure", "disclosure", repr(policy.disclosure)[:40], why, fix, "Fetch §3.3.5"))
    age = policy.max_age
    if age is not None and not (type(age) is int and 0 <= age <= MAX_AGE):
        why, fix = "browsers read whole seconds, and none keeps a preflight longer than a day", "0 to 86400, or None"
        problems.append(Problem("max-age", "max_age", repr(age)[:40], why, fix, "Fetch §3.3.4"))
    return problems


def _names(field: str, names: Iterable[Any], problem: Any, also: frozenset[str]) -> list[Problem]:
    """Return the problems of a list of names; beside * only those in *also* say more."""
    names = tuple(names)
    problems = []
    for name in names:
        if not isinstance(name, str) or not is_token(name):
            why, fix = "this is no name that HTTP knows", "one token for each element"
            problems.append(Problem("not-a-token", field, ascii(name)[:80], why, fix, "RFC 9110 §5.6.2"))
        elif name == ANY:
            if more := [other for other in names if other != ANY and str(other).lower() not in also]:
                why, fix = f"* covers {more[0]!s:.40}", f'["{ANY}"] alone, or a list'
                problems.append(Problem("any-and-more", field, ANY, why, fix, "Fetch §3.3.4"))
        elif wrong := problem(name):
            code, why, fix, clause = wrong
            problems.append(Problem(code, field, name[:80], why, fix, clause))
    return problems


def _method_problem(name: str) -> tuple[str, str, str, str] | None:
    if is_forbidden_method(name):
        return "forbidden-method", "no page may use this method", "leave it out", "Fetch §2.2.1"
    if normalize_method(name) != name:
        return "method-case", "browsers send this method in upper case, and case counts", name.upper(), "Fetch §2.2.1"
    return None


def _request_header_problem(name: str) -> tuple[str, str, str, str] | None:
    if name.lower() in CORS_RESPONSE_HEADERS:
        return "response-header", "this stands in answers, not in requests", "leave it out", "Fetch §3.3.3"
    if is_forbidden_request_header(name):
        return "forbidden-header", "no page may set this header", "leave it out", "Fetch §2.2.2"
    return None


def _response_header_problem(name: str) -> tuple[str, str, str, str] | None:
    if name.lower() in FORBIDDEN_RESPONSE_HEADERS:
        return "forbidden-header", "no page may read cookies from an answer", "leave it out", "Fetch §2.2.6"
    if name.lower() in _REQUEST_ONLY:
        return "request-header", "this stands in requests, not in answers", "leave it out", "Fetch §3.3.2"
    if name.lower() in CORS_RESPONSE_HEADERS:
        return "protocol-header", "this is for the browser, not for the page", "leave it out", "Fetch §3.3.3"
    return None


def _with_credentials(policy: Any, origins: Origins, lists: dict[str, Any]) -> list[Problem]:
    """Return what cannot stand beside credentials=True."""
    problems = []
    if origins.any:
        why, fix = "any page could act as the user; browsers refuse the literal *", "name the origins"
        problems.append(Problem("any-origin-with-credentials", "origins", ANY, why, fix, "Fetch §3.3.5"))
    if ANY in (lists["response_headers"] or ()):
        why, fix = "with credentials * is an ordinary name, and exposes nothing", "name the headers"
        problems.append(Problem("any-exposed-with-credentials", "response_headers", ANY, why, fix, "Fetch §3.3.4"))
    for pattern in origins.all():
        if not policy.dangerously_allow_insecure_origins and _is_insecure(pattern):
            why = "whoever sits between could act as the user"
            fix = "https, or dangerously_allow_insecure_origins=True"
            problems.append(Problem("insecure-origin", "origins", _written(pattern), why, fix, "RFC 6454 §8.1"))
        if not policy.dangerously_allow_public_suffixes and pattern.subdomains and is_public_suffix(pattern.host):
            why = f"anybody may register a name below {pattern.host}"
            fix = "a domain of one's own, or dangerously_allow_public_suffixes=True"
            problems.append(Problem("public-suffix", "origins", _written(pattern), why, fix, "RFC 6454 §8.2"))
    return problems


def _is_insecure(pattern: OriginPattern) -> bool:
    return pattern.scheme != "https" and not is_loopback(pattern.host)


def _written(pattern: OriginPattern) -> str:
    port = f":{pattern.port}" if pattern.port else ""
    return f"{pattern.scheme}://{'*.' if pattern.subdomains else ''}{pattern.host}{port}"


# --- what had better not be said -------------------------------------------------------------------------


def audit(policy: Any, origins: Origins) -> list[Finding]:
    """Return what is legal and risky in a policy that was proved."""
    findings = [
        finding for pattern in origins.all() for finding in _origin_findings(pattern, credentials=policy.credentials)
    ]
    if origins.any:
        why, fix = "every page may read these answers: right for public data only", "name the origins"
        findings.append(Finding("any-origin", "note", "origins=*", why, fix, "Fetch §3.3.5"))
        if "authorization" in {name.lower() for name in policy.request_headers}:
            why, fix = "a page of any origin may send a stolen token", "name the origins that log in"
            findings.append(Finding("any-origin-authorization", "medium", "Authorization", why, fix, "Fetch §2.2.2"))
    for field in ("methods", "request_headers", "response_headers"):
        if ANY in getattr(policy, field):
            why, fix = "what is added later is granted unseen", "list the names"
            findings.append(Finding("any-name", "low", f"{field}=*", why, fix, "Fetch §3.3.4"))
    findings += [
        Finding(
            "method-patch",
            "low",
            name,
            "browsers do not upper-case it: pages must write it so",
            name.upper(),
            "Fetch §2.2.1",
        )
        for name in policy.methods
        if name != name.upper()
    ]
    findings += age_findings(policy.max_age)
    return findings


def age_findings(max_age: int | None) -> list[Finding]:
    """Return what browsers make of an Access-Control-Max-Age of so many seconds, None where it is absent."""
    if max_age is None:
        why, fix = "browsers then keep a preflight for five seconds", "max_age=600"
        return [Finding("max-age-absent", "note", "max_age=None", why, fix, "Fetch §4.8")]
    return [
        Finding(
            "max-age-capped",
            "note",
            f"max_age={max_age}",
            f"{browser} keeps it for {cap} s at most; a tightened policy takes as long to bite",
            f"max_age={cap}",
            "Fetch §4.9",
        )
        for browser, cap in _CAPS.items()
        if max_age > cap
    ]


def _origin_findings(pattern: OriginPattern, *, credentials: bool) -> Iterable[Finding]:
    text = _written(pattern)
    if _is_insecure(pattern):
        severity: Severity = "high" if credentials else "medium"
        yield Finding(
            "insecure-origin", severity, text, "whoever sits between can be this page", "https", "RFC 6454 §8.1"
        )
    if pattern.subdomains:
        severity = "high" if is_public_suffix(pattern.host) else "medium"
        why = "one subdomain taken over, or open to others' pages, is as good as all"
        yield Finding("any-subdomain", severity, text, why, "name the hosts", "RFC 6454 §8.2")
    if pattern.port == ANY and not is_loopback(pattern.host):
        yield Finding("any-port", "low", text, "every service of the host is let in", "name the port", "RFC 6454 §8.2")
    if pattern.host in SHARED_HOSTS or (
        not pattern.subdomains and is_public_suffix(pattern.host) and "." in pattern.host
    ):
        yield Finding(
            "shared-host", "high", text, "anybody publishes pages there", "a host of one's own", "RFC 6454 §8.2"
        )
