"""`dada clauses`: which rules of the standards are honoured where, by which test, or why not."""

import html
import json
import sys
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

import click

from specs import Citation, Rule, Specs, citations_in, read_specs
from specs.sources import Place, has, moved, places

__all__ = ["Account", "accounts", "clauses", "unresolved"]

_MARKS: Final = {"met": "✔", "not ours": "–", "deviates": "≠", "unmet": "✘"}


class Account(NamedTuple):
    """What becomes of one rule: the *code* that honours it, the *tests* that prove it, both as "file:symbol".

    status  "met", "not ours", "deviates", or "unmet": without code, test or reason; *lacks* says what
    lines   the lines of the code that name the clause
    """

    rule: Rule
    status: str
    lacks: str
    code: tuple[str, ...]
    tests: tuple[str, ...]
    lines: tuple[Place, ...]


def accounts(specs: Specs, found: Iterable[Place]) -> list[Account]:
    """Return what becomes of every rule of *specs*, as code and tests tell it."""
    lines: dict[str, list[Place]] = {}
    for place in found:
        if place.kind in ("code", "test") and (place.symbol or not place.file.endswith(".py")):
            for rule in specs.exact(place.citation):
                lines.setdefault(rule.id, []).append(place)
    return [_account(rule, lines.get(rule.id, [])) for rule in specs.rules]


def _account(rule: Rule, lines: list[Place]) -> Account:
    code = _once([place.name for place in lines if place.kind == "code"] + list(rule.code))
    tests = _once([*rule.tests, *(place.name for place in lines if place.kind == "test" and _is_test(place))])
    gone = [name for name in (*rule.code, *rule.tests) if not has(name)]
    lacks = f"{gone[0]} is not there" + (f"; {now} is" if (now := moved(gone[0])) else "") if gone else ""
    if not (rule.not_ours or rule.deviates):
        lacks = lacks or ("no code" if not code else "no test" if not tests else "")
    status = "unmet" if lacks else "not ours" if rule.not_ours else "deviates" if rule.deviates else "met"
    return Account(rule, status, lacks, code, tests, tuple(place for place in lines if place.kind == "code"))


def _is_test(place: Place) -> bool:
    return place.symbol.rpartition(".")[2].startswith("test_")


