"""The post: letters, sent by SMTP.  The only door to smtplib.

This file knows how a letter travels; what it says is in `letters.py`.
"""

import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Final
from urllib.parse import unquote, urlsplit

from dada.errors import DadaError
from shop.letters import Letter

__all__ = ["Post", "Undeliverable"]

_SECONDS: Final = 10


class Undeliverable(DadaError):
    """The letter did not go out.  *forever*: it never will (an address that does not exist), or it may later."""

    def __init__(self, what: str, *, forever: bool) -> None:
        super().__init__(what)
        self.forever = forever


class Post:
    """Sends letters through the server at *url*: smtp://, smtps:// or smtp+starttls://, with user:password@."""

    def __init__(self, url: str, sender: str) -> None:
        self._url, self._sender = urlsplit(url), sender

    def send(self, to: str, letter: Letter) -> None:
        """Send *letter* to one address.  Raise :exc:`Undeliverable`."""
        try:
            message = self._message(to, letter)
            with self._connect() as server:
                # To this address, and not to what a reader of the header makes of it: encoded words are decoded there.
                server.send_message(message, to_addrs=[to])
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _ in error.recipients.values()]
            raise Undeliverable(f"refused with {codes}", forever=all(code >= 500 for code in codes)) from None
        except smtplib.SMTPResponseException as error:
            raise Undeliverable(f"answered {error.smtp_code}", forever=error.smtp_code >= 500) from None
        except (smtplib.SMTPException, OSError, ValueError) as error:
            raise Undeliverable(type(error).__name__, forever=False) from None

    def _message(self, to: str, letter: Letter) -> EmailMessage:
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self._sender, to, letter.subject
        message["Date"], message["Message-ID"] = formatdate(), make_msgid(domain="dada.example")
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834 §5: no machine answers this
        message.set_content(letter.text)
        return message

    def _connect(self) -> smtplib.SMTP:
        host, port = self._url.hostname or "", self._url.port or 0
        if self._url.scheme == "smtps":
            server: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=_SECONDS, context=ssl.create_default_context())
        else:
            server = smtplib.SMTP(host, port, timeout=_SECONDS)
        if self._url.scheme == "smtp+starttls":
            server.starttls(context=ssl.create_default_context())
        if self._url.username:
            server.login(unquote(self._url.username), unquote(self._url.password or ""))
        return server
