"""The mailbox: the last 500 letters, in memory, with a page for people and JSON for tests.

    GET /mailbox                        the page; ?id= chooses a letter
    GET /mailbox/messages               JSON: [{id, from, to, subject, date}], newest first; ?to= narrows
    DELETE /mailbox/messages            forgets all
    GET /mailbox/messages/<id>          JSON: {id, from, to, subject, date, text, links, raw}
    GET /mailbox/messages/<id>/html     the HTML part in a box of its own: no scripts, no origin, nothing fetched

`to` are the recipients of the envelope (RFC 5321), which may differ from the To header; `date` is when the letter
came, UTC (RFC 3339).  A letter's words are a stranger's: they are shown as text, or in that box.

This file knows letters and paths; it does not know SMTP.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from werkzeug import Request, Response

from dada import jsontext
from sandbox import letters, site

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

__all__ = ["KEPT", "Mail", "Mailbox"]

KEPT: Final = 500

BOX: Final = {
    "Content-Security-Policy": (
        "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True)
class Mail:
    """A letter as it is kept."""

    id: int
    to: tuple[str, ...]
    date: str
    letter: letters.Letter
    source: bytes

    @property
    def raw(self) -> str:
        return self.source.decode("utf-8", "replace").replace("\r\n", "\n")

    def summary(self) -> dict[str, Any]:
        """Return what the list shows."""
        return {
            "id": self.id,
            "from": self.letter.sender,
            "to": list(self.to),
            "subject": self.letter.subject,
            "date": self.date,
        }

    def full(self) -> dict[str, Any]:
        """Return all of it."""
        return self.summary() | {"text": self.letter.text, "links": list(self.letter.links), "raw": self.raw}


class Mailbox:
    """The letters that came, and a WSGI application that shows them.  Safe to use from several threads."""

    def __init__(self, *, clock: Callable[[], float] = time.time, kept: int = KEPT) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._mails: deque[Mail] = deque(maxlen=kept)
        self._kept = kept
        self._count = 0

    def receive(self, to: Iterable[str], source: bytes) -> Mail:
        """Keep a letter and return it."""
        letter = letters.read(source)
        moment = datetime.fromtimestamp(self._clock(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        recipients = tuple(address.encode("utf-8", "replace").decode() for address in to)
        with self._lock:
            self._count += 1
            mail = Mail(self._count, recipients, moment, letter, source)
            self._mails.append(mail)
        return mail

    def mails(self, to: str | None = None) -> list[Mail]:
        """Return the letters, newest first; only those to the address *to* where it is given, whatever its case."""
        with self._lock:
            mails = list(reversed(self._mails))
        return mails if to is None else [mail for mail in mails if to.casefold() in map(str.casefold, mail.to)]

    def mail(self, number: int) -> Mail | None:
        """Return the letter of that number."""
        return next((mail for mail in self.mails() if mail.id == number), None)

    def clear(self) -> None:
        """Forget all letters; numbers go on."""
        with self._lock:
            self._mails.clear()

    # --- over HTTP ---

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        return self.answer(Request(environ))(environ, start_response)

    def answer(self, request: Request) -> Response:
        """Return the answer to *request*."""
        match [part for part in request.path.split("/") if part]:
            case ["mailbox"]:
                return self._page(request) if _reads(request) else _not_allowed("GET, HEAD")
            case ["mailbox", "messages"]:
                return self._messages(request)
            case ["mailbox", "messages", number]:
                return self._message(request, number)
            case ["mailbox", "messages", number, "html"]:
                return self._markup(request, number)
        return site.not_found(request)

    def _page(self, request: Request) -> Response:
        mails = self.mails()
        chosen = request.args.get("id")
        shown = self._find(chosen) if chosen is not None else next(iter(mails), None)
        values = {
            "mails": [mail.summary() for mail in mails],
            "chosen": chosen is not None,
            "letter": None if shown is None else _for_page(shown),
            "kept": self._kept,
        }
        status = 404 if chosen is not None and shown is None else 200
        return site.page(request, "mailbox.html", values, status=status, scripts=True)

    def _messages(self, request: Request) -> Response:
        if request.method == "DELETE":
            self.clear()
            return Response(status=204)
        if not _reads(request):
            return _not_allowed("GET, HEAD, DELETE")
        response = _json([mail.summary() for mail in self.mails(request.args.get("to"))])
        response.add_etag()
        return response.make_conditional(request)  # the page asks every two seconds

    def _message(self, request: Request, number: str) -> Response:
        if not _reads(request):
            return _not_allowed("GET, HEAD")
        mail = self._find(number)
        return _json({"error": "no such letter"}, 404) if mail is None else _json(mail.full())

    def _markup(self, request: Request, number: str) -> Response:
        if not _reads(request):
            return _not_allowed("GET, HEAD")
        mail = self._find(number)
        if mail is None or not mail.letter.html:
            return site.not_found(request)
        return Response(mail.letter.html, content_type="text/html; charset=utf-8", headers=BOX)

    def _find(self, number: str) -> Mail | None:
        return self.mail(int(number)) if number.isascii() and number.isdecimal() and len(number) < 16 else None


def _for_page(mail: Mail) -> dict[str, Any]:
    letter = mail.letter
    return mail.full() | {
        "sender": letter.sender,
        "pieces": list(letters.pieces(letter.text)),
        "html": letter.html,
        "headers": letter.headers,
    }


def _reads(request: Request) -> bool:
    return request.method in ("GET", "HEAD")


def _json(value: dict[str, Any] | Sequence[Any], status: int = 200) -> Response:
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return Response(jsontext.write(value), status, headers, content_type="application/json")


def _not_allowed(methods: str) -> Response:
    return Response(f"{methods}\n", 405, {"Allow": methods}, content_type="text/plain; charset=utf-8")
