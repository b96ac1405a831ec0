"""The sandbox's front door: which paths belong to the mailbox, the labs, the look-alike of Weibo.

Only names of this machine are answered.  A page of the wide web can make its own name point at 127.0.0.1 (DNS
rebinding) and would then be of our origin; it still sends its own name in `Host`.

This file knows paths; it does not know what lies behind them.
"""

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

from werkzeug import Request, Response

from sandbox import site
from sandbox.mailbox import Mailbox
from sandbox.weibo import PATHS, Weibo

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

__all__ = ["Sandbox"]

_OWN_NAME: Final = re.compile(
    r"(?:(?:[a-z0-9-]+\.)*localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])(?::[0-9]{1,5})?", re.ASCII
)


class Sandbox:
    """A WSGI application: the look-alike, the mailbox, a page that leads to both.

    rooms  applications by the first segment of their paths: the inspector's and the labs', where there are any
    """

    def __init__(self, weibo: Weibo, mailbox: Mailbox, rooms: "Mapping[str, WSGIApplication] | None" = None) -> None:
        self._weibo, self._mailbox, self._rooms = weibo, mailbox, rooms or {}

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        request = Request(environ)
        if _OWN_NAME.fullmatch(request.headers.get("Host", "localhost").lower()) is None:
            response = Response("this machine is not called that\n", 421, content_type="text/plain; charset=utf-8")
            return response(environ, start_response)
        head, _, rest = request.path.removeprefix("/").partition("/")
        if (room := self._rooms.get(head)) is not None:
            return room(environ, start_response)
        if head == "mailbox":
            return self._mailbox(environ, start_response)
        if head == "static" and request.method in ("GET", "HEAD"):
            return (site.file(rest) or site.not_found(request))(environ, start_response)
        if request.path == "/" and request.method in ("GET", "HEAD"):
            return self._home(request)(environ, start_response)
        return self._weibo(environ, start_response)

    def _home(self, request: Request) -> Response:
        own = [(path, ", ".join(methods)) for path, (_, methods) in PATHS.items() if not path.startswith("/2/oauth2/")]
        return site.page(request, "home.html", {"users": self._weibo.store.users, "endpoints": own})
