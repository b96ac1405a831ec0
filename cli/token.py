"""`dada token`: sign, verify, explain and compare tokens, with the code that the shop runs."""

import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click

from cli.screen import plain
from dada import base64url
from dada.errors import DadaError, Malformed
from dada.jwt import Issuer, Key, Step, TokenError, Verifier, keys_from_jwks, peek
from shop.keyring import ACCESS, read_ring

__all__ = ["token"]

DEMO: Final = b"a key for lessons that everybody knows: never for anything real!"

# Why each check is there, for whoever reads an explanation.
LESSONS: Final = {
    "length": "A text without a bound is work without a bound; nothing of it was looked at.",
    "segments": "A compact token is header.payload.signature, and nothing else is one.",
    "signature": "Only who has the key can make this part. Something was changed, or somebody else made it.",
    "header": "The header must be one JSON object, spelled in one way only, or two readers would see two headers.",
    "algorithm": "The key decides the algorithm. A header that could choose it would choose 'none'.",
    "critical": "The sender demands an extension that must be understood; whoever ignores it misreads the token.",
    "unencoded": "A payload that is not base64url has no place in a JWT.",
    "key name": "kid says which key made it; the MAC says it was another.",
    "type": "A token made for one purpose must not pass for another: each kind says what it is.",
    "content type": "The payload is a token in its turn; its claims are not these.",
    "payload": "The payload must be base64url in its one spelling: no padding, no blanks, no spare bits.",
    "claims": "The claims must be one JSON object with each name once: twice, and two readers see two values.",
    "required": "A token without this says too little to be believed.",
    "dates": "Dates are JSON numbers. A text that looks like one is how expired tokens got in elsewhere.",
    "texts": "Names are texts. A list that contains the right name is not the right name.",
    "expiry": "On or after this moment it must not be accepted; a stolen token is worth nothing by then.",
    "begin": "It is not valid yet.",
    "age": "It was made too long ago, whatever it says of its end.",
    "issuer": "Somebody else made it, with a key that we know for another reason.",
    "audience": "It is for somebody else, who could otherwise use it here in its owner's name.",
}


def _read(text: str) -> str:
    """Return the token that is meant: the text itself, or "-" for standard input."""
    return sys.stdin.read().strip() if text == "-" else text


def _key_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--demo", is_flag=True, help="The key for lessons, which everybody knows."),
        click.option(
            "--ring",
            type=click.Path(path_type=Path, exists=True, dir_okay=False),
            help="keys.json of a shop (access tokens).",
        ),
        click.option(
            "--jwks", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="A file with a JWK Set."
        ),
        click.option(
            "--secret-file",
            type=click.Path(path_type=Path, exists=True, dir_okay=False),
            help="A file with the raw bytes.",
        ),
        click.option(
            "--secret",
            metavar="BASE64URL",
            envvar="DADA_TOKEN_SECRET",
            help="The secret; others on this machine may see a command line.",
        ),
        click.option(
            "--alg",
            default="HS256",
            show_default=True,
            help="What a secret that is given raw is for: HS256, HS384, HS512.",
        ),
        click.option("--kid", help="The key's name."),
    ):
        command = option(command)
    return command


def _keys(given: dict[str, Any]) -> list[Key]:
    """Return the keys that the options name, and take those options out.  Raise :exc:`Misuse`."""
    demo, ring, jwks, path, secret, alg, kid = (
        given.pop(name) for name in ("demo", "ring", "jwks", "secret_file", "secret", "alg", "kid")
    )
    named = [source for source in (demo, ring, jwks, path, secret) if source]
    if len(named) != 1:
        raise click.UsageError("give one of --demo, --ring, --jwks, --secret-file, --secret")
    if demo:
        return [Key(DEMO, alg, kid)]
    if ring:
        return read_ring(ring).keys(ACCESS)
    if path:
        return [Key(path.read_bytes(), alg, kid)]
    try:
        return keys_from_jwks(json.loads(jwks.read_text())) if jwks else [Key(base64url.decode(secret), alg, kid)]
    except (ValueError, base64url.NotBase64url):
        raise click.UsageError("--jwks is no JSON" if jwks else "--secret is no base64url") from None


