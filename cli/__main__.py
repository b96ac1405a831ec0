"""The `dada` command, put together.

A subcommand imports what it needs when it is called, so that `dada --help` is quick.
"""

import importlib
import os
import sys
from pathlib import Path
from typing import Any, NoReturn

import click

from dada.errors import Misuse

__all__ = ["main"]


# Families of subcommands, each in a file of its own that is read when it is called.
_FAMILIES = {
    "clauses": ("cli.clauses", "Which rules of the standards are honoured where, by which test, or why not."),
    "cors": ("cli.cors", "CORS: explain a call, check a policy, probe a service."),
    "events": ("cli.events", "What happened to accounts, and whether the record of it is whole."),
    "keys": ("cli.keys", "The keys that tokens are signed with: create, list, promote, retire."),
    "queue": ("cli.queue", "The queue: status, dead, revive, cancel, check, drain."),
    "routes": ("cli.routes", "The API as a table: method, path, who may call, where it is written, CORS."),
    "metrics": ("cli.metrics", "The figures of all processes, for Prometheus."),
    "token": ("cli.token", "Tokens: sign, verify, explain, diff."),
    "users": ("cli.users", "Accounts, for operators: disable, enable."),
}


class _Dada(click.Group):
    """The command: families are read when they are called, mistakes are told in lines, never in tracebacks."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*super().list_commands(ctx), *_FAMILIES])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _FAMILIES:
            return super().get_command(ctx, cmd_name)
        module, _ = _FAMILIES[cmd_name]
        command: click.Command = getattr(importlib.import_module(module), cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 click's
        told = {name: text for name, (_, text) in _FAMILIES.items()}
        told |= {name: command.get_short_help_str(80) for name, command in self.commands.items()}
        with formatter.section("Commands"):
            formatter.write_dl(sorted(told.items()))

    def main(self, *args: Any, **kwargs: Any) -> NoReturn:
        try:
            super().main(*args, **{**kwargs, "standalone_mode": False})
        except click.exceptions.Exit as error:
            sys.exit(error.exit_code)
        except click.Abort:
            sys.exit(130)
        except click.ClickException as error:
            print(f"dada: {error.format_message()}", file=sys.stderr)
            sys.exit(2)
        except Misuse as error:
            print(f"dada: {error}", file=sys.stderr)
            sys.exit(2)
        sys.exit(0)


@click.group(cls=_Dada, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def main() -> None:
    """Dada: the back end of a small shop whose protocol code is written by hand.

    `dada up` starts the whole system on this machine; the other commands look into its parts.
    """


@main.command()
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(".sandbox"),
    show_default=True,
    help="Folder of the sandbox: secrets, database, Valkey's files.",
)
@click.option("--database", metavar="URL", help="A database of your own: mysql+pymysql://user:password@host/name.")
@click.option("--redis", metavar="URL", help="A Redis of your own: redis://host:port/0.")
@click.option("--api-port", type=int, default=8000, show_default=True, help="The JSON API.")
@click.option("--page-port", type=int, default=7000, show_default=True, help="The page, another origin on purpose.")
@click.option("--world-port", type=int, default=9000, show_default=True, help="Weibo look-alike and mailbox.")
@click.option("--smtp-port", type=int, default=9025, show_default=True, help="The mailbox's SMTP.")
@click.option("--metrics-port", type=int, default=8001, show_default=True, help="Figures for Prometheus.")
def up(
    data: Path, database: str | None, redis: str | None, api_port: int, page_port: int, world_port: int, smtp_port: int,
    metrics_port: int,
) -> None:  # fmt: skip
    """Start everything on this machine, and stop it with Ctrl-C.

    \b
    page    http://127.0.0.1:7000          register, log in, addresses, "log in with Weibo"
    api     http://127.0.0.1:8000          gunicorn, the JSON API
    worker                                 sends the letters
    metrics http://127.0.0.1:8001/metrics  the figures of all of them, for Prometheus
    world   http://127.0.0.1:9000          a look-alike of Weibo; /mailbox shows the letters
    valkey                                 queue and cache, unless --redis is given

    Everything listens on loopback only.  Secrets are made on the first run.
    """
    from rich.console import Console

    from sandbox.up import Options, up

    options = Options(data, database, redis, api_port, page_port, world_port, smtp_port, metrics_port)
    sys.exit(up(options, Console()))


@main.command()
def migrate() -> None:
    """Bring the database of DATABASE_URL to the schema that this program expects."""
    from shop.database import Database
    from shop.schema import migrate, must_be_current

    url = os.environ.get("DATABASE_URL")
    if not url:
        raise click.ClickException("DATABASE_URL is not set")
    database = Database(url)
    migrate(database)
    must_be_current(database)
    click.echo("the database is current")


if __name__ == "__main__":
    main()
