"""The page's own origin: `python -m sandbox.page --port 7000 --api http://127.0.0.1:8000`.

Static files out of `web/`, with the headers that a production server would send too, and one file that is made:
/config.json tells the page where the API is.

This file knows files and headers; what the page does is in its own modules.
"""

import argparse
import contextlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from werkzeug.middleware.shared_data import SharedDataMiddleware
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

__all__ = ["Page", "main"]

WEB: Final = Path(__file__).parents[1] / "web"


class Page:
    """A WSGI application that serves the page.

    config  what /config.json says: api, mailbox, weibo as URLs; providers, the names of others to log in with

    Each provider sends the browser back to a page of its own name, all of which are one file.
    """

    def __init__(self, config: Mapping[str, Any], root: Path = WEB) -> None:
        self._config = json.dumps(config)
        self._callbacks = frozenset(f"/callback/{name}.html" for name in config.get("providers", ()))
        self._files = SharedDataMiddleware(self._made, {"/": str(root)}, cache=False)
        pictures = " ".join(sorted({origin for name in ("api", "weibo") if (origin := config.get(name))}))
        servers = " ".join(origin for name in ("api", "weibo") if (origin := config.get(name)))
        self._headers = [
            ("Content-Security-Policy", "; ".join([
                "default-src 'none'", "script-src 'self'", "style-src 'self'", "font-src 'self'", "manifest-src 'self'",
                f"img-src 'self' data: https: {pictures}", f"connect-src 'self' {servers}", "form-action 'none'",
                "frame-ancestors 'none'", "base-uri 'none'",
            ])),
            ("Referrer-Policy", "no-referrer"),
            ("X-Content-Type-Options", "nosniff"),
            ("Cross-Origin-Opener-Policy", "same-origin"),
            ("Cache-Control", "no-cache"),
        ]  # fmt: skip

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        if environ["PATH_INFO"].endswith("/"):
            environ["PATH_INFO"] += "index.html"
        if environ["PATH_INFO"] in self._callbacks:
            environ["PATH_INFO"] = "/callback/weibo.html"

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            kept = [header for header in headers if header[0].lower() not in ("cache-control", "date")]
            return start_response(status, kept + self._headers, exc_info)

        return self._files(environ, start)

    def _made(self, environ: dict[str, Any], start_response: Any) -> Any:
        if Request(environ).path == "/config.json":
            return Response(self._config, mimetype="application/json")(environ, start_response)
        return Response("There is no such page.\n", 404, mimetype="text/plain")(environ, start_response)


class _Quiet(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing: the page's own requests are not what anybody watches."""

    def version_string(self) -> str:
        """Return no version."""
        return "page"


def main(arguments: list[str] | None = None) -> int:
    """Serve until stopped; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.page", description="Serves the page on loopback.")
    parser.add_argument("--port", type=int, default=7000)
    parser.add_argument("--api", default="http://127.0.0.1:8000")
    parser.add_argument("--world", default="http://127.0.0.1:9000")
    parser.add_argument("--provider", action="append", default=[], help="one to log in with, besides Weibo")
    given = parser.parse_args(arguments)
    config = {"api": given.api, "mailbox": f"{given.world}/mailbox", "weibo": given.world}
    others = {"providers": given.provider} if given.provider else {}
    try:
        server = make_server("127.0.0.1", given.port, Page(config | others), threaded=True, request_handler=_Quiet)
    except (OSError, SystemExit):
        print(f"page: port {given.port} of 127.0.0.1 is in use", file=sys.stderr)
        return 2
    print(f"page: http://127.0.0.1:{given.port}", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