def _verify_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--issuer", multiple=True, help="Who may have made it; may be given several times."),
        click.option("--audience", multiple=True, help="For whom it must be; may be given several times."),
        click.option("--typ", help="The kind of token: at+jwt."),
        click.option(
            "--require", multiple=True, default=("exp",), show_default=True, help="A claim that must be there."
        ),
        click.option("--leeway", type=float, default=0, help="Seconds by which clocks may differ."),
        click.option("--max-age", type=float, help="Seconds since iat."),
        click.option("--at", type=float, metavar="SECONDS", help="Another moment than now, in seconds since 1970."),
    ):
        command = option(command)
    return _key_options(command)


def _verifier(given: dict[str, Any]) -> Verifier:
    keys, at = _keys(given), given.pop("at")
    names: dict[str, Any] = {name: given.pop(name) or None for name in ("issuer", "audience")}
    return Verifier(keys, **names, **given, clock=time.time if at is None else lambda: at)


@click.group()
def token() -> None:
    """Tokens: header.payload.signature, base64url and HMAC (RFC 7515, RFC 7519).

    \b
    A TOKEN may be "-": it is read from standard input.
    Exit status: 0 it is valid, 1 it is refused, 2 the command makes no sense.

    \b
      dada token sign '{"sub":"7"}' --demo --lifetime 600 | dada token explain - --demo
    """


@token.command()
@click.argument("claims")
@_key_options
@click.option("--issuer", help="The claim iss.")
@click.option("--audience", multiple=True, help="The claim aud; may be given several times.")
@click.option("--lifetime", type=float, help="Seconds until exp.")
@click.option("--typ", default="JWT", show_default=True, help="The kind of token.")
@click.option("--at", type=float, metavar="SECONDS", help="Another moment than now.")
def sign(claims: str, **given: Any) -> None:
    """Sign CLAIMS, a JSON object."""
    keys, at = _keys(given), given.pop("at")
    audience = given.pop("audience")
    lifetime = given.pop("lifetime")
    whole = int(lifetime) if lifetime is not None and lifetime.is_integer() else lifetime
    clock = time.time if at is None else lambda: at
    issuer = Issuer(keys[0], **given, audience=audience or None, lifetime=whole, clock=clock)
    try:
        said = json.loads(_read(claims))
    except ValueError:
        raise click.UsageError("CLAIMS are no JSON") from None
    click.echo(issuer.sign(said))


@token.command()
@click.argument("token")
@_verify_options
def verify(token: str, **given: Any) -> None:
    """Verify TOKEN, and print its claims."""
    verifier = _verifier(given)
    try:
        claims = verifier.verify(_read(token)).claims
    except TokenError as error:
        click.echo(f"refused: {error}", err=True)
        sys.exit(1)
    click.echo(json.dumps(dict(claims), ensure_ascii=False, indent=2))


@token.command()
@click.argument("token")
@_verify_options
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def explain(token: str, as_json: bool, **given: Any) -> None:
    """Explain TOKEN: its parts, and every check.

    The three parts aligned, then each check with its clause and its verdict.
    """
    verifier, text = _verifier(given), _read(token)
    steps = verifier.audit(text)
    valid = all(step.ok for step in steps)
    if as_json:
        click.echo(json.dumps(_machine(text, steps), ensure_ascii=False, indent=2))
    else:
        _show(text, steps)
    sys.exit(0 if valid else 1)


def _machine(text: str, steps: list[Step]) -> dict[str, Any]:
    told: dict[str, Any] = {"valid": all(step.ok for step in steps), "header": None, "claims": None}
    try:
        seen = peek(text)
        told |= {"header": _thawed(seen.header), "claims": seen.claims}
    except TokenError:
        pass
    told["steps"] = [
        {"name": step.name, "clause": step.clause, "verdict": step.verdict, "found": step.found} for step in steps
    ]
    return told


def _thawed(value: Any) -> Any:
    if hasattr(value, "items"):
        return {name: _thawed(member) for name, member in value.items()}
    return [_thawed(member) for member in value] if isinstance(value, tuple) else value


_COLOURS: Final = ("red", "magenta", "blue")


