"""`dada cors`: explain what a browser and a service say to each other, check policies, probe running services."""

import dataclasses
import difflib
import http.client
import json
import sys
from collections.abc import Callable, Sequence
from functools import partial
from itertools import takewhile
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, unquote, urlsplit

import click

from cli.screen import plain
from dada import jsontext
from dada.cors import Finding, Policy, PolicyError, PolicyMap
from dada.cors_probe import probe as ask_all
from dada.cors_rules import SEVERITIES, Severity
from dada.errors import Problem
from dada.fetch import CHROMIUM, Answer, Dialogue, Exchange, FetchCall, Server, origin_of, play, simulate
from dada.fetch_checks import Headers
from dada.origins import Origins, is_loopback
from dada.trace import Step

__all__ = ["cors"]

# Why each check is there, for whoever reads an explanation.
LESSONS: Final = {
    "server: policy": "No policy covers this path. Nothing is added to its answers, so no other origin reads them.",
    "server: origin": "The policy does not name this page: scheme, host and port count, byte for byte. The server says "
    "nothing then, and to a browser silence means no.",
    "server: method": "GET, HEAD and POST need no listing. Any other method must be listed, in the case that is sent.",
    "server: headers": "Whatever header a page sets, beyond a few harmless ones, must be listed.",
    "browser: url": "A page can call http and https addresses, without a user name in them.",
    "browser: method": "What is no GET, HEAD or POST must be granted; CONNECT, TRACE and TRACK are for no page at all.",
    "browser: body": "GET and HEAD ask; they carry nothing.",
    "browser: header": "A name is one word, and no value may hold what ends a line: it could begin another header.",
    "browser: cors check": "The browser has the answer, and keeps it from the page: it does not say that this page may "
    "read it.",
    "browser: status": "A preflight wants 200 to 299. A redirect, or a demand to log in, is no permission: preflights "
    "carry no credentials.",
    "browser: grammar": "One element that is no name spoils the whole list.",
    "browser: headers": "Each of these headers must be granted. * grants none of them with credentials, and never "
    "Authorization.",
}


@click.group()
def cors() -> None:
    """CORS: which pages of other origins may read an answer (Fetch §3.3).

    \b
    A policy is a JSON object with the fields of dada.cors.Policy, or an object of such by path:
      {"origins": ["https://shop.example"], "methods": ["PUT"], "max_age": 600}
      {"/v1/*": {"origins": ["https://shop.example"]}, "/v1/health": null}
    POLICY may be "-": it is read from standard input.
    Exit status: 0 yes, 1 no, 2 the command makes no sense.

    \b
      dada cors explain policy.json --origin https://shop.example --method PUT
      dada cors check policy.json
      dada cors probe http://127.0.0.1:8000/v1/users --trusted http://127.0.0.1:7000
    """


# --- policies --------------------------------------------------------------------------------------------

_FIELDS: Final = tuple(field.name for field in dataclasses.fields(Policy) if field.init)


@dataclasses.dataclass(frozen=True)
class _Written:
    """What a file says: policies by path ("" where it holds one for all paths), and what is wrong with them."""

    policies: dict[str, Policy | None]
    problems: list[tuple[str, Problem]]

    def find(self, path: str) -> Policy | None:
        """Return the policy for a path.  Raise :exc:`PolicyError` if anything is wrong."""
        if self.problems:
            raise PolicyError([problem for _, problem in self.problems])
        return self.policies[""] if "" in self.policies else PolicyMap(self.policies).find(path)


