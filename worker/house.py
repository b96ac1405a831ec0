"""Jobs that keep the house in order."""

from dada.queue import Job
from shop import house
from shop.services import Services

__all__ = ["forget_expired"]


def forget_expired(services: Services, job: Job) -> None:  # noqa: ARG001 every job is called so
    """Delete rows that nobody will ask for again: done twice, it is done once."""
    house.forget_expired(services)