def _show(text: str, steps: list[Step]) -> None:
    """Print the parts aligned, then the checks, then what it comes to."""
    for name, part, colour in zip(
        ("header", "payload", "signature"), [*text.split(".", 2), "", ""][:3], _COLOURS, strict=False
    ):
        click.secho(f"{name:>10}  ", nl=False, bold=True)
        click.secho(plain(part) if len(part) <= 400 else f"{plain(part[:400])}… ({len(part)} characters)", fg=colour)
        for line in _decoded(name, part):
            click.echo(f"{'':>10}  {plain(line)}")
    click.echo()
    for step in steps:
        mark, colour = {"passed": ("✔", "green"), "failed": ("✘", "red"), "not reached": ("·", "bright_black")}[
            step.verdict
        ]
        click.secho(f"  {mark} {step.name:<13}", fg=colour, nl=False, bold=step.verdict == "failed")
        click.echo(f" {step.found}", nl=False)
        click.secho(f"  {step.clause}", fg="bright_black")
        if step.verdict == "failed":
            click.secho(f"    {'':<13} {LESSONS[step.name]}", fg="yellow")
    click.echo()
    failed = [step for step in steps if step.verdict == "failed"]
    if failed:
        more = f", and {len(failed) - 1} more would refuse it too" if len(failed) > 1 else ""
        click.secho(f"Refused at “{failed[0].name}” ({failed[0].clause}){more}.", fg="red", bold=True)
    else:
        click.secho("Valid: every check let it through.", fg="green", bold=True)


def _decoded(name: str, part: str) -> list[str]:
    """Return the lines that say what a part holds; dates are told in words."""
    if name == "signature":
        return [f"{len(part)} characters: {len(part) * 6 // 8} bytes of MAC"] if part else ["missing"]
    try:
        value = json.loads(base64url.decode(part))
    except (Malformed, ValueError, RecursionError):
        return ["not to be read: see below"]
    lines = json.dumps(value, ensure_ascii=False, indent=2)[:4000].splitlines()
    if isinstance(value, dict):
        lines = [line + _in_words(line, value) for line in lines]
    return lines


def _in_words(line: str, members: dict[str, Any]) -> str:
    for name in ("exp", "nbf", "iat", "auth_time"):
        date: Any = members.get(name)
        if line.startswith(f'  "{name}":') and type(date) in (int, float) and abs(date) < 1e11:
            return f"   ← {datetime.fromtimestamp(date, UTC):%Y-%m-%d %H:%M:%S} UTC"
    return ""


@token.command()
@click.argument("one")
@click.argument("other")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def diff(one: str, other: str, as_json: bool) -> None:
    """Compare two tokens member by member.  Exit status 1 if they differ.  Nothing is verified."""
    try:
        first, second = peek(_read(one)), peek(_read(other))
    except DadaError as error:
        click.echo(f"refused: {error}", err=True)
        sys.exit(1)
    rows = [
        {
            "where": where,
            "member": name,
            **({"one": old[name]} if name in old else {}),
            **({"other": new[name]} if name in new else {}),
        }
        for where, old, new in (
            ("header", _thawed(first.header), _thawed(second.header)),
            (
                "claims",
                first.claims if isinstance(first.claims, dict) else {},
                second.claims if isinstance(second.claims, dict) else {},
            ),
        )
        for name in sorted({*old, *new})
        if name not in old or name not in new or old[name] != new[name]
    ]
    signatures = [text.rpartition(".")[2] for text in (one, other)]
    if signatures[0] != signatures[1]:
        rows.append({"where": "signature", "member": "", "one": signatures[0], "other": signatures[1]})
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
    for row in () if as_json else rows:
        click.echo(f"{row['where']:<10} {row['member']:<10} ", nl=False)
        click.secho(_value(row, "one"), fg="red", nl=False)
        click.echo("  →  ", nl=False)
        click.secho(_value(row, "other"), fg="green")
    if not rows and not as_json:
        click.echo("the same")
    sys.exit(1 if rows else 0)


def _value(row: dict[str, Any], side: str) -> str:
    return plain(json.dumps(row[side], ensure_ascii=False)) if side in row else "absent"
