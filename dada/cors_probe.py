"""The scanners' probes: whom a service lets in that it should not, and what it says that no answer should (Fetch §3.3).

How to read this file: CHECKS is a table of what may stand in no answer.  `probe` asks a service in the name of
strangers (`cors_strangers.py`) and of pages that are trusted, looks at everything it heard with that table, and
compares answers with each other.

Only GET and OPTIONS are asked for, without credentials and without a body: an honest service changes nothing for them.

This file knows a service as a function from requests to answers (`fetch.Server`); it sends nothing itself, and does
not know what is behind the service.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Literal, NamedTuple

from dada.cors_policy import MAX_ASKED
from dada.cors_rules import SEVERITIES, Finding, PolicyError, Severity, age_findings
from dada.cors_strangers import STRANGER, STRANGERS
from dada.fetch import Answer, Server
from dada.fetch_checks import cors_check, get, preflight_check
from dada.headers import CORS_RESPONSE_HEADERS, is_forbidden_method, shown, split_list
from dada.origins import ANY, OriginPattern, Origins, parse_origin

__all__ = ["CHECKS", "CODES", "Check", "Heard", "probe"]

_RAW: Final = "x-asked, <asked>"  # its second element is no token
_LONG: Final = ",".join(f"x-{number:04}" for number in range(MAX_ASKED // 6))

_ORIGIN, _CREDENTIALS = "access-control-allow-origin", "access-control-allow-credentials"
_METHODS, _HEADERS = "access-control-allow-methods", "access-control-allow-headers"
_EXPOSED, _AGE = "access-control-expose-headers", "access-control-max-age"
_NETWORK = "access-control-allow-private-network"


# --- what no answer may say ------------------------------------------------------------------------------


class Heard(NamedTuple):
    """One question and its answer.

    kind   "actual" (GET), "preflight", or "options" for an OPTIONS that is no preflight
    asked  Access-Control-Request-Headers
    """

    kind: Literal["actual", "preflight", "options"]
    origin: str | None
    asked: str | None
    answer: Answer

    def get(self, name: str) -> str | None:
        """Return all lines of a header of the answer, joined."""
        return get(self.answer.headers, name)

    def names(self, name: str) -> list[str]:
        """Return the elements of a list header of the answer, lower-case; none where the list is void."""
        return [element.lower() for element in split_list(self.get(name) or "") or []]

    def lets_in(self, origin: str) -> bool:
        """Whether the answer names *origin* itself, so that a page of it may read."""
        return self.get(_ORIGIN) == origin


class Check(NamedTuple):
    """Something that may stand in no answer: *sees* returns what is wrong with one, or None."""

    code: str
    severity: Severity
    clause: str
    why: str
    fix: str
    sees: Callable[[Heard], str | None]


def _several(heard: Heard) -> str | None:
    value = heard.get(_ORIGIN)
    return f"Access-Control-Allow-Origin: {value}" if value and "," in value and value != heard.origin else None


def _no_origin(heard: Heard) -> str | None:
    value = heard.get(_ORIGIN)
    if value is None or "," in value or value in (ANY, "null", heard.origin) or parse_origin(value):
        return None
    return f"Access-Control-Allow-Origin: {value}"


def _any_with_credentials(heard: Heard) -> str | None:
    with_them = heard.get(_ORIGIN) == ANY and heard.get(_CREDENTIALS) == "true"
    return "Access-Control-Allow-Origin: * with Access-Control-Allow-Credentials: true" if with_them else None


def _not_true(heard: Heard) -> str | None:
    value = heard.get(_CREDENTIALS)
    return f"Access-Control-Allow-Credentials: {value}" if value not in (None, "true") else None


def _told(heard: Heard, *names: str) -> str | None:
    there = [f"{name}: {value}" for name in names if (value := heard.get(name)) is not None]
    return f"{'; '.join(there)}, to Origin: {heard.origin or 'none'}" if there else None


def _granted_to_denied(heard: Heard) -> str | None:
    denied = heard.origin is not None and heard.get(_ORIGIN) is None
    return _told(heard, _CREDENTIALS, _EXPOSED) if denied else None


def _disclosed_to_denied(heard: Heard) -> str | None:
    denied = heard.kind == "preflight" and heard.get(_ORIGIN) is None
    return _told(heard, _METHODS, _HEADERS, _AGE) if denied else None


def _void_list(heard: Heard) -> str | None:
    for name in (_METHODS, _HEADERS, _EXPOSED):
        if split_list(value := heard.get(name) or "") is None and heard.asked != _RAW:
            return f"{name}: {value}"
    return None


def _forbidden(heard: Heard) -> str | None:
    named = [name for name in heard.names(_METHODS) if is_forbidden_method(name)]
    return f"{_METHODS}: {', '.join(named)}" if named else None


def _any_name_with_credentials(heard: Heard) -> str | None:
    with_them = heard.get(_CREDENTIALS) == "true"
    named = [name for name in (_METHODS, _HEADERS, _EXPOSED) if ANY in heard.names(name)]
    return f"{', '.join(named)}: *" if named and with_them else None


def _authorization(heard: Heard) -> str | None:
    names = heard.names(_HEADERS)
    asked = heard.kind == "preflight" and heard.asked == "authorization"
    return f"{_HEADERS}: *" if asked and ANY in names and "authorization" not in names else None


def _echoed_raw(heard: Heard) -> str | None:
    value = heard.get(_HEADERS) or ""
    return f"{_HEADERS}: {value}" if heard.asked == _RAW and "<asked>" in value else None


def _echoed_unbounded(heard: Heard) -> str | None:
    size = len(heard.get(_HEADERS) or "")
    return f"{size} characters of {_HEADERS}" if heard.asked == _LONG and size >= len(_LONG) else None


def _no_age(heard: Heard) -> str | None:
    value = heard.get(_AGE)
    return None if value is None or re.fullmatch("[0-9]+", value) else f"{_AGE}: {value}"


CHECKS: Final = (
    Check(
        "several-origins", "medium", "Fetch §3.3.4", "a browser joins the lines and finds no origin: nobody may read",
        "one line with one origin; look for a proxy that adds its own", _several,
    ),
    Check(
        "no-origin", "low", "Fetch §3.3.4", "this is no origin, and lets nobody in", "say nothing to those not let in",
        _no_origin,
    ),
    Check(
        "any-origin-with-credentials", "medium", "Fetch §3.3.5",
        "browsers refuse the two together; whoever mends it by echoing lets everybody act as the user",
        "name the origins, or do without credentials", _any_with_credentials,
    ),
    Check(
        "credentials-not-true", "low", "Fetch §3.3.4", "only the four letters true are read", "true, or no header",
        _not_true,
    ),
    Check(
        "granted-to-denied", "low", "Fetch §3.3.3", "who may not read is told what credentials and headers there are",
        "these only beside Access-Control-Allow-Origin", _granted_to_denied,
    ),
    Check(
        "disclosed-to-denied", "low", "Fetch §3.3.3", "who may not ask is told what could be asked",
        "a refused preflight says nothing", _disclosed_to_denied,
    ),
    Check(
        "void-list", "medium", "Fetch §3.3.4", "one element is no name, and voids the whole list",
        "names divided by commas", _void_list,
    ),
    Check("forbidden-method", "low", "Fetch §2.2.1", "no page may use this method", "leave it out", _forbidden),
    Check(
        "any-name-with-credentials", "low", "Fetch §3.3.4",
        "beside credentials * is an ordinary name, and lets nothing in",
        "list the names", _any_name_with_credentials,
    ),
    Check(
        "authorization-not-covered", "low", "Fetch §2.2.2",
        "* never covers Authorization; Chromium lets it through as yet, others do not", "list Authorization by name",
        _authorization,
    ),
    Check(
        "asked-echoed-raw", "medium", "Fetch §3.3.4", "what was asked comes back unread, whatever it is",
        "answer with names that were read and let in", _echoed_raw,
    ),
    Check(
        "asked-echoed-unbounded", "low", "CVE-2025-47908", "work and answer grow with what anybody asks",
        "refuse a list that is longer than any browser's", _echoed_unbounded,
    ),
    Check(
        "max-age-malformed", "low", "Fetch §4.8", "what is no whole number counts as five seconds",
        "seconds, in digits", _no_age,
    ),
    Check(
        "private-network", "low", "CVE-2024-6221",
        "Private Network Access is withdrawn: the header opens what nobody asks for", "leave it out",
        lambda heard: f"{_NETWORK}: {heard.get(_NETWORK)}" if heard.get(_NETWORK) is not None else None,
    ),
    Check(
        "options-taken-for-preflight", "low", "Fetch §3.3.2",
        "a preflight is OPTIONS with Origin and Access-Control-Request-Method; this was an ordinary request",
        "hand it to the application",
        lambda heard: _told(heard, _METHODS, _HEADERS, _AGE) if heard.kind == "options" else None,
    ),
)  # fmt: skip


# --- a service, asked ------------------------------------------------------------------------------------

_COMPARED: Final = (
    "any-origin", "max-age-absent", "max-age-capped", "preflight-fails", "trusted-denied", "unreadable", "vary-missing",
)  # fmt: skip
CODES: Final = frozenset({entry.code for entry in (*STRANGERS, *CHECKS)} | {*_COMPARED})


class _Service:
    """A service, and everything that was heard of it."""

    def __init__(self, ask: Server) -> None:
        self._ask, self.heard = ask, list[Heard]()

    def get(self, origin: str | None) -> Heard:
        return self._keep("GET", "actual", origin, None, ())

    def preflight(self, origin: str, asked: str | None = None, *more: tuple[str, str]) -> Heard:
        names = [("Access-Control-Request-Headers", asked)] if asked else []
        return self._keep(
            "OPTIONS", "preflight", origin, asked, (("Access-Control-Request-Method", "GET"), *names, *more)
        )

    def options(self, origin: str | None, *more: tuple[str, str]) -> Heard:
        return self._keep("OPTIONS", "options", origin, None, more)

    def _keep(
        self, method: str, kind: Literal["actual", "preflight", "options"], origin: str | None, asked: str | None,
        more: Sequence[tuple[str, str]],
    ) -> Heard:  # fmt: skip
        said = [("Origin", origin)] if origin is not None else []
        self.heard.append(Heard(kind, origin, asked, self._ask(method, (*said, *more))))
        return self.heard[-1]


def probe(
    ask: Server, trusted: Iterable[str], missing: Server | None = None, *, near: Iterable[str] = ()
) -> list[Finding]:
    """Return what is wrong with the service that *ask* asks, the worst first; each thing is told once.

    trusted  the origins that it is meant to let in: origins, patterns, or ["*"], as in a Policy
    missing  asks the same service for something that it does not have
    near     origins whose neighbours are tried too, although nothing is expected of themselves

    Raise :exc:`PolicyError` if an origin is none, and whatever the two functions raise.
    """
    meant, beside = Origins(trusted := list(trusted)), list(near)
    problems = (meant.problems if trusted else []) + (Origins(beside).problems if beside else [])
    if problems:
        raise PolicyError(problems)
    pages = [STRANGER] if meant.any else [_member(pattern) for pattern in meant.all()]
    service, elsewhere = _Service(ask), _Service(missing) if missing else None
    findings = _let_in(service, meant, [*pages, *beside])
    readers = []
    for page in pages:
        told, reads = _expected(service, elsewhere, page)
        findings += told
        readers += [page] if reads else []
    for page in (readers or pages or [STRANGER])[:1]:
        for asked in ("authorization", _RAW, _LONG):
            service.preflight(page, asked)
        service.options(page)
    service.get(None)
    service.options(None, ("Access-Control-Request-Method", "GET"))
    for page in (*pages[:1], STRANGER):
        service.preflight(page, None, ("Access-Control-Request-Private-Network", "true"))
    for one in (service, elsewhere) if elsewhere else (service,):
        findings += _looked_at(one.heard, meant)
    return _worst_first(findings)


def _member(pattern: OriginPattern) -> str:
    """Return an origin of the family."""
    port = {"": "", ANY: ":3000"}.get(pattern.port, f":{pattern.port}")
    return f"{pattern.scheme}://{'www.' if pattern.subdomains else ''}{pattern.host}{port}"


def _let_in(service: _Service, meant: Origins, around: list[str]) -> list[Finding]:
    """Return a finding for each family of which a member is let in; of whoever lets everybody in, that alone."""
    findings = []
    for family in STRANGERS:
        tried = dict.fromkeys(origin for base in around or [STRANGER] for origin in family.origins(base))
        heard = [
            answer
            for origin in tried
            if meant.any or not (meant.contain(origin) or origin in around)
            for answer in (service.get(origin), service.preflight(origin))
            if answer.lets_in(origin) and (not meant.any or answer.get(_CREDENTIALS) == "true")
        ]
        if not heard:
            continue
        with_credentials = any(answer.get(_CREDENTIALS) == "true" for answer in heard)
        names = list(dict.fromkeys(answer.origin for answer in heard))
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        kinds = " and ".join(sorted({"GET" if answer.kind == "actual" else "preflight" for answer in heard}))
        value = f"{names[0]}{more}, by {kinds}{', with credentials' if with_credentials else ''}"
        severity = family.severity or ("high" if with_credentials else "medium")
        findings.append(Finding(family.code, severity, value, family.why, family.fix, family.clause))
        if family is STRANGERS[0]:
            break
    return findings


def _expected(service: _Service, elsewhere: _Service | None, page: str) -> tuple[list[Finding], bool]:
    """Return what keeps a page that is trusted from what it may do, and whether it may read at all."""
    actual, asked = service.get(page), service.preflight(page)
    age, (status, headers, _) = asked.get(_AGE), asked.answer
    checked = preflight_check("GET", (), page, "omit", status, headers, always_asks=True)
    answers = [actual]
    if elsewhere and (lost := elsewhere.get(page)).answer.status >= 400:
        answers.append(lost)
    readable = [cors_check(page, "omit", answer.answer.headers).ok for answer in answers]
    if not (checked.ok or readable[0]):
        why, fix = "no page of it may read or ask; all is well if none should", "let it in, or do not trust it"
        return [Finding("trusted-denied", "note", page, why, fix, "Fetch §4.10")], False
    findings = []
    if not checked.ok:
        found = next(step for step in checked.steps if not step.ok)
        why, fix = "a page that may read may ask nothing else", "answer preflights before authentication and routing"
        findings.append(Finding("preflight-fails", "medium", f"{page}: {found.found}", why, fix, found.clause))
    elif age is None or re.fullmatch("[0-9]{1,15}", age):  # what is no number is a finding of CHECKS
        findings += age_findings(None if age is None else int(age))
    for answer, reads in zip(answers, readable, strict=True):
        if not reads:
            value = f"{page}: status {answer.answer.status}"
            why, fix = "the page cannot tell this answer from a broken line", "mark every answer, errors too"
            findings.append(Finding("unreadable", "medium", value, why, fix, "Fetch §3.3.3"))
    return findings, True


_VARYING: Final = CORS_RESPONSE_HEADERS | {"timing-allow-origin"}


def _looked_at(heard: list[Heard], meant: Origins) -> list[Finding]:
    """Return what the answers of one resource say that none should, and what they lack beside each other."""
    findings = [
        Finding(check.code, check.severity, shown(seen), check.why, check.fix, check.clause)
        for check in CHECKS
        for answer in heard
        if (seen := check.sees(answer)) is not None
    ]
    actual = [answer for answer in heard if answer.kind == "actual"]
    said = {tuple(sorted(h for h in answer.answer.headers if h[0].lower() in _VARYING)) for answer in actual}
    silent = [answer for answer in actual if not {"origin", ANY} & {*answer.names("vary")}]
    if len(said) > 1 and silent:
        value = f"Vary: {shown(silent[0].get('vary') or 'absent')}, to Origin: {silent[0].origin or 'none'}"
        why, fix = "a cache hands one page's answer to another", "Vary: Origin on every answer, also to the denied"
        findings.append(Finding("vary-missing", "medium", value, why, fix, "RFC 9110 §12.5.5"))
    if not meant.any and any(answer.get(_ORIGIN) == ANY for answer in heard):
        why, fix = "every page may read these answers: right for public data only", "name the origins"
        findings.append(Finding("any-origin", "note", "Access-Control-Allow-Origin: *", why, fix, "Fetch §3.3.5"))
    return findings


def _worst_first(findings: list[Finding]) -> list[Finding]:
    told: dict[str, Finding] = {}
    for finding in sorted(findings, key=lambda found: -SEVERITIES.index(found.severity)):
        told.setdefault(finding.code, finding)
    return list(told.values())
