"""Two servers in one process, HTTP and SMTP, on loopback and nowhere else.

Both sockets are bound before anything is served, so a port that somebody else has is known at once and by name.

This file knows addresses and lifetimes; it does not know what is served.
"""

import ipaddress
import os
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import urlsplit

from werkzeug.serving import WSGIRequestHandler, make_server

from dada import jsontext
from dada.errors import DadaError
from sandbox import smtp, weibo_faults
from sandbox.app import Sandbox
from sandbox.faults import Faults
from sandbox.mailbox import Mailbox
from sandbox.smtp import SmtpServer
from sandbox.weibo import Weibo
from sandbox.weibo_store import Application

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

__all__ = ["Address", "CannotStart", "Secrets", "World", "read_secrets"]

APPLICATION_NAME: Final = "达达商城 DadaShop"


class CannotStart(DadaError):
    """The sandbox cannot start; the text says why, in one line."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen: a host of this machine, and a port; 0 takes any that is free."""

    host: str
    port: int

    @classmethod
    def read(cls, text: str) -> Self:
        """Return the address that *text* spells: "127.0.0.1:9000", "[::1]:9000".  Raise :exc:`CannotStart`."""
        host, colon, port = text.rpartition(":")
        bare = "127.0.0.1" if host == "localhost" else host.removeprefix("[").removesuffix("]")
        try:
            loopback = ipaddress.ip_address(bare).is_loopback
        except ValueError:
            raise CannotStart(f"{text!r} is no address such as 127.0.0.1:9000") from None
        if not colon or not port.isascii() or not port.isdecimal() or int(port[:6]) > 65535:
            raise CannotStart(f"{text!r} has no port between 0 and 65535")
        if not loopback:
            raise CannotStart(f"{text} is not of this machine alone; only loopback is served")
        return cls(bare, int(port))

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True, repr=False)
class Secrets:
    """What the shop registered at the look-alike, and the token that opens /admin/."""

    weibo_app_key: str
    weibo_app_secret: str
    weibo_redirect_uri: str
    admin_token: str


def read_secrets(path: Path) -> Secrets:
    """Return the secrets in the JSON file at *path*; other members are for others.  Raise :exc:`CannotStart`."""
    try:
        members = jsontext.read(path.read_bytes())
    except OSError as error:
        raise CannotStart(f"secrets file {path}: {error.strerror}") from None
    except jsontext.NotJSON as error:
        raise CannotStart(f"secrets file {path} is not JSON: {error}") from None
    names = Secrets.__dataclass_fields__
    if not isinstance(members, dict):
        raise CannotStart(f"secrets file {path} holds no object")
    bad = [name for name in names if not isinstance(members.get(name), str) or not members[name]]
    if bad:
        raise CannotStart(f"secrets file {path} has no text for {', '.join(bad)}")
    secrets = Secrets(**{name: members[name] for name in names})
    address = urlsplit(secrets.weibo_redirect_uri)
    if address.scheme not in ("http", "https") or not address.netloc or address.fragment:
        raise CannotStart(f"secrets file {path}: weibo_redirect_uri is no absolute URI without a fragment")
    return secrets


class _Handler(WSGIRequestHandler):
    """One connection; says what Weibo's servers say of themselves, and writes no access log."""

    timeout = 30
    server_version = "nginx"
    sys_version = ""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass

    def run_wsgi(self) -> None:
        super().run_wsgi()
        self.close_connection = True  # also after a reset on purpose, when no answer said so

    def version_string(self) -> str:
        return "nginx"


class World:
    """The sandbox, running: `with World(http, smtp, secrets) as world: …`.

    make_rooms  returns what else is served, by first segment, given the look-alike: see `rooms.py`

    Raise :exc:`CannotStart` for a port that is taken.
    """

    def __init__(
        self,
        http: Address,
        mail: Address,
        secrets: Secrets,
        make_rooms: "Callable[[Weibo], Mapping[str, WSGIApplication]]" = lambda _: {},
    ) -> None:
        listener = _listen(http)
        try:
            letters = _listen(mail)
        except CannotStart:
            listener.close()
            raise
        faults = Faults({**weibo_faults.KINDS, **smtp.KINDS})
        self.mailbox = Mailbox()
        self.weibo = Weibo([_application(secrets)], admin_token=secrets.admin_token, faults=faults)
        self._smtp = SmtpServer(letters, self.mailbox, faults)
        with listener:  # the server works on a duplicate of its own
            self._http = make_server(
                http.host,
                http.port,
                Sandbox(self.weibo, self.mailbox, make_rooms(self.weibo)),
                threaded=True,
                request_handler=_Handler,
                fd=listener.fileno(),
            )
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.1,), name="http", daemon=True)
        self.http = Address(*self._http.server_address[:2])  # type: ignore[arg-type]
        self.smtp = Address(*self._smtp.address)

    def __enter__(self) -> Self:
        self._smtp.start()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._thread.join()
        self._smtp.stop()


def _application(secrets: Secrets) -> Application:
    return Application(
        secrets.weibo_app_key, secrets.weibo_app_secret, secrets.weibo_redirect_uri, APPLICATION_NAME, email=True
    )


def _listen(address: Address) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    try:
        return socket.create_server((address.host, address.port), family=family, backlog=128)
    except OSError as error:
        # The library adds the address to the system's words, which alone are wanted.
        why = os.strerror(error.errno) if error.errno else str(error)
        raise CannotStart(f"cannot listen on {address}: {why}") from None
