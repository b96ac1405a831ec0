"""The standards' rules that concern us, in our own words: a file for each standard, a table for each rule.

    [[rule]]
    clause = "§5.2 step 8"           a section, with a step where it has numbered ones; an appendix
    part = "a"                       only where one clause has several rules
    level = "MUST"                   or MUST NOT, SHOULD, SHOULD NOT, MAY; EXAMPLE for published test vectors,
                                     THREAT for a danger that is told of
    en = "…"                         the rule, in words of ours; a link leads to the standard's
    zh = "…"
    anchor = "cors-check"            where the link leads, if the section's number does not say it
    code = ["dada/jws.py:_length"]   what honours it, where no line of the code names the clause
    tests = ["tests/…py:test_…"]     what proves that
    not_ours = "…"                   or why it does not concern us
    deviates = "…"                   or why we do otherwise

Code and tests name clauses: "RFC 7515 §5.2 step 8", "RFC 6454 §4, §6.2", "RFC 7515 §5.2 steps 2-4".  Such a text is
a citation; `Specs.find` returns the rules that it means.  Who cites what is found by `sources.py`.

This file knows the tables and the grammar of citations; it does not know the code that cites.
"""

import functools
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from dada.errors import Misuse, Problem

__all__ = ["Citation", "Rule", "Specs", "Standard", "citations_in", "read_specs"]

LEVELS: Final = ("MUST", "MUST NOT", "SHOULD", "SHOULD NOT", "MAY", "EXAMPLE", "THREAT")

_STANDARD = r"RFC\s*[0-9]{4,5}|PEP\s+[0-9]{4}|UTS\s+#[0-9]+|(?:Fetch|URL|XHR)(?=\s+§)"
_PLACE = r"(?:§[0-9]+(?:\.[0-9]+)*|[Aa]ppendix\s+[A-Z](?:\.[0-9]+)*)"
_SECTION = rf"{_PLACE}(?:\s+steps?\s+[0-9]+(?:\.[0-9]+)*(?:-[0-9]+)?)?"
_CITATION = re.compile(rf"({_STANDARD})((?:\s+{_SECTION})(?:,\s+(?:{_SECTION}))*)?")
_SECTIONS = re.compile(_SECTION)
_STEPS = re.compile(r"(.*?) steps? ([0-9]+)(?:-([0-9]+))?")


class Citation(NamedTuple):
    """One clause named in a text: "RFC 7515", "§5.2 step 8" or "", and where in the text it stands."""

    standard: str
    clause: str
    at: int

    def __str__(self) -> str:
        return f"{self.standard} {self.clause}".rstrip()


class Rule(NamedTuple):
    """One rule of a standard; see the head of this file."""

    standard: str
    clause: str
    part: str
    level: str
    en: str
    zh: str
    url: str
    code: tuple[str, ...]
    tests: tuple[str, ...]
    not_ours: str
    deviates: str

    @property
    def id(self) -> str:
        """What it is called: the clause, and its part where there are several."""
        return f"{self.standard} {self.clause}" + (f" ({self.part})" if self.part else "")


class Standard(NamedTuple):
    """One standard: what it is cited as, its title, where it is found, its rules in order."""

    name: str
    title: str
    url: str
    rules: tuple[Rule, ...]


def citations_in(text: str) -> Iterator[Citation]:
    """Yield every clause that *text* names; lists and ranges of steps are taken apart."""
    for found in _CITATION.finditer(text):
        standard = re.sub("RFC ?", "RFC ", " ".join(found[1].split()))
        if not found[2]:
            yield Citation(standard, "", found.start())
        for section in _SECTIONS.finditer(found[2] or ""):
            for clause in _clauses(re.sub(r"\s+", " ", section[0]).replace("Appendix", "appendix")):
                yield Citation(standard, clause, found.start())


def _clauses(section: str) -> list[str]:
    steps = _STEPS.fullmatch(section)
    if steps is None or steps[3] is None:
        return [section]
    return [f"{steps[1]} step {number}" for number in range(int(steps[2]), int(steps[3]) + 1)]


