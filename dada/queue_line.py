"""A line to Redis: one connection, kept, on which scripts go out and their replies come back in order.

A client's own way (take a connection from the pool, look whether it lives, send, read, give it back, tell its
observers) takes as long again as the round trip.  A line keeps its connection, and so

    run          a script, and wait for its reply
    send         a script, and read its reply before the next one's: an acknowledgement need not be waited for
    transaction  commands that happen together or not at all: where a script would first copy what it is given

Nothing is ever sent twice: after an error the connection is thrown away, and the error is the caller's to judge.
Only a script that Redis has forgotten (SCRIPT FLUSH, a restart) is sent again, in full: Redis has run nothing then.
A cluster's client has no single pool; there everything goes the client's own way.

It asks the system for one thing, the process' number, because a connection must not be shared with a forked child.

This file knows connections as redis-py makes them; it does not know what the scripts do.
"""

import contextlib
import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from hiredis import pack_command

__all__ = ["Common", "Line", "Lines"]

_STALE: Final = 0.005  # seconds: a connection that was quiet so long may have been closed from the other side


class Common:
    """What all lines of one queue share: the client, the key, the scripts, and which of them Redis has seen."""

    def __init__(self, redis: Any, key: str, scripts: Mapping[str, str], clock: Callable[[], float]) -> None:
        self.redis, self.key, self.clock = redis, key, clock
        self.pool: Any = getattr(redis, "connection_pool", None)
        self.scripts = {
            name: (hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest(), text)
            for name, text in scripts.items()
        }
        self.loaded: set[str] = set()
        self.broke = float("-inf")  # when a line was last given up


class Line:
    """One connection; for one thread at a time."""

    def __init__(self, common: Common) -> None:
        self._common = common
        self._connection: Any = None
        self._unread = 0
        self._used = 0.0
        self._pid = 0

    @property
    def patience(self) -> float:
        """The seconds that a blocking command may take before the connection gives up, and some to spare."""
        timeout = self._common.pool.connection_kwargs.get("socket_timeout") if self._common.pool is not None else None
        return timeout / 2 if timeout else 60.0

    def run(self, script: str, *args: Any) -> Any:
        """Run a script and return its reply.  Raise what the client raises."""
        sha, source = self._common.scripts[script]
        try:
            reply = self.command("EVALSHA", sha, 1, self._common.key, *args)
        except Exception as error:
            if type(error).__name__ != "NoScriptError":
                raise
            reply = self.command("EVAL", source, 1, self._common.key, *args)
        self._common.loaded.add(script)
        return reply

    def send(self, script: str, *args: Any) -> None:
        """Let a script run, and do not wait: what it replies, and whether it could run, nobody hears."""
        if self._common.pool is None or script not in self._common.loaded:
            self.run(script, *args)
            return
        words = pack_command(("EVALSHA", self._common.scripts[script][0], 1, self._common.key, *args))
        connection = self._open()
        try:
            connection.send_packed_command((words,), check_health=False)
        except BaseException:
            self._drop()
            raise
        self._unread += 1

    def command(self, *words: Any) -> Any:
        """Send one command and return its reply."""
        if self._common.pool is None:
            return self._common.redis.execute_command(*words)
        return self._exchange(pack_command(words), 0)

    def transaction(self, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Send commands that happen together or not at all (MULTI … EXEC), and return their replies.

        Not for a cluster's client, whose transactions are of another kind.
        """
        together = b"".join(map(pack_command, (("MULTI",), *commands, ("EXEC",))))
        replies: list[Any] = self._exchange(together, 1 + len(commands))
        for reply in replies:
            if isinstance(reply, Exception):
                raise reply
        return replies

    def _exchange(self, sent: bytes, receipts: int) -> Any:
        """Send commands, and return the last one's reply; those before it are *receipts*, or errors."""
        connection = self._open()
        try:
            connection.send_packed_command((sent,), check_health=False)
            while self._unread:
                self._skip(connection)
            for _ in range(receipts):
                connection.read_response(disable_decoding=True)
            reply = connection.read_response(disable_decoding=True)
        except BaseException as error:
            if type(error).__name__ != "NoScriptError":
                self._common.broke = self._common.clock()
                self._drop()
            raise
        self._used = self._common.clock()
        return reply

    def _skip(self, connection: Any) -> None:
        self._unread -= 1
        try:
            connection.read_response(disable_decoding=True)
        except Exception as error:
            if type(error).__name__ != "NoScriptError":
                raise

    def _open(self) -> Any:
        if self._connection is not None and self._pid != os.getpid():  # forked: that connection is the parent's
            self._connection, self._unread = None, 0
        if self._connection is None:
            self._connection, self._pid = self._common.pool.get_connection(), os.getpid()
        elif not self._unread and self._is_doubtful() and self._is_closed():
            self._drop()
            return self._open()
        return self._connection

    def _is_doubtful(self) -> bool:
        """Whether it was quiet for a while, or another line of this queue broke since it was last used."""
        return self._common.clock() - self._used > _STALE or self._used <= self._common.broke

    def _is_closed(self) -> bool:
        """Whether the other side hung up: something to read where nothing was asked is the end, or nonsense."""
        try:
            return bool(self._connection.can_read(0))
        except Exception:  # noqa: BLE001 whatever it is, the connection is of no use any more
            return True

    def __del__(self) -> None:
        """Give the connection back: a worker that left, a queue that nobody has any more."""
        with contextlib.suppress(Exception):  # at the end of the process, parts of it are gone already
            self._drop()

    def _drop(self) -> None:
        connection, self._connection, self._unread = self._connection, None, 0
        if connection is not None:
            connection.disconnect()
            self._common.pool.release(connection)


class Lines:
    """The lines of one queue: whoever needs one for a moment gets one that is free."""

    def __init__(self, common: Common) -> None:
        self.common = common
        self._free: list[Line] = []

    def line(self) -> Line:
        """Return a line of the caller's own."""
        return Line(self.common)

    def run(self, script: str, *args: Any) -> Any:
        """Run a script on a line that is free, and return its reply."""
        line = self._one()
        try:
            return line.run(script, *args)
        finally:
            self._free.append(line)

    def transaction(self, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Send commands as one transaction on a line that is free, and return their replies."""
        line = self._one()
        try:
            return line.transaction(commands)
        finally:
            self._free.append(line)

    def _one(self) -> Line:
        try:
            return self._free.pop()
        except IndexError:
            return self.line()

    def command(self, *words: Any) -> Any:
        """Send a command by the client, whose own way is good enough for what is rare."""
        return self.common.redis.execute_command(*words)
