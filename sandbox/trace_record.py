"""An exchange record: one request, job, letter or call to another service, and everything that happened in it.

    {"id", "trace", "cause", "kind": "preflight" | "request" | "job" | "mail" | "call", "from", "to",
     "at": ms since 1970, "took": ms or -1 while it runs, "title", "status", "verdict": "good" | "odd" | "bad",
     "request": {"line", "headers", "body"}, "answer": {…}, "events": […]}

An event has "at" and "took", in milliseconds after the record's, and a kind: "check", "sql", "redis", "put", "go" (to
another record).  The span that is being recorded is known to whatever runs within it, by a context variable.

This file knows records as data; it does not know where their content comes from.
"""

import contextvars
import json
import re
import secrets
import time
from collections.abc import Iterable, Mapping
from typing import Any, Final

from dada.trace import Step
from sandbox.trace_stream import Cause, TraceStream

__all__ = ["MAX_BODY", "Recorder", "Span", "current", "hide", "told"]

MAX_BODY: Final = 16_384  # characters of a body that are kept
MAX_EVENTS: Final = 400
HIDDEN: Final = "•••"

_SECRET: Final = re.compile(
    r'("(?:\w*password|\w*token|ticket|verifier|code|state|client_secret|flow_secret)"\s*:\s*")[^"]*'
    r"|((?:^|[?&])(?:\w*token|code|state|client_secret|verifier)=)[^&\s]*"
    r"|(/(?:password-resets|activation|reset)/)[^/?\s]+",
    re.IGNORECASE,
)

_current: contextvars.ContextVar["Span | None"] = contextvars.ContextVar("span", default=None)


def current() -> "Span | None":
    """Return the span that is being recorded here, if any."""
    return _current.get()


def told(step: Step, group: str, source: str) -> dict[str, Any]:
    """Return a step as the page is told of it; *source* is where its check stands."""
    return {
        "kind": "check", "group": group, "name": step.name, "clause": step.clause, "verdict": step.verdict,
        "found": step.found, "source": source,
    }  # fmt: skip


def hide(text: str) -> str:
    """Return *text*, a body, a form or a URL, without the secrets in it."""
    return _SECRET.sub(lambda match: "".join(filter(None, match.groups())) + HIDDEN, text)


class Span:
    """A record that is being written."""

    def __init__(self, record: dict[str, Any]) -> None:
        self.record = record
        self._began = time.perf_counter()
        self.token: contextvars.Token[Span | None] | None = None

    @property
    def cause(self) -> Cause:
        """This record, as what leads to others."""
        return Cause(self.record["id"], self.record["trace"])

    def elapsed(self) -> float:
        """Return the milliseconds since it began."""
        return round((time.perf_counter() - self._began) * 1000, 2)

    def event(self, event: Mapping[str, Any], took: float = 0.0) -> None:
        """Add an event that ends now and *took* so many seconds."""
        if len(self.record["events"]) < MAX_EVENTS:
            milliseconds = round(took * 1000, 2)
            began = max(0.0, round(self.elapsed() - milliseconds, 2))
            self.record["events"].append({"at": began, "took": milliseconds, **event})


class Recorder:
    """Writes the records of one process.

    process  its name: "api", "worker", "weibo"
    shown    whether secrets are shown: only those of the sandbox, which everybody may see
    """

    def __init__(self, stream: TraceStream, process: str, *, shown: bool) -> None:
        self.stream, self.process, self.shown = stream, process, shown

    def begin(self, kind: str, parties: tuple[str, str], title: str, cause: Cause | None = None) -> Span:
        """Begin a record, which everything in this thread belongs to until it ends."""
        number = secrets.token_hex(8)
        span = Span({
            "id": number, "trace": cause.trace if cause else number, "cause": cause.record if cause else None,
            "kind": kind, "from": parties[0], "to": parties[1], "process": self.process,
            "at": round(time.time() * 1000, 1), "took": -1, "title": self.text(title), "status": "", "verdict": "good",
            "request": None, "answer": None, "events": [],
        })  # fmt: skip
        span.token = _current.set(span)
        return span

    def running(self, span: Span) -> None:
        """Tell of a record that has not ended."""
        self.stream.put(span.record)

    def end(self, span: Span, status: str, verdict: str = "good", **more: Any) -> None:
        """End a record and keep it; what ran around it goes on."""
        span.record |= {"took": span.elapsed(), "status": status, "verdict": verdict, **more}
        if span.token is not None:
            _current.reset(span.token)
            span.token = None
        self.stream.put(span.record)

    def text(self, text: str) -> str:
        """Return a text as it is kept: bounded, and without secrets where they are not shown."""
        kept = text if self.shown else hide(text)
        return kept if len(kept) <= MAX_BODY else kept[:MAX_BODY] + f"… ({len(kept)} characters)"

    def message(self, line: str, headers: Iterable[tuple[str, str]], body: bytes | str | None) -> dict[str, Any]:
        """Return a message as it is kept."""
        text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
        kept = [[name, value if self.shown else _hidden(name, value)] for name, value in headers]
        return {"line": self.text(line), "headers": kept, "body": None if text is None else self.text(text)}

    def values(self, values: Any) -> str:
        """Return the values of a statement or a command, or nothing where secrets are not shown."""
        if not self.shown:
            return ""
        try:
            text = json.dumps(values, ensure_ascii=False, default=_spelled)
        except (TypeError, ValueError):
            text = repr(values)
        return text if len(text) <= 600 else text[:600] + "…"


def _hidden(name: str, value: str) -> str:
    if name.lower() == "authorization":
        return f"{value.partition(' ')[0]} {HIDDEN}"
    return hide(value)


def _spelled(value: Any) -> str:
    if isinstance(value, bytes | memoryview):
        data = bytes(value)
        return data.decode() if data.isascii() else f"{len(data)} bytes {data.hex()[:16]}…"
    return str(value)