def _once(names: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def unresolved(specs: Specs, found: Iterable[Place]) -> list[Place]:
    """Return the citations that lead nowhere: to a standard or a clause of which specs/ knows nothing."""
    return [place for place in found if not specs.is_known(place.citation)]


@click.command()
@click.argument("what", required=False)
@click.option("--unmet", is_flag=True, help="Only what has no code, no test, and no reason.")
@click.option("--file", "file", metavar="PATH", help="Only what this file honours: dada/jws.py.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@click.option("--markdown", is_flag=True, help="The audit report, in Markdown.")
@click.option("--html", "as_html", is_flag=True, help="The audit report, as a page.")
def clauses(what: str | None, unmet: bool, file: str | None, as_json: bool, markdown: bool, as_html: bool) -> None:
    """Which rules of the standards are honoured where, by which test, or why not.

    \b
    WHAT is a standard or a clause of one; without it, all standards are counted up.
      dada clauses "RFC 7515"               every rule of JWS that concerns us
      dada clauses "RFC 7515 §5.2 step 8"   one of them: the lines that honour it, and their tests
      dada clauses --file dada/jws.py       what one file answers for
      dada clauses --html > report.html     all of it, for an auditor

    \b
    ✔ has code and a test   – does not concern us, and why   ≠ done otherwise, and why   ✘ unaccounted for
    Exit status: 0 everything is accounted for, 1 something is not, 2 the command makes no sense.
    """
    if sum((as_json, markdown, as_html)) > 1:
        raise click.UsageError("give one of --json, --markdown, --html")
    specs, found = read_specs(), places()
    told = accounts(specs, found)
    lost = unresolved(specs, found)
    chosen = _chosen(specs, told, what)
    if file:
        chosen = [one for one in chosen if any(name.partition(":")[0] == file for name in one.code)]
        if not chosen and not any(place.file == file for place in found):
            raise click.UsageError(f"{file} names no clause")
    if unmet:
        chosen = [one for one in chosen if one.status == "unmet"]
    filtered = bool(what or file or unmet)
    if as_json:
        click.echo(json.dumps([_json(one) for one in chosen], ensure_ascii=False, indent=2))
    elif markdown or as_html:
        click.echo(_html(specs, chosen) if as_html else _markdown(specs, chosen))
    elif not filtered:
        _overview(specs, told)
    elif len({(one.rule.standard, one.rule.clause) for one in chosen}) == 1 and what:
        for one in chosen:
            _detail(one)
    else:
        _list(chosen)
    for place in lost:
        click.echo(f"{place.file}:{place.line}: specs/ knows no {place.citation}", err=True)
    sys.exit(int(bool(lost) or any(one.status == "unmet" for one in (chosen if filtered else told))))


def _chosen(specs: Specs, told: list[Account], what: str | None) -> list[Account]:
    if not what:
        return told
    if not (cited := list(citations_in(what))):
        raise click.UsageError(f'{what} is no clause: write it like "RFC 7515 §5.2 step 8"')
    ids = {rule.id for citation in cited for rule in specs.rules if _is_within(rule, citation)}
    if not ids:
        raise click.UsageError(f"specs/ knows no {cited[0]}; dada clauses lists the standards")
    return [one for one in told if one.rule.id in ids]


def _is_within(rule: Rule, citation: Citation) -> bool:
    """Whether a rule is of the clause that is asked for, or of one within it: §5.2 step 8 within §5.2."""
    within = (f"{citation.clause}.", f"{citation.clause} ")
    return rule.standard == citation.standard and (
        citation.clause in ("", rule.clause) or rule.clause.startswith(within)
    )


# --- for people ------------------------------------------------------------------------------------------


def _counts(told: list[Account]) -> str:
    figures = {status: sum(one.status == status for one in told) for status in _MARKS}
    return ", ".join(f"{number} {status}" for status, number in figures.items() if number) or "cited only"


def _overview(specs: Specs, told: list[Account]) -> None:
    for standard in specs.standards.values():
        mine = [one for one in told if one.rule.standard == standard.name]
        click.echo(f"{standard.name:<9} {standard.title[:60]:<61} {_counts(mine)}")
    click.echo(f"{'':<9} {len(told)} rules{'':<53} {_counts(told)}")


def _list(chosen: list[Account]) -> None:
    for one in chosen:
        where = one.lacks or one.rule.not_ours or one.rule.deviates or ", ".join(one.code)
        click.echo(f"{_MARKS[one.status]} {one.rule.id:<27} {one.rule.level:<10} {one.rule.en}")
        click.echo(f"  {'':<27} {'':<10} {where}")


def _detail(one: Account) -> None:
    rule = one.rule
    click.echo(
        f"{_MARKS[one.status]} {rule.id}   {rule.level}   {one.status}\n\n  {rule.en}\n  {rule.zh}\n  {rule.url}\n"
    )
    for title, text in (("missing", one.lacks), ("not ours", rule.not_ours), ("otherwise", rule.deviates)):
        if text:
            click.echo(f"  {title}: {text}")
    for place in one.lines:
        click.echo(f"  {place.file}:{place.line}  {place.symbol}\n      {place.text}")
    for name in rule.code:
        click.echo(f"  {name}")
    for name in one.tests:
        click.echo(f"  tested by {name}")


# --- for machines and auditors ---------------------------------------------------------------------------


def _json(one: Account) -> dict[str, Any]:
    rule = one.rule
    return {
        "id": rule.id,
        "standard": rule.standard,
        "clause": rule.clause,
        "level": rule.level,
        "en": rule.en,
        "zh": rule.zh,
        "url": rule.url,
        "status": one.status,
        "reason": one.lacks or rule.not_ours or rule.deviates,
        "code": list(one.code),
        "lines": [f"{place.file}:{place.line}" for place in one.lines],
        "tests": list(one.tests),
    }


def _rows(specs: Specs, chosen: list[Account]) -> Iterable[tuple[str, str, str, list[Account]]]:
    for standard in specs.standards.values():
        if mine := [one for one in chosen if one.rule.standard == standard.name]:
            yield standard.name, standard.title, standard.url, mine


def _markdown(specs: Specs, chosen: list[Account]) -> str:
    lines = ["# Clauses accounted for", "", _counts(chosen) + "."]
    for name, title, url, mine in _rows(specs, chosen):
        lines += ["", f"## [{name}]({url}) {title}", "", _counts(mine) + ".", ""]
        lines += ["| | clause | level | rule | code, or why not | tests |", "| --- | --- | --- | --- | --- | --- |"]
        for one in mine:
            rule = one.rule
            code = one.lacks or rule.not_ours or rule.deviates or ", ".join(f"`{name}`" for name in one.code)
            tests = ", ".join(f"`{name}`" for name in one.tests)
            row = (_MARKS[one.status], f"[{rule.id}]({rule.url})", rule.level, rule.en, code, tests)
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |")
    return "\n".join(lines)


_STYLE: Final = (
    "body{font:15px/1.5 system-ui;margin:2rem auto;max-width:80rem;padding:0 1rem;color-scheme:light dark}"
    "table{border-collapse:collapse;width:100%}td,th{border-top:1px solid #8886;padding:.4rem;text-align:left;"
    "vertical-align:top}code{font-size:.85em;overflow-wrap:anywhere}"
)


def _html(specs: Specs, chosen: list[Account]) -> str:
    esc = html.escape
    parts = [
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Clauses accounted for</title>',
        f"<style>{_STYLE}</style><h1>Clauses accounted for</h1><p>{_counts(chosen)}.</p>",
    ]
    for name, title, url, mine in _rows(specs, chosen):
        parts.append(f'<h2><a href="{esc(url)}">{esc(name)}</a> {esc(title)}</h2><p>{_counts(mine)}.</p><table>')
        parts.append(
            "<tr><th></th><th>clause</th><th>level</th><th>rule</th><th>code, or why not</th><th>tests</th></tr>"
        )
        for one in mine:
            rule = one.rule
            reason = one.lacks or rule.not_ours or rule.deviates
            code = esc(reason) or "<br>".join(f"<code>{esc(name)}</code>" for name in one.code)
            tests = "<br>".join(f"<code>{esc(name)}</code>" for name in one.tests)
            link = f'<a href="{esc(rule.url)}">{esc(rule.id)}</a>'
            cells = (_MARKS[one.status], link, rule.level, esc(rule.en), code, tests)
            parts.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
        parts.append("</table>")
    return "\n".join(parts) + "</html>"
