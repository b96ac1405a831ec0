"""/healthz and /readyz: whether the process lives, and whether what it needs answers."""

from dada.app import Answer, Request
from shop.services import Services

__all__ = ["Health", "Readiness"]


class Health:
    """The process."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def get(self, _: Request) -> Answer:
        """It lives: nothing else is asked."""
        return Answer(200, {"status": "ok"})


class Readiness:
    """The process and what it needs."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def get(self, _: Request) -> Answer:
        """Whether database and Redis answer; 503 if one does not."""
        parts = self._services.parts()
        ready = all(parts.values())
        told = {name: "ok" if good else "down" for name, good in parts.items()}
        retry = () if ready else (("Retry-After", "1"),)
        return Answer(200 if ready else 503, {"status": "ok" if ready else "down", "parts": told}, retry)
