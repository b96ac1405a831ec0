"""`dada metrics`: the figures of all processes of this machine, served for Prometheus on an address of its own."""

import os
import sys
from collections.abc import Callable, Iterable
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import click

from shop import metrics as figures
from shop.services import Services, connect
from shop.settings import Settings

__all__ = ["make_page", "metrics"]


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Silent(WSGIRequestHandler):
    timeout = 10  # seconds, for whoever connects and says nothing

    def log_message(self, *_: Any) -> None:
        """Say nothing: Prometheus asks every few seconds."""


@click.command()
@click.option("--bind", default="127.0.0.1:8001", show_default=True, metavar="HOST:PORT", help="0 takes a free port.")
@click.option("--once", is_flag=True, help="Print the figures and end.")
def metrics(bind: str, once: bool) -> None:
    """The figures of all processes of this machine, for Prometheus: GET /metrics.

    Reads the settings that the API and the workers read; METRICS_DIR says where they count.  The address is one of its
    own, of loopback, and not a path of the API: no proxy can pass it on by mistake, and when all threads of the API are
    busy the figures still say so.
    """
    settings = Settings.read(os.environ)
    if settings.metrics_dir is None:
        raise click.ClickException("METRICS_DIR is not set: nobody counts")
    services = connect(settings)
    if once:
        click.echo(figures.read(settings.metrics_dir, services), nl=False)
        return
    host, _, port = bind.rpartition(":")
    try:
        server = make_server(host, int(port), make_page(services), _Server, _Silent)
    except (OSError, ValueError, OverflowError) as error:
        raise click.ClickException(f"--bind {bind}: {error}") from None
    click.echo(f"http://{host}:{server.server_port}/metrics")
    sys.stdout.flush()
    server.serve_forever()


def make_page(services: Services) -> Callable[[dict[str, Any], Any], Iterable[bytes]]:
    """Return a WSGI application with one page, /metrics."""
    folder = services.settings.metrics_dir

    def page(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ["PATH_INFO"] != "/metrics" or folder is None:
            start_response("404 Not Found", [("Content-Type", "text/plain")])
            return [b"/metrics is all there is\n"]
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            start_response("405 Method Not Allowed", [("Allow", "GET, HEAD"), ("Content-Type", "text/plain")])
            return [b"GET\n"]
        told = figures.read(folder, services)
        start_response("200 OK", [("Content-Type", "text/plain; version=0.0.4; charset=utf-8")])
        return [told]

    return page
