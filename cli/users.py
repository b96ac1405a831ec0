"""`dada users`: what only an operator may do to an account."""

import os

import click

from dada.errors import Misuse, Problem
from shop import accounts
from shop.accounts import Account
from shop.schema import must_be_current
from shop.services import OUTAGES, Services, connect
from shop.settings import Settings

__all__ = ["users"]


@click.group()
def users() -> None:
    """Accounts, for operators.  Reads the same settings as the other processes.

    \b
      dada users disable NAME    every session of it ends on its next call; nobody logs in to it
      dada users enable NAME     it may be used again; its sessions stay ended
    """


@users.command()
@click.argument("name")
def disable(name: str) -> None:
    """Disable the account NAME: it acts on the very next call."""
    _change(name, "disabled")


@users.command()
@click.argument("name")
def enable(name: str) -> None:
    """Let the account NAME be used again."""
    _change(name, "enabled")


def _change(name: str, what: str) -> None:
    services = connect(Settings.read(os.environ))
    try:
        must_be_current(services.db)
        account = _find(services, name)
        (accounts.disable if what == "disabled" else accounts.enable)(services, account.id)
    except OUTAGES as error:
        raise click.ClickException(f"a part does not answer: {type(error).__name__}") from None
    finally:
        services.close()
    click.echo(f"{account.username}: {what}")


def _find(services: Services, name: str) -> Account:
    account = accounts.by_username(services, name)
    if account is None:
        raise Misuse([Problem("user", name[:60], "", "there is no such account", "its name, however it is written")])
    return account
