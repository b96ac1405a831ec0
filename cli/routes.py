"""`dada routes`: the whole API as a table: method, path, who may call, where it is written, what CORS makes of it."""

import inspect
import json
import os
from pathlib import Path
from typing import Any

import click

from dada.openapi import Described

__all__ = ["routes"]

ROOT = Path(__file__).parents[1]
_DEFAULT_PAGE = "http://127.0.0.1:7000"


@click.command()
@click.argument("part", default="")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@click.option("--page", metavar="ORIGIN", help="The page that calls; else PAGE_ORIGIN, else that of the sandbox.")
def routes(part: str, as_json: bool, page: str | None) -> None:
    """Every operation of the API; with PART only those whose path holds it.

    \b
    who      anyone; signed-in: a good access token; owner: the token of the one in the path
    where    the method that answers, as file:line
    cors     what a browser does before a page of the other origin may call:
             at once        it sends the request, and asks nobody
             asks first     it sends a preflight, for the method and the headers that are named
             is refused     the policy does not let the page call
    """
    origin = page or os.environ.get("PAGE_ORIGIN") or _DEFAULT_PAGE
    rows = table(origin, part)
    if not rows:
        raise click.ClickException(f"no path holds {part!r}")
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    lines = [("METHOD", "PATH", "WHO", "WHERE", f"CORS, for {origin}")]
    lines += [(row["method"], row["path"], row["who"], row["where"], _told(row["cors"])) for row in rows]
    widths = [max(len(line[at]) for line in lines) for at in range(4)]
    for line in lines:
        click.echo("  ".join([*(text.ljust(width) for text, width in zip(line, widths, strict=False)), line[4]]))


def table(origin: str, part: str = "") -> list[dict[str, Any]]:
    """Return a row for each operation whose path holds *part*.  Raise :exc:`Misuse` for what is no page's origin."""
    from handlers.documents import operations
    from handlers.policy import make_policy

    policy = make_policy(origin)
    return [
        {
            "method": one.method,
            "path": one.path,
            "who": one.who,
            "where": _where(one.handler),
            "cors": _cors(policy, origin, one),
        }
        for one in operations()
        if part in one.path
    ]


def _where(handler: Any) -> str:
    inner = inspect.unwrap(handler)
    path = Path(inspect.getsourcefile(inner) or "").resolve()
    return f"{path.relative_to(ROOT).as_posix()}:{inspect.getsourcelines(inner)[1]}"


def _cors(policy: Any, origin: str, one: Described) -> dict[str, Any]:
    """Return what a browser asks for before a page of *origin* makes this call as it is meant (Fetch §4.8)."""
    from dada.cors_policy import Request
    from dada.headers import SAFELISTED_METHODS

    declared = one.operation
    names = [header.name.lower() for header in declared.headers if header.required]
    names += ["authorization"] if one.who != "anyone" or declared.caller == "own" else []
    names += ["content-type"] if declared.takes is not None else []  # JSON is no form's type (Fetch §2.2.2)
    first = bool(names) or one.method not in SAFELISTED_METHODS
    asked = (one.method, ",".join(sorted(names)) or None) if first else (None, None)
    decision = policy.decide(Request("OPTIONS" if first else one.method, origin, *asked))
    return {"preflight": first, "headers": sorted(names), "allowed": decision.allowed}


def _told(cors: dict[str, Any]) -> str:
    if not cors["allowed"]:
        return "is refused"
    return f"asks first: {', '.join(cors['headers'])}".rstrip(": ") if cors["preflight"] else "at once"
