"""What was asked of the look-alike: the calls as they came, for tests and teachers to read.

It shows what a real provider's access log would: that one code made one token request, and that no secret stood
in a URL.  It holds secrets itself; it is read behind the admin token only, and kept in memory, bounded.

This file knows requests as data; it does not know what they meant.
"""

import threading
from collections import deque
from collections.abc import Mapping
from typing import Any, Final

from werkzeug import Request

__all__ = ["RequestLog"]

KEPT: Final = 1000


class RequestLog:
    """The last *kept* calls, oldest first.  Safe to use from several threads."""

    def __init__(self, kept: int = KEPT) -> None:
        self._lock = threading.Lock()
        self._calls: deque[dict[str, Any]] = deque(maxlen=kept)
        self._count = 0

    def add(self, request: Request, *, endpoint: str, at: float, status: int | None, faults: list[str]) -> None:
        """Remember *request*, how it was answered (None: not at all), and which *faults* met it."""
        call = {
            "at": at,
            "endpoint": endpoint,
            "method": request.method,
            "path": request.path,
            "query": request.query_string.decode("utf-8", "replace"),
            "headers": dict(request.headers),
            "body": request.get_data().decode("utf-8", "replace"),
            "arguments": _lists(request.args.to_dict(flat=False)),
            "form": _lists(request.form.to_dict(flat=False)),
            "status": status,
            "faults": faults,
        }
        with self._lock:
            self._count += 1
            self._calls.append({"id": self._count, **call})

    def shown(self, endpoint: str | None = None) -> list[dict[str, Any]]:
        """Return the calls, oldest first; only those of *endpoint* where it is given."""
        with self._lock:
            return [dict(call) for call in self._calls if endpoint in (None, call["endpoint"])]

    def clear(self) -> None:
        """Forget all calls."""
        with self._lock:
            self._calls.clear()


def _lists(values: Mapping[str, list[str]]) -> dict[str, list[str]]:
    return {name: list(items) for name, items in values.items()}
