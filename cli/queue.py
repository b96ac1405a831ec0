"""`dada queue`: what is where, what was given up and why, and what a person may do about it."""

import json
import re
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple, NoReturn

import click
from redis.exceptions import RedisError

from dada.errors import Misuse
from dada.queue import Broken, Known, Queue
from dada.queue_server import examine
from shop.services import MAIL, OUTAGES, redis_client

__all__ = ["queue"]

_MEANING: Final = {
    "put": "ever",
    "ready": "wait for a worker",
    "held": "are being run",
    "later": "wait for their time",
    "dead": "were given up",
    "done": "ever",
}


class _Asked(NamedTuple):
    """The queue that a command is about, and its Redis."""

    queue: Queue
    redis: Any


def _told(error: Exception, what: str) -> NoReturn:
    """End with 2 and one line that holds no password."""
    why = (re.sub(r"://[^@/]*@", "://…@", str(error)).splitlines() or [type(error).__name__])[0]
    raise click.ClickException(f"{what}: {why}")


class _Span(click.FloatRange):
    """Seconds; click lets pass what is no number (nan), because it is neither too small nor too large."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        seconds = super().convert(value, param, ctx)
        if seconds != seconds:
            self.fail(f"{value!r} is no number.", param, ctx)
        return seconds


class _Family(click.Group):
    """A Redis that does not answer is told in one line, whichever command asked."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except OUTAGES as error:
            _told(error, "Redis does not answer")
        except RedisError as error:  # what is there is of another kind, or may not be read
            _told(error, "Redis refuses")


@click.group(cls=_Family)
@click.option("--redis", metavar="URL", envvar="REDIS_URL", help="redis://host:port/0; else REDIS_URL.")
@click.option("--queue", "name", default=MAIL, show_default=True, help="The queue's name.")
@click.pass_context
def queue(context: click.Context, redis: str | None, name: str) -> None:
    """The queue: a job is always in exactly one place, and here you see where.

    \b
    Exit status: 0 yes, 1 no (the law is broken, there is no such job …), 2 the question makes no sense.

    \b
      dada queue status --watch        what happens, as it happens
      dada queue dead                  what was given up, and why
      dada queue revive ID             let it run again, when the reason is gone
      dada queue check                 put = ready + held + later + dead + done?
    """
    if not redis:
        raise click.UsageError("say which Redis: --redis URL, or REDIS_URL")
    try:
        client = redis_client(redis)
    except ValueError as error:
        raise click.UsageError(f"--redis: {error}") from None
    context.obj = _Asked(Queue(client, name), client)


