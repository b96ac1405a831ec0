"""`dada keys`: the ring that tokens are signed with, turned one safe step at a time."""

import os
import time
from datetime import UTC, datetime
from pathlib import Path

import click

from shop import rotation

__all__ = ["keys"]


@click.group()
@click.option(
    "--secrets",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Where keys.json is; else SECRETS_DIR, else .sandbox/secrets.",
)
@click.pass_context
def keys(context: click.Context, secrets: Path | None) -> None:
    """The keys that tokens are signed with.

    \b
    A rotation, without a restart and without logging anybody out:
      dada keys create            every process learns the new key
      dada keys promote NAME      it signs from now on; the old one still verifies
      dada keys retire OLD-NAME   after 14 days, when nothing that it signed is alive

    A key that somebody else knows: create, promote, then retire --compromised at once.
    """
    folder = secrets or Path(os.environ.get("SECRETS_DIR") or ".sandbox/secrets")
    context.obj = folder / "keys.json"


@keys.command()
@click.argument("name", required=False)
@click.pass_obj
def create(path: Path, name: str | None) -> None:
    """Add a key, by a NAME or by today's date.  The first one of a new ring signs at once."""
    if not path.parent.is_dir():
        raise click.ClickException(f"there is no folder {path.parent}")
    state = rotation.create(path, time.time(), name)
    what = "signs" if state.use == "sign" else "verifies; promote it when every process had a second to read it"
    click.echo(f"{state.kid}: made, and {what}")


@keys.command(name="list")
@click.pass_obj
def list_(path: Path) -> None:
    """Show the ring; the secrets are never shown."""
    for state in rotation.keys_in(path):
        since = f"{datetime.fromtimestamp(state.since, UTC):%Y-%m-%d %H:%M} UTC" if state.since else "unknown"
        click.echo(f"{state.kid:<24} {'signs' if state.use == 'sign' else 'verifies':<10} since {since}")


@keys.command()
@click.argument("name")
@click.pass_obj
def promote(path: Path, name: str) -> None:
    """Let NAME sign; the one before it verifies."""
    rotation.promote(path, name, time.time())
    click.echo(f"{name}: signs from now on")


@keys.command()
@click.argument("name")
@click.option("--compromised", is_flag=True, help="Somebody else knows it: retire it although tokens of it are alive.")
@click.pass_obj
def retire(path: Path, name: str, compromised: bool) -> None:
    """Take NAME out of the ring."""
    rotation.retire(path, name, time.time(), at_once=compromised)
    click.echo(f"{name}: retired")