def _read(source: str) -> _Written:
    """Read a file of policies, or standard input."""
    try:
        value = jsontext.read(sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes())
    except OSError as error:
        raise click.UsageError(f"{source}: {error.strerror}") from None
    except jsontext.NotJSON as error:
        raise click.UsageError(f"{source}: {error}") from None
    if not isinstance(value, dict):
        raise click.UsageError(f"{source}: a policy is a JSON object")
    by_path = value if value and all(name.startswith("/") for name in value) else {"": value}
    policies: dict[str, Policy | None] = {}
    problems: list[tuple[str, Problem]] = []
    for path, fields in by_path.items():
        policies[path], wrong = (None, []) if fields is None else _policy(fields)
        problems += [(path, problem) for problem in wrong]
    try:
        PolicyMap(policies if "" not in policies else {})
    except PolicyError as error:
        problems += [(problem.value, problem) for problem in error.problems]
    return _Written(policies, problems)


def _policy(fields: Any) -> tuple[Policy | None, list[Problem]]:
    """Return the policy with these fields, or everything that is wrong with them."""
    if not isinstance(fields, dict):
        return None, [
            Problem("not-an-object", "policy", ascii(fields)[:40], "a policy is a JSON object", "{…} or null")
        ]
    problems = [_unknown(name) for name in fields if name not in _FIELDS]
    known = {name: value for name, value in fields.items() if name in _FIELDS}
    if "origins" not in known:
        why, fix = "a policy says whom it lets in", '"origins": ["https://shop.example"]'
        problems.append(Problem("missing", "origins", "", why, fix))
        known["origins"] = ["https://missing.invalid"]
    try:
        policy = Policy(**known)
    except PolicyError as error:
        return None, [*problems, *error.problems]
    return (None if problems else policy), problems


def _unknown(name: str) -> Problem:
    alike = difflib.get_close_matches(name, _FIELDS, 1) or _FIELDS
    return Problem("unknown-field", ascii(name)[1:-1][:40], "", "a policy has no such field", ", ".join(alike))


# --- running services ------------------------------------------------------------------------------------

_SECONDS: Final = 10
_KEPT: Final = "/?%:@!$&'()*+,;=~"  # characters of an address that need no other spelling


def _is_address(source: str) -> bool:
    return source.startswith(("http://", "https://"))


def _asking(url: str) -> Server:
    """Return the running service behind *url*: redirects are not followed, no credentials are sent."""
    if origin_of(url) is None:
        raise click.UsageError(f"{plain(url)}: no address of a service")
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    path, query = (quote(part, safe=_KEPT, errors="replace") for part in (parts.path or "/", parts.query))
    target = f"{path}?{query}" if query else path

    def ask(method: str, headers: Headers) -> Answer:
        connection = kind(str(parts.hostname), parts.port, timeout=_SECONDS)
        try:
            connection.putrequest(method, target, skip_accept_encoding=True)
            for name, value in headers:
                connection.putheader(name, value)
            if method in ("POST", "PUT", "PATCH"):
                connection.putheader("Content-Length", "0")
            connection.endheaders()
            response = connection.getresponse()
            return Answer(response.status, tuple(response.getheaders()))
        except (OSError, ValueError, http.client.HTTPException) as error:
            said = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise click.ClickException(f"{plain(url)}: {plain(said)}") from None
        finally:
            connection.close()

    return ask


# --- explain ---------------------------------------------------------------------------------------------


