"""HTTP: what an answer consists of, besides the application: gunicorn's writing of its head, which costs by the header.

An answer of ours carries what keeps it safe (who may read, keep, frame or sniff it, and its request's id); a peer's
does not, unless somebody adds that.  This file tells what those headers cost where they are written.
"""

import io
import time
from collections.abc import Callable
from typing import Any

from gunicorn.config import Config
from gunicorn.http.wsgi import Response

from bench.timing import compare

__all__ = ["run"]

FLOOR, SHOWN = "an empty application", ("empty", "dada", "falcon", "bottle", "flask", "django")


class _Asked:
    """A request, as far as gunicorn's answer asks about it."""

    method, version = "GET", (1, 1)

    def should_close(self) -> bool:
        return False


class _Sink:
    """A socket that takes everything."""

    def sendall(self, data: bytes) -> None:
        """Take *data*."""


def _answer(app: Any, environ: dict[str, Any]) -> tuple[str, list[tuple[str, str]], bytes]:
    told: list[Any] = []
    parts = app({**environ, "wsgi.input": io.BytesIO()}, lambda *started: told.append(started))
    return told[0][0], told[0][1], b"".join(parts)


def _writing(status: str, headers: list[tuple[str, str]], body: bytes) -> Callable[[], None]:
    settings = Config()

    def write() -> None:
        response = Response(_Asked(), _Sink(), settings)
        response.start_response(status, headers)
        response.write(body)
        response.close()

    return write


def run(title: str, environ: dict[str, Any], apps: dict[str, Any], labels: dict[str, str], rounds: int) -> str:
    """Return the table for the answers of *apps*, by name, to one request."""
    answers = {labels.get(name, FLOOR): _answer(apps[name], environ) for name in SHOWN}
    writing = {label: _writing(*answer) for label, answer in answers.items()}
    rows = compare(writing, FLOOR, rounds=rounds, calls=100, clock=time.thread_time_ns)
    lines = [f"### {title}, what gunicorn spends on writing the answer", ""]
    lines += ["| | headers | their bytes | the body's | best µs |", "| --- | ---: | ---: | ---: | ---: |"]
    for row in rows:
        _, headers, body = answers[row.name]
        size = sum(len(name) + len(value) + 4 for name, value in headers)
        lines.append(f"| {row.name} | {len(headers)} | {size} | {len(body)} | {row.nanoseconds / 1000:.1f} |")
    return "\n".join(lines) + "\n"
