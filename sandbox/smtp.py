"""The door where letters come in: an SMTP server (RFC 5321) on loopback that keeps all and delivers none.

It can be told to refuse with 450 (try again), 550 (never), or any other such code, to hang up, or to be slow, after
MAIL, RCPT or the letter itself; and to hang up *after* it kept the letter, so that the sender cannot know (RFC
5321 §6.1) and sends it twice.

The server runs on a thread of its own.  This file knows SMTP; it does not know what letters say.
"""

import asyncio
import socket
import threading
from collections.abc import Mapping
from typing import Final
from weakref import WeakSet

from aiosmtpd.smtp import SMTP, Envelope, Session

from sandbox.faults import Fault, Faults, Kind, Parameter
from sandbox.mailbox import Mailbox

__all__ = ["KINDS", "MAX_LETTER", "SmtpServer"]

MAX_LETTER: Final = 1024 * 1024
IDLE_SECONDS: Final = 60

_AT: Final = ("mail", "rcpt", "data")

KINDS: Final[Mapping[str, Kind]] = {
    "smtp-refuse": Kind(
        ("smtp",), "the command is answered with this code",
        {"code": Parameter("whole", 450, least=400, most=599), "at": Parameter("text", "rcpt", _AT)},
    ),
    "smtp-close": Kind(
        ("smtp",), "the connection is closed without an answer; `after` keeps the letter first",
        {"at": Parameter("text", "data", _AT), "after": Parameter("flag", False)},
    ),
    "smtp-delay": Kind(
        ("smtp",), "the answer comes late",
        {"at": Parameter("text", "data", _AT), "seconds": Parameter("number", 1, most=600)},
    ),
}  # fmt: skip


class _Door:
    """What the library calls at each command of a conversation; the answers are lines of SMTP."""

    def __init__(self, mailbox: Mailbox, faults: Faults) -> None:
        self._mailbox, self._faults = mailbox, faults

    async def handle_MAIL(  # noqa: N802 - the library's names
        self, server: SMTP, _: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if refusal := await self._disturb(server, "mail"):
            return refusal
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, _: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if refusal := await self._disturb(server, "rcpt"):
            return refusal
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.original_content or b""
        if refusal := await self._disturb(server, "data", (envelope.rcpt_tos, content)):
            return refusal
        mail = self._mailbox.receive(envelope.rcpt_tos, content)
        return f"250 OK kept as {mail.id}"

    async def _disturb(self, server: SMTP, at: str, letter: tuple[list[str], bytes] | None = None) -> str:
        """Do the faults that are set for this command; return a refusal, or ""."""
        refusal = ""
        for fault in self._faults.take("smtp", at=at):
            if fault.kind == "smtp-delay":
                await asyncio.sleep(fault["seconds"])
            elif fault.kind == "smtp-close":
                await self._hang_up(server, fault, letter)
            else:
                refusal = f"{fault['code']} refused on purpose"
        return refusal

    async def _hang_up(self, server: SMTP, fault: Fault, letter: tuple[list[str], bytes] | None) -> None:
        if fault["after"] and letter:
            self._mailbox.receive(*letter)
        if server.transport is not None:
            server.transport.close()
        await asyncio.get_running_loop().create_future()  # the library cancels us when the connection is gone


class SmtpServer:
    """An SMTP server on *listener*, a socket that listens; it is ours from now on."""

    def __init__(self, listener: socket.socket, mailbox: Mailbox, faults: Faults) -> None:
        self.address: tuple[str, int] = listener.getsockname()[:2]
        self._listener = listener
        self._door = _Door(mailbox, faults)
        self._open: WeakSet[SMTP] = WeakSet()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="smtp", daemon=True)

    def start(self) -> None:
        """Serve, on a thread; return when connections are taken."""
        self._thread.start()
        self._ready.wait()

    def stop(self) -> None:
        """End all conversations and the server."""
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()

    async def _serve(self) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        server = await self._loop.create_server(self._conversation, sock=self._listener)
        self._ready.set()
        await self._stopping.wait()
        server.close()
        for conversation in list(self._open):
            if isinstance(conversation.transport, asyncio.Transport):
                conversation.transport.abort()

    def _conversation(self) -> SMTP:
        conversation = SMTP(
            self._door,
            data_size_limit=MAX_LETTER,
            enable_SMTPUTF8=True,
            hostname="mailbox.localhost",
            ident="sandbox, for lessons",
            timeout=IDLE_SECONDS,
            loop=self._loop,
        )
        self._open.add(conversation)
        return conversation
