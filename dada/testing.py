"""For tests: a client that calls a WSGI application in process, the scanners' probes of it, a clock set by hand.

This file knows WSGI (PEP 3333) and JSON; it does not know what is tested.
"""

import io
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import unquote_to_bytes

from dada.cors_probe import probe
from dada.cors_rules import Finding
from dada.fetch import Answer, Server
from dada.fetch_checks import Headers

__all__ = ["Client", "Clock", "Response", "audit_cors"]


class Clock:
    """A clock that stands still until it is moved: seconds since 1970."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        """Let *seconds* pass."""
        self.now += seconds


class Response:
    """What came back: the status, every header line in order, the body."""

    def __init__(self, status: int, headers: Sequence[tuple[str, str]], body: bytes) -> None:
        self.status, self.headers, self.body = status, list(headers), body

    def header(self, name: str) -> str | None:
        """Return a header's lines joined, or None."""
        values = [value for line, value in self.headers if line.lower() == name.lower()]
        return ", ".join(values) if values else None

    @property
    def json(self) -> Any:
        """The body's JSON value; None for no body."""
        return json.loads(self.body) if self.body else None

    def __repr__(self) -> str:
        return f"<{self.status} {self.body[:200]!r}>"


class Client:
    """Calls *app* as a server would; *headers* go along with every request."""

    def __init__(self, app: Any, headers: Mapping[str, str] | None = None) -> None:
        self.app, self.headers = app, dict(headers or {})

    def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        *,
        raw: bytes | None = None,
    ) -> Response:
        """Send one request; *body* goes as JSON, *raw* as it is."""
        data = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        target, _, query = path.partition("?")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "RAW_URI": path,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(target).decode("latin-1"),
            "QUERY_STRING": query,
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "8000",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_HOST": "127.0.0.1:8000",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(data),
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": False,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        if data or raw is not None or body is not None:
            environ |= {"CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(data))}
        for name, value in {**self.headers, **(headers or {})}.items():
            key = name.upper().replace("-", "_")
            environ[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"] = value
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(status: str, lines: list[tuple[str, str]], _: Any = None) -> None:
            started.append((status, lines))

        parts = self.app(environ, start_response)
        try:
            content = b"".join(parts)
        finally:
            getattr(parts, "close", lambda: None)()
        status, lines = started[-1]
        return Response(int(status[:3]), lines, content)


def audit_cors(
    app: Any, paths: Iterable[str], trusted: Iterable[str], missing: str = "/there/is/no/such/thing"
) -> dict[str, list[Finding]]:
    """Return, for each path, what the scanners' probes find in *app*, called in process (Fetch §3.3).

    trusted  the origins that it is meant to let in, as in a Policy
    missing  a path that it does not have

    An exception that leaves *app* counts as what a server makes of it: a bare 500.
    """
    client, trusted = Client(app), list(trusted)

    def asking(path: str) -> Server:
        def ask(method: str, headers: Headers) -> Answer:
            try:
                response = client(method, path, headers=dict(headers))
            except Exception:  # noqa: BLE001 whatever it is
                return Answer(500, ())
            return Answer(response.status, response.headers)

        return ask

    return {path: probe(asking(path), trusted, asking(missing)) for path in paths}