@cors.command(short_help="What becomes of a page's call, and why.")
@click.argument("source", metavar="POLICY|URL")
@click.option("--origin", required=True, help="The page's own origin: https://shop.example, or null.")
@click.option("--method", default="GET", show_default=True, help="As the page writes it.")
@click.option("--header", "headers", multiple=True, metavar="'NAME: VALUE'", help="That the page sets; several times.")
@click.option("--credentials", is_flag=True, help="With cookies: fetch(…, {credentials: 'include'}).")
@click.option("--url", help="What the page calls, where a policy is given.  [default: https://api.example/]")
@click.option("--chromium", is_flag=True, help="A browser with Chromium's differences from the standard.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def explain(
    source: str, origin: str, method: str, headers: Sequence[str], credentials: bool, url: str | None, chromium: bool,
    as_json: bool,
) -> None:  # fmt: skip
    """Explain what becomes of a page's call: who says what, which check stops it, what the page sees.

    With a POLICY both sides are played.  With a URL the service is really asked, by a browser that is played: the
    preflight first, and if it passes the request itself, whatever it does.  Ask only services on this machine, or
    your own.

    Exit status: 0 the page may read the answer, 1 it may not.
    """  # fmt: skip
    if origin != "null" and (problems := Origins([origin]).problems):
        raise click.UsageError(f"--origin {problems[0].value}: {problems[0].why} → {problems[0].fix}")
    if origin != "null" and "*" in origin:
        raise click.UsageError("--origin: a page has one origin")
    running = _is_address(source)
    if running and url:
        raise click.UsageError("--url is for policies; a running service has one already")
    called = source if running else url or "https://api.example/"
    given = tuple(_header(header) for header in headers)
    call = FetchCall(method, called, origin, given, "include" if credentials else "same-origin")
    quirks = CHROMIUM if chromium else ()
    if running:
        dialogue = play(call, _asking(called), quirks=quirks)
    elif policy := _read(source).find(_path(called)):
        dialogue = simulate(policy, call, quirks=quirks)
    else:
        dialogue = play(call, _without_policy, quirks=quirks)
    if as_json:
        click.echo(json.dumps(_machine(dialogue), ensure_ascii=False, indent=2))
    else:
        _show(call, dialogue)
    sys.exit(0 if dialogue.outcome == "shared" else 1)


def _path(url: str) -> str:
    try:
        return unquote(urlsplit(url).path) or "/"
    except ValueError:
        raise click.UsageError(f"--url {plain(url)}: no address") from None


def _header(written: str) -> tuple[str, str]:
    name, colon, value = written.partition(":")
    if not colon:
        raise click.UsageError(f"--header {plain(written)}: a header is NAME: VALUE")
    return name.strip(), value.strip()


def _without_policy(method: str, headers: Headers) -> Answer:  # noqa: ARG001 it answers everybody alike
    step = Step("server: policy", "Fetch §3.3.3", "failed", "no policy covers this path: nothing is added")
    return Answer(200, (("Content-Type", "application/json"),), (step,))


def _machine(dialogue: Dialogue) -> dict[str, Any]:
    def told(exchange: Exchange | None) -> dict[str, Any] | None:
        return exchange and exchange._asdict()

    return {
        "outcome": dialogue.outcome,
        "preflight": told(dialogue.preflight),
        "actual": told(dialogue.actual),
        "readable_headers": sorted(dialogue.readable_headers),
        "steps": [dataclasses.asdict(step) for step in dialogue.steps],
    }


def _show(call: FetchCall, dialogue: Dialogue) -> None:
    """Print the dialogue exchange by exchange, each with the checks of both sides, then what it comes to."""
    how = ", with credentials" if call.credentials == "include" else ""
    click.secho(plain(f"{call.method} {call.url}, called by a page of {call.origin}{how}"), bold=True)
    before, asked, answered = _acts(dialogue)
    _show_steps(before)
    if dialogue.preflight:
        _show_exchange("The preflight: may I?", dialogue.preflight)
        _show_steps(asked)
    if dialogue.actual:
        _show_exchange("The request itself", dialogue.actual)
        _show_steps(answered)
    click.echo()
    if dialogue.outcome == "blocked":
        click.secho(plain(_hidden(dialogue)), fg="red", bold=True)
        return
    click.secho(plain(_seen(dialogue)), fg="green", bold=True)
    if dialogue.actual and (hidden := _names(dialogue.actual) - dialogue.readable_headers):
        click.echo(plain(f"Hidden from it: {', '.join(sorted(hidden))}."))


def _acts(dialogue: Dialogue) -> tuple[list[Step], list[Step], list[Step]]:
    """Return the steps before anything is sent, those of the preflight, those of the request."""
    steps = list(dialogue.steps)
    if dialogue.preflight is None and dialogue.actual is None:
        return steps, [], []
    before = len(list(takewhile(lambda step: step.name in ("browser: origins", "browser: asks first"), steps)))
    if dialogue.preflight is None:
        return steps[:before], [], steps[before:]
    if dialogue.actual is None:
        return steps[:before], steps[before:], []
    last = len(steps) - 1  # the CORS check of the answer, behind what the server checked
    while steps[last - 1].name.startswith("server: "):
        last -= 1
    return steps[:before], steps[before:last], steps[last:]