class Specs:
    """All standards, by name."""

    def __init__(self, standards: Mapping[str, Standard]) -> None:
        self.standards = dict(standards)
        self.rules = tuple(rule for standard in self.standards.values() for rule in standard.rules)

    def find(self, text: str) -> list[Rule]:
        """Return the rules that the citations in *text* mean; [] for a clause of which nothing is written here.

        A clause means its own rules; one that has none, like "RFC 7519 §4.1", those of the clauses within it; a
        standard alone all of its own.
        """
        return [rule for citation in citations_in(text) for rule in self.meant(citation)]

    def meant(self, citation: Citation) -> tuple[Rule, ...]:
        """Return the rules that one citation means."""
        standard = self.standards.get(citation.standard)
        if standard is None:
            return ()
        if not citation.clause:
            return standard.rules
        exact = self.exact(citation)
        within = (f"{citation.clause}.", f"{citation.clause} ")
        return exact or tuple(rule for rule in standard.rules if rule.clause.startswith(within))

    def exact(self, citation: Citation) -> tuple[Rule, ...]:
        """Return the rules of just the clause that is cited, and not of those within it."""
        standard = self.standards.get(citation.standard)
        return tuple(rule for rule in standard.rules if rule.clause == citation.clause) if standard else ()

    def is_known(self, citation: Citation) -> bool:
        """Whether *citation* leads somewhere: to a standard, and where it names a clause, to a rule."""
        return citation.standard in self.standards if not citation.clause else bool(self.meant(citation))

    def as_json(self) -> dict[str, Any]:
        """Return what the page needs: standards by name, rules in order."""
        return {
            "standards": {s.name: {"title": s.title, "url": s.url} for s in self.standards.values()},
            "rules": [
                {
                    "id": rule.id,
                    "cite": f"{rule.standard} {rule.clause}",
                    "level": rule.level,
                    "en": rule.en,
                    "zh": rule.zh,
                    "url": rule.url,
                }
                for rule in self.rules
            ],
        }


@functools.cache
def read_specs(folder: Path = Path(__file__).parent) -> Specs:
    """Return the standards in *folder*.  Raise :exc:`Misuse` with everything that is wrong with the tables."""
    standards: dict[str, Standard] = {}
    problems: list[Problem] = []
    for path in sorted(folder.glob("*.toml"), key=lambda path: (path.stem[:3] != "rfc", path.stem)):
        try:
            table = tomllib.loads(path.read_text("utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            problems.append(Problem("spec-toml", path.name, "", f"this is no TOML: {error}"[:200], "mend it"))
            continue
        standard = _standard(table, path.name, problems)
        if standard.name in standards:
            problems.append(_problem(path.name, standard.name, "two files are about this standard"))
        standards[standard.name] = standard
    if problems:
        raise Misuse(problems)
    return Specs(standards)


_TEXTS: Final = ("clause", "part", "level", "en", "zh", "anchor", "not_ours", "deviates")
_LISTS: Final = ("code", "tests")


def _problem(file: str, what: str, why: str) -> Problem:
    return Problem("spec-table", f"specs/{file}", what[:60], why, "see the head of specs/__init__.py")


def _standard(table: dict[str, Any], file: str, problems: list[Problem]) -> Standard:
    name, title, url = (table.pop(field, "") for field in ("name", "title", "url"))
    written = table.pop("rule", [])
    if table or not all(isinstance(text, str) and text for text in (name, title, url)) or not isinstance(written, list):
        problems.append(_problem(file, ", ".join(table), "a standard has a name, a title, a url, and rules"))
        return Standard(str(name), str(title), str(url), ())
    rules = []
    for entry in written:
        if wrong := _wrong(entry, name):
            problems.append(_problem(file, str(entry.get("clause")), wrong))
            continue
        anchor = entry.get("anchor") or _anchor(entry["clause"])
        fields: dict[str, Any] = {field: entry.get(field, "") for field in _TEXTS if field != "anchor"}
        fields |= {field: tuple(entry.get(field, ())) for field in _LISTS}
        rules.append(Rule(standard=name, url=f"{url}#{anchor}", **fields))
    ids = [rule.id for rule in rules]
    problems += [_problem(file, twice, "two rules are called so") for twice in sorted(set(ids)) if ids.count(twice) > 1]
    return Standard(name, title, url, tuple(sorted(rules, key=_order)))


def _wrong(entry: dict[str, Any], standard: str) -> str:
    """Return what is wrong with one rule as it is written, or ""."""
    if unknown := sorted(entry.keys() - {*_TEXTS, *_LISTS}):
        return f"{unknown[0]} is no field of a rule"
    if missing := [field for field in ("clause", "level", "en", "zh") if not entry.get(field)]:
        return f"{missing[0]} is missing"
    if not all(isinstance(entry.get(field, ""), str) for field in _TEXTS):
        return "a field is no text"
    if not all(isinstance(entry.get(field, []), list) for field in _LISTS):
        return "code and tests are lists"
    if entry["level"] not in LEVELS:
        return f"{entry['level']} is no level"
    if entry.get("not_ours") and entry.get("deviates"):
        return "it cannot both not concern us and be done otherwise"
    if [str(citation) for citation in citations_in(f"{standard} {entry['clause']}")] != [
        f"{standard} {entry['clause']}"
    ]:
        return "this is no clause"
    return ""


def _anchor(clause: str) -> str:
    """Return where RFCs put a section or an appendix: "section-5.2", "appendix-A.11"."""
    place = clause.partition(" step")[0]
    return place.replace("§", "section-").replace("appendix ", "appendix-")


def _order(rule: Rule) -> tuple[bool, list[int], str]:
    """Sections by number, steps after their section, appendices last."""
    numbers = [int(number) for number in re.findall(r"[0-9]+", rule.clause)]
    return rule.clause[0] != "§", numbers, rule.clause + rule.part
