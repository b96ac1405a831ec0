"""Where exchange records are kept: a capped stream in the sandbox's own Redis, and what links one record to the next.

    {sandbox}:traces         STREAM  the records, JSON, the oldest dropped
    {sandbox}:cause:<what>   STRING  the record that made <what> (a job, a letter's token, a preflight), for a while

A record that cannot be written is dropped: whoever is watched must not notice.

This file knows Redis; it does not know what a record says.
"""

import contextlib
import hashlib
import json
from typing import Any, Final, NamedTuple

import redis

__all__ = ["Cause", "TraceStream"]

_STREAM: Final = "{sandbox}:traces"
_CAUSE: Final = "{sandbox}:cause:"
KEPT: Final = 800
AT_ONCE: Final = 200


class Cause(NamedTuple):
    """What led to something: the record, and the trace that it belongs to."""

    record: str
    trace: str


class TraceStream:
    """The records, and the causes; *client* is a connection of its own, which nobody watches."""

    def __init__(self, client: "redis.Redis", kept: int = KEPT) -> None:
        self._redis, self._kept = client, kept

    def put(self, record: dict[str, Any]) -> None:
        """Keep a record; the oldest goes when there are too many."""
        text = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
        with contextlib.suppress(redis.exceptions.RedisError):
            self._redis.xadd(_STREAM, {"r": text.encode("utf-8", "replace")}, maxlen=self._kept, approximate=False)

    def read(self, after: str, wait: float = 0.0) -> list[tuple[str, str]]:
        """Return up to AT_ONCE records after the id *after* ("0": from the first), each with its id.

        Wait up to *wait* seconds for one.  Raise redis' own errors: a reader may be told.
        """
        block = max(1, round(wait * 1000)) if wait else None
        answer: Any = self._redis.xread({_STREAM: after}, count=AT_ONCE, block=block)
        rows = (answer.get(_STREAM.encode(), [[]])[0] if isinstance(answer, dict) else answer[0][1]) if answer else []
        return [(_text(number), _text(fields[b"r"])) for number, fields in rows]

    def clear(self) -> None:
        """Forget all records."""
        self._redis.delete(_STREAM)

    def remember(self, what: str, cause: Cause, seconds: int) -> None:
        """Keep what led to *what*, a text of any kind, by its hash."""
        with contextlib.suppress(redis.exceptions.RedisError):
            self._redis.set(_CAUSE + _hash(what), json.dumps(cause), ex=seconds)

    def cause(self, what: str, *, once: bool = False) -> Cause | None:
        """Return what led to *what*; with *once*, forget it."""
        try:
            key = _CAUSE + _hash(what)
            kept: Any = self._redis.getdel(key) if once else self._redis.get(key)
        except redis.exceptions.RedisError:
            return None
        return Cause(*json.loads(kept)) if kept else None


def _hash(what: str) -> str:
    return hashlib.sha256(what.encode("utf-8", "replace")).hexdigest()[:40]


def _text(value: bytes | str) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
