"""A proxy that cuts connections: before a command reaches the server, or after it was executed and before it is told.

What the caller sees is the same, an error; what became of his command is not.
"""

import socket
import threading
from collections import Counter
from contextlib import suppress

from tests.servers import PATIENCE

__all__ = ["Proxy"]

_PART = 1 << 16


class Proxy:
    """Passes everything on to *target*, a port of loopback; `cut` says what shall not arrive."""

    def __init__(self, target: int) -> None:
        self.done: Counter[str] = Counter()  # how often each cut was made
        self._target = target
        self._armed: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self, when: str) -> None:
        """Cut the next connection that speaks: "before" its command is passed on, or "after" the server's reply."""
        assert when in ("before", "after")
        with self._lock:
            self._armed[when] += 1

    def cut_all(self) -> None:
        """Cut every connection that is open now."""
        with self._lock:
            pairs = list(self._pairs)
        for pair in pairs:
            self._end(pair)

    @property
    def open(self) -> int:
        """How many connections are open."""
        return len(self._pairs)

    def _takes(self, when: str) -> bool:
        with self._lock:
            if not self._armed[when]:
                return False
            self._armed[when] -= 1
            self.done[when] += 1
            return True

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self._target), timeout=PATIENCE)
            except OSError:
                near.close()
                continue
            far.settimeout(None)
            for end in (near, far):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            pair = (near, far)
            with self._lock:
                self._pairs.add(pair)
            threading.Thread(target=self._pump, args=(near, far, "before", pair), daemon=True).start()
            threading.Thread(target=self._pump, args=(far, near, "after", pair), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, when: str, pair: tuple[socket.socket, ...]) -> None:
        with suppress(OSError):
            while (data := source.recv(_PART)) and not self._takes(when):
                sink.sendall(data)
        self._end(pair)

    def _end(self, pair: tuple[socket.socket, ...]) -> None:
        with self._lock:
            self._pairs.discard(pair)  # type: ignore[arg-type]
        for end in pair:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def close(self) -> None:
        """Listen no more, and cut what is open."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut_all()

    def __enter__(self) -> "Proxy":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
