"""Logs: a JSON object a line, on stderr, without secrets.

What a log record may carry besides its message is named here; whatever looks like a credential in a message is taken
out before it is written, and line ends are escaped, so that nobody writes a line of his own into a log.

This file knows records; it does not know who writes them.
"""

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import Any, Final

__all__ = ["Formatter", "configure", "redacted"]

FIELDS: Final = (
    "request", "job", "task", "queue", "tries", "worker", "milliseconds", "status", "method", "route", "path", "why",
    "event",
    "mac",
)  # fmt: skip

# The letters of base64url as a URL may spell them: %41 for A.
_OTHERWISE: Final = "%(?:2[Dd]|3[0-9]|4[1-9A-Fa-f]|5[0-9AaFf]|6[1-9A-Fa-f]|7[0-9Aa])"
_SECRETS: Final = (
    # What gunicorn quotes of a request that it cannot read: after a wrong length, that is the rest of a body.
    (re.compile(r"(?s)(Invalid request from ip=\S* [\w ()>-]*+).+"), r"\1[redacted]"),
    (re.compile(r"[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}"), "[redacted]"),  # a JWT
    (re.compile(r"(?i)\b(bearer )[A-Za-z0-9._~+/-]+=*"), r"\1[redacted]"),
    (re.compile(r"(://)[^/@\s]+@"), r"\1[redacted]@"),  # user and password of a URL
    (re.compile(r"(?i)((?:password|secret|sentinels|token|code|state|ticket|verifier)=)[^&\s\"']+"), r"\1[redacted]"),
    (re.compile(r"\$argon2\S+"), "[redacted]"),
    # What MariaDB says of people's own values.
    (re.compile(r"(?i)(duplicate entry )'.*'( for key)"), r"\1[redacted]\2"),
    (re.compile(rf"(?:[A-Za-z0-9_-]|{_OTHERWISE}){{40,}}"), "[redacted]"),  # one-time tokens, states, refresh tokens
)

# JSON lets these stand as they are, and whoever reads a log by lines may end one there, and terminals obey some.
_LINE_ENDS: Final = {code: f"\\u{code:04x}" for code in (*range(0x7F, 0xA0), 0x2028, 0x2029)}


def redacted(text: str) -> str:
    """Return *text* with whatever looks like a credential taken out."""
    for secret, instead in _SECRETS:
        text = secret.sub(instead, text)
    return text


class Formatter(logging.Formatter):
    """Writes a record as one line of JSON."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        told: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "process": self._process,
            "logger": record.name,
            "message": redacted(record.getMessage()),
        }
        told |= {name: getattr(record, name) for name in FIELDS if hasattr(record, name)}
        for name in ("why", "path"):
            if name in told:
                told[name] = redacted(str(told[name]))
        if record.exc_info:
            told["traceback"] = redacted(self.formatException(record.exc_info))
        return json.dumps(told, ensure_ascii=False, default=str).translate(_LINE_ENDS)


def configure(process: str, level: int = logging.INFO) -> None:
    """Let every logger of this process write so."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Formatter(process))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.getLogger("alembic.runtime.plugins").setLevel(logging.WARNING)  # six lines a process, of no use to anybody
