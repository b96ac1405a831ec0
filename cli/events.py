"""`dada events`: what happened to accounts, and whether anybody changed the record of it."""

import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from dada import base64url
from shop import events as chain
from shop.database import OUTAGES, ArgumentError, Database

__all__ = ["events"]


@click.group()
def events() -> None:
    """What happened to accounts: registrations, log-ins, refusals, changes.

    \b
    The events are a chain: each row holds an HMAC over itself and the row before it.
      dada events check     is the chain whole?  0 yes, 1 no, 2 it cannot be looked at
    """


@events.command()
@click.option("--database", metavar="URL", help="Else DATABASE_URL, else that of the sandbox.")
@click.option(
    "--secrets",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Where lasting_secret is; else SECRETS_DIR, else .sandbox/secrets.",
)
@click.option(
    "--holds",
    multiple=True,
    metavar="ID:MAC",
    help="An event that a log or a note elsewhere tells: it must have this mac; several times.",
)
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def check(database: str | None, secrets: Path | None, holds: tuple[str, ...], as_json: bool) -> None:
    """Is the chain whole?

    Follow it from its first row to its head, and tell each place where it is broken.
    """
    folder = secrets or Path(os.environ.get("SECRETS_DIR") or ".sandbox/secrets")
    url = database or os.environ.get("DATABASE_URL") or f"sqlite:///{Path('.sandbox/shop.db').resolve()}"
    try:
        db = Database(url)
    except ArgumentError:
        raise click.ClickException(f"{url} is no database's URL") from None
    looked = 0

    def told(number: int) -> None:
        nonlocal looked
        looked = number
        if number % 1000 == 0 and sys.stderr.isatty():
            click.echo(f"\r{number} events", nl=False, err=True)

    try:
        breaks = list(chain.broken(db, _secret(folder / "lasting_secret"), told))
        for number, mac in map(_noted, holds):
            if not chain.holds(db, number, mac):
                breaks.append(chain.Break(number, "not the event that was noted elsewhere"))
    except OUTAGES as error:
        raise click.ClickException(f"the database does not answer: {type(error).__name__}") from None
    finally:
        db.close()
    at = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC"
    if as_json:
        click.echo(json.dumps({"events": looked, "at": at, "breaks": [place._asdict() for place in breaks]}))
    else:
        for place in breaks:
            click.echo(f"event {place.id}: {place.why}")
        click.echo(f"{looked} events, {'the chain is whole' if not breaks else f'{len(breaks)} breaks'} ({at})")
    sys.exit(1 if breaks else 0)


def _noted(text: str) -> tuple[int, str]:
    number, _, mac = text.partition(":")
    if not (number.isascii() and number.isdigit() and len(mac) >= 8):
        raise click.ClickException(f"{text} is no ID:MAC, with eight digits of the mac at least")
    return int(number), mac


def _secret(path: Path) -> bytes:
    try:
        return base64url.decode(path.read_text().strip())
    except (OSError, base64url.NotBase64url):
        raise click.ClickException(f"{path} cannot be read; --secrets FOLDER says where it is") from None