def _show_exchange(title: str, exchange: Exchange) -> None:
    click.echo()
    click.secho(title, bold=True)
    click.secho(f"  → {plain(exchange.method)}", fg="blue")
    for name, value in exchange.request_headers:
        click.secho(f"  → {plain(f'{name}: {value}')}", fg="blue")
    click.secho(f"  ← {exchange.status}", fg="magenta")
    for name, value in exchange.response_headers:
        click.secho(f"  ← {plain(f'{name}: {value}')}", fg="magenta")


_MARKS: Final = {"passed": ("✔", "green"), "failed": ("✘", "red"), "not reached": ("·", "bright_black")}


def _show_steps(steps: list[Step]) -> None:
    for step in steps:
        mark, colour = _MARKS[step.verdict]
        click.secho(f"  {mark} {step.name:<21}", fg=colour, nl=False, bold=step.verdict == "failed")
        click.echo(f" {plain(step.found)}", nl=False)
        click.secho(f"  {step.clause}", fg="bright_black")
        if step.verdict == "failed":
            click.secho(f"    {'':<21} {LESSONS[step.name]}", fg="yellow")


def _names(exchange: Exchange) -> set[str]:
    return {name.lower() for name, _ in exchange.response_headers}


def _seen(dialogue: Dialogue) -> str:
    status = dialogue.actual.status if dialogue.actual else ""
    names = ", ".join(sorted(dialogue.readable_headers))
    return (
        f"Shared: the page reads status {status}, the body, and {f'these headers: {names}' if names else 'no header'}."
    )


def _hidden(dialogue: Dialogue) -> str:
    stops = next(step for step in dialogue.steps if step.verdict == "failed" and step.name.startswith("browser: "))
    causes = [step for step in dialogue.steps if step.verdict == "failed" and step.name.startswith("server: ")]
    why = f", since {causes[0].found} ({causes[0].clause})" if causes else ""
    made, unsent = "The request was made, and the server did its work", "The request itself was not sent"
    seen = "a TypeError (“Failed to fetch”): no status, no header, no reason"
    return (
        f"Blocked at “{stops.name}” ({stops.clause}): {stops.found}{why}. "
        f"{made if dialogue.actual else unsent}; the page sees {seen}."
    )


# --- check, probe ----------------------------------------------------------------------------------------


def _judging(command: Callable[..., Any], default: Severity) -> Callable[..., Any]:
    for option in (
        click.option(
            "--fail-on", type=click.Choice(SEVERITIES), default=default, show_default=True,
            help="The least severity that makes the exit status 1.",
        ),
        click.option("--json", "as_json", is_flag=True, help="For machines."),
    ):  # fmt: skip
        command = option(command)
    return command


@cors.command(short_help="What is wrong with a policy, or risky.")
@click.argument("policy")
@partial(_judging, default="high")
def check(policy: str, fail_on: Severity, as_json: bool) -> None:
    """Check POLICY: everything that can never work or cannot be safe, and what is legal and risky.

    Problems must be mended: no such policy is ever made.  Findings are told of the policies that can be made.

    Exit status: 0 all is well, 1 there is a problem, or a finding as severe as --fail-on.
    """
    written = _read(policy)
    rows = [_row("problem", path, problem) for path, problem in written.problems]
    findings = [(path, found) for path, one in written.policies.items() for found in (one.audit() if one else [])]
    rows += [_row(finding.severity, path, finding) for path, finding in findings]
    _tell(rows, as_json, {}, "All is well.")
    sys.exit(_judge(rows, fail_on))


