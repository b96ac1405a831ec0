"""What is told of each request besides its answer: a line of the log, figures, and in the sandbox the time it took.

This file knows requests; where lines and figures go is the shop's.
"""

import functools
import logging
import time
from collections.abc import Callable
from typing import Any, Final

from dada.app import Request
from dada.cors import Decision
from handlers.limits import is_in
from shop.logs import redacted
from shop.metrics import Metrics
from shop.services import Services

__all__ = ["Observer"]

_log = logging.getLogger("api.access")
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Observer:
    """Watches requests, as far as the settings ask for it; *begin* is called before anything else is."""

    def __init__(self, services: Services, begin: Callable[[Request], None]) -> None:
        settings = services.settings
        self._begin, self._logs, self._times = begin, settings.access_log, settings.sandbox
        self._proxies = settings.trusted_proxies
        self._metrics = Metrics(settings.metrics_dir) if settings.metrics_dir else None
        if self._metrics:
            services.db.watch(self._metrics.connections)

    def arrived(self, request: Request) -> None:
        """A request is here."""
        if self._metrics:
            self._metrics.begin()
        self._begin(request)

    def answered(self, request: Request, status: int) -> None:
        """A request is about to be answered."""
        seconds = time.perf_counter() - request.began
        method = request.method if request.method in _METHODS else "other"  # anybody may make up words
        if self._metrics:
            self._metrics.end(method, request.route, status, seconds)
        if self._times:
            request.answer_headers.append(("Server-Timing", f"app;dur={seconds * 1000:.1f}"))
        if self._logs:
            # Where a letter's token stands in a path, it is not looked for in each spelling: no path, then.
            path = request.route if "<token>" in request.route else _shown(request.path[:1000])[:200]
            what = {"request": request.id, "method": method, "route": request.route, "path": path}
            _log.info("answered", extra=what | {"status": status, "milliseconds": round(seconds * 1000, 1)})

    def decided(self, decision: Decision) -> None:
        """CORS decided about a request; of those, preflights go no further."""
        if self._metrics and decision.kind == "preflight":
            self._metrics.preflight(decision.allowed)

    def trusts(self, environ: dict[str, Any]) -> bool:
        """Whether a proxy of ours sends this, which may have named the request already."""
        return _is_in(environ.get("REMOTE_ADDR", ""), self._proxies)


_shown = functools.lru_cache(maxsize=1024)(redacted)  # a token in a path is a secret there too
_is_in = functools.lru_cache(maxsize=256)(is_in)