def _json(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option("--json", "as_json", is_flag=True, help="For machines.")(command)


def _say(told: Any) -> None:
    click.echo(json.dumps(told, ensure_ascii=False))


# --- looking -----------------------------------------------------------------------------------------------


@queue.command()
@click.option("--watch", is_flag=True, help="Again and again, until Ctrl-C; with --json a line each time.")
@click.option("--every", type=_Span(0.05, 3600), default=1.0, show_default=True, help="Seconds.")
@_json
@click.pass_obj
def status(asked: _Asked, watch: bool, every: float, as_json: bool) -> None:
    """How many jobs are where, and who works.

    Also how often each task ended how, and what a power cut of Redis would take.
    """
    before: dict[str, Any] | None = None
    while True:
        now = _look(asked)
        if as_json:
            _say(now)
        else:
            if watch and sys.stdout.isatty():
                click.clear()
            click.echo("\n".join(_lines(now, before, every)))
        sys.stdout.flush()
        if not watch:
            return
        before = now
        time.sleep(every)


def _look(asked: _Asked) -> dict[str, Any]:
    try:
        servers, refused = examine(asked.redis), ""
    except Misuse as error:
        servers, refused = [], str(error)
    return {
        "queue": asked.queue.name,
        **asked.queue.counts()._asdict(),
        "workers": [seen._asdict() for seen in asked.queue.workers()],
        "tasks": _by_task(asked.queue.tally()),
        "redis": [{"version": server.version, "persistence": server.persistence} for server in servers],
        "refused": refused,
    }


def _by_task(tally: dict[str, int]) -> dict[str, dict[str, int]]:
    tasks: dict[str, dict[str, int]] = {}
    for name, count in sorted(tally.items()):
        task, _, what = name.rpartition(":")
        tasks.setdefault(task, {})[what] = count
    return tasks


def _lines(now: dict[str, Any], before: dict[str, Any] | None, every: float) -> list[str]:
    lines = [click.style(now["queue"], bold=True)]
    for name, meaning in _MEANING.items():
        change = (now[name] - before[name]) / every if before else 0
        rate = f"  {change:+,.1f}/s" if change and name in ("put", "done") else ""
        colour = "red" if name == "dead" and now[name] else None
        lines.append(click.style(f"  {name:<6}{now[name]:>12,}", fg=colour) + f"  {meaning}{rate}")
    lines.append(f"workers {len(now['workers'])}")
    lines += [
        f"  {_plain(seen['name'])}  heard {seen['seconds']:.1f} s ago, holds {seen['holds']}" for seen in now["workers"]
    ]
    for task, figures in now["tasks"].items():
        told = ", ".join(f"{count:,} {what}" for what, count in figures.items() if what != "milliseconds")
        runs = sum(count for what, count in figures.items() if what != "milliseconds")
        lines.append(f"  {_plain(task)}: {told}; {figures.get('milliseconds', 0) / max(runs, 1):,.0f} ms each")
    lines += [f"redis {_plain(server['version'])}: {server['persistence']}" for server in now["redis"]]
    if now["refused"]:
        lines.append(click.style(f"redis: {_plain(now['refused'])}", fg="red"))
    return lines


def _plain(text: str) -> str:
    """Return *text* without what would move a terminal's cursor or turn its lines around."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


@queue.command()
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="The most to show.")
@_json
@click.pass_obj
def dead(asked: _Asked, limit: int, as_json: bool) -> None:
    """What was given up, and why.

    The newest first, each with its reason.
    """
    found = asked.queue.dead(limit)
    if as_json:
        _say([job._asdict() for job in found])
        return
    for job in found:
        when = f"{datetime.fromtimestamp(job.when, UTC):%Y-%m-%d %H:%M:%S} UTC"
        args = json.dumps(job.args, ensure_ascii=False)
        click.secho(_plain(job.id), bold=True, nl=False)
        click.echo(f"  {_plain(job.task)} {_plain(args)}  {when}, after {job.tries} retries")
        click.secho(f"  {_plain(job.error)}", fg="red")
    if not found:
        click.echo("nothing was given up")


@queue.command()
@_json
@click.pass_obj
def check(asked: _Asked, as_json: bool) -> None:
    """Is every job in just one place?

    The law: put = ready + held + later + dead + done, and no job is in two places.

    Redis serves nobody else meanwhile: about a second for a million jobs.
    """
    try:
        counts, twice = asked.queue.check(), []
    except Broken as error:
        counts, twice = error.counts, error.ids
    holds = counts.put == sum(counts[1:]) and not twice
    if as_json:
        _say({"holds": holds, **counts._asdict(), "twice": twice})
    else:
        ready, held, later, died, done = counts[1:]
        sign = "=" if counts.put == sum(counts[1:]) else "≠"
        click.echo(f"put {counts.put} {sign} ready {ready} + held {held} + later {later} + dead {died} + done {done}")
        for job_id in twice:
            click.secho(f"in two places: {_plain(job_id)}", fg="red")
        click.secho("the law holds" if holds else "the law is broken", fg="green" if holds else "red")
    sys.exit(0 if holds else 1)


# --- doing -------------------------------------------------------------------------------------------------


@queue.command()
@click.argument("ids", nargs=-1, metavar="ID…")
@click.option("--all", "everything", is_flag=True, help="Every job that was given up.")
@_json
@click.pass_obj
def revive(asked: _Asked, ids: tuple[str, ...], everything: bool, as_json: bool) -> None:
    """Put dead jobs in line again, as if they had never failed.  Exit status 1 if one is not dead."""
    if bool(ids) == everything:
        raise click.UsageError("give IDs, or --all")
    wanted = [job.id for job in asked.queue.dead(asked.queue.counts().dead)] if everything else list(ids)
    told: dict[str, str] = {}
    for job_id in wanted:
        try:
            told[job_id] = "waiting" if asked.queue.revive(job_id) else "not dead"
        except Known as error:
            told[job_id] = f"job {error.id} has its key by now"
    _tell(told, "waiting", as_json)


@queue.command()
@click.argument("ids", nargs=-1, required=True, metavar="ID…")
@_json
@click.pass_obj
def cancel(asked: _Asked, ids: tuple[str, ...], as_json: bool) -> None:
    """Cancel jobs.

    One that waits is dead at once, one that runs is stopped.  Exit status 1 if there is none.
    """
    _tell(
        {job_id: "cancelled" if asked.queue.cancel(job_id) else "no such job" for job_id in ids}, "cancelled", as_json
    )


def _tell(told: dict[str, str], good: str, as_json: bool) -> None:
    if as_json:
        _say(told)
    for job_id, what in () if as_json else told.items():
        click.echo(f"{_plain(job_id)}: {what}")
    sys.exit(0 if all(what == good for what in told.values()) else 1)


@queue.command()
@click.option("--timeout", type=_Span(0, 10 * 366 * 86400), default=60.0, show_default=True, help="Seconds to wait.")
@click.option("--later", is_flag=True, help="Wait for delayed jobs and retries, too.")
@_json
@click.pass_obj
def drain(asked: _Asked, timeout: float, later: bool, as_json: bool) -> None:
    """Wait until everything is done.

    Before a migration, or a move to another Redis.

    Nothing is thrown away.  Exit status 1 if something is left.
    """
    until = time.monotonic() + timeout
    while (left := _left(asked.queue, later)) and time.monotonic() < until:
        time.sleep(0.1)
    if as_json:
        _say({"left": left})
    else:
        click.echo(f"{left} left" if left else "everything is done")
    sys.exit(1 if left else 0)


def _left(queue: Queue, later: bool) -> int:
    counts = queue.counts()
    return counts.ready + counts.held + (counts.later if later else 0)