@cors.command(short_help="What scanners would find in a running service.")
@click.argument("url")
@click.option(
    "--trusted", multiple=True, metavar="ORIGIN",
    help="Who is meant to be let in: https://shop.example, https://*.shop.example, '*'; several times.",
)  # fmt: skip
@click.option("--missing", metavar="URL", help="Of something that the service does not have.  [default: beside URL]")
@click.option("--mine", is_flag=True, help="The service is mine, although it is not on this machine.")
@partial(_judging, default="medium")
def probe(url: str, trusted: Sequence[str], missing: str | None, mine: bool, fail_on: Severity, as_json: bool) -> None:
    """Probe the service at URL as scanners do: some hundreds of GET and OPTIONS, from origins that look trusted.

    Only services on this machine, or your own: another's is not yours to try.  For a host that is not this machine
    say --mine.  Nothing is sent but those two methods, no credentials, no body; redirects are not followed.

    \b
    high     a stranger's page acts as the user
    medium   a stranger's page reads, a cache mixes answers up, or a page that is trusted cannot read
    low      too much is told, or it works by luck
    note     worth knowing

    Exit status: 0 nothing is as severe as --fail-on, 1 something is.
    """  # fmt: skip
    ask, own = _asking(url), origin_of(url)
    if not mine and not is_loopback(str(urlsplit(url).hostname)):
        raise click.UsageError(f"{plain(url)} is not on this machine; if it is yours, say --mine")
    beside = missing or f"{own}{urlsplit(url).path.rpartition('/')[0]}/there-is-no-such-thing"
    if origin_of(beside) != own:
        raise click.UsageError("--missing is of another service")
    asked: list[int] = []

    def counted(server: Server, method: str, headers: Headers) -> Answer:
        asked.append(1)
        if len(asked) % 10 == 0 and sys.stderr.isatty() and not as_json:
            click.echo(f"\r  {len(asked)} questions …", nl=False, err=True)
        return server(method, headers)

    findings = ask_all(partial(counted, ask), trusted, partial(counted, _asking(beside)), near=[str(own)])
    if sys.stderr.isatty() and not as_json:
        click.echo("\r" + " " * 30 + "\r", nl=False, err=True)
    rows = [_row(finding.severity, "", finding) for finding in findings]
    _tell(rows, as_json, {"url": url, "asked": len(asked)}, f"{len(asked)} questions, and nothing found.")
    sys.exit(_judge(rows, fail_on))


def _row(severity: str, path: str, told: Problem | Finding) -> dict[str, str]:
    """Return a problem or a finding as a row: the same members for both."""
    where = {"path": path} if path else {}
    field = {"field": told.field} if isinstance(told, Problem) else {}
    return {
        "severity": severity, "code": told.code, **where, **field, "value": told.value, "why": told.why,
        "fix": told.fix, "clause": told.clause,
    }  # fmt: skip


def _judge(rows: list[dict[str, str]], fail_on: Severity) -> int:
    severe = {"problem", *SEVERITIES[SEVERITIES.index(fail_on) :]}
    return 1 if any(row["severity"] in severe for row in rows) else 0


_COLOURS: Final = {"problem": "red", "high": "red", "medium": "yellow", "low": "cyan", "note": "bright_black"}


def _tell(rows: list[dict[str, str]], as_json: bool, more: dict[str, Any], well: str) -> None:
    if as_json:
        click.echo(json.dumps({**more, "findings": rows}, ensure_ascii=False, indent=2))
        return
    for row in rows:
        click.secho(f"{row['severity']:<8}", fg=_COLOURS[row["severity"]], bold=True, nl=False)
        click.secho(f"{row['code']:<28}", bold=True, nl=False)
        where = " ".join(filter(None, (row.get("path"), row.get("field"), row["value"])))
        click.echo(plain(where), nl=False)
        click.secho(f"  {row['clause']}".rstrip(), fg="bright_black")
        click.echo(plain(f"        {row['why']} → {row['fix']}"))
    if not rows:
        click.secho(well, fg="green", bold=True)
