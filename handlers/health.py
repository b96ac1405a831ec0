"""/healthz and /readyz: whether the process lives, and whether what it needs answers."""

from typing import Final, Literal

from msgspec import Struct

from dada.app import Answer, Request
from dada.operations import operation
from shop.services import Services

__all__ = ["PROBES", "Health", "Readiness"]

# Whoever watches a process asks its address: these two are answered by whatever name they are called.
PROBES: Final = ("/healthz", "/readyz")


class Alive(Struct, kw_only=True):
    """The process lives."""

    status: Literal["ok"] = "ok"


class Ready(Struct, kw_only=True):
    """Whether all parts answer, and each of them."""

    status: Literal["ok", "down"]
    parts: dict[str, Literal["ok", "down"]]


class Health:
    """The process."""

    def __init__(self, services: Services) -> None:
        self._services = services

    @operation(answers={200: Alive})
    def get(self, _: Request) -> Answer:
        """Say that the process lives; nothing else is asked."""
        return Answer(200, Alive())


class Readiness:
    """The process and what it needs."""

    def __init__(self, services: Services) -> None:
        self._services = services

    @operation(answers={200: Ready, 503: Ready}, sends=("Retry-After",))
    def get(self, _: Request) -> Answer:
        """Say whether database and Redis answer; 503 if one does not."""
        parts = self._services.parts()
        ready = all(parts.values())
        told: dict[str, Literal["ok", "down"]] = {name: "ok" if good else "down" for name, good in parts.items()}
        retry = () if ready else (("Retry-After", "1"),)
        return Answer(200 if ready else 503, Ready(status="ok" if ready else "down", parts=told), retry)
