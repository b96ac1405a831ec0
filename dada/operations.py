"""What an operation takes and answers, said beside its code (OpenAPI 3.1 §4.8.10).

    class Users:
        @operation(takes=Registration, answers={202: Pending}, problems=("username-taken",))
        def post(self, request): ...

The declaration costs a request nothing: it is kept on the function, where `openapi.py` reads it, and the tests, which
hold every answer of the API against it.  Types are those that the bodies are read with, and written from.

This file knows names and types; it does not know how they are written down.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple, TypeVar

__all__ = ["IF_MATCH", "IF_NONE_MATCH", "Header", "Media", "Operation", "amended", "operation", "operation_of"]

F = TypeVar("F", bound=Callable[..., Any])
_NAME: Final = "__operation__"


class Header(NamedTuple):
    """A header of the request that an operation reads.

    kind     the type of its value
    example  a value that makes sense
    """

    name: str
    told: str
    kind: Any = str
    example: str = ""
    required: bool = False


class Media(NamedTuple):
    """An answer that is no JSON of ours: its media type, and what it holds."""

    media_type: str
    told: str


IF_MATCH: Final = Header("If-Match", "The ETag of the version that you mean.", example='"1"', required=True)
IF_NONE_MATCH: Final = Header("If-None-Match", "The ETag of the version that you have.", example='"1"')


@dataclass(frozen=True)
class Operation:
    """What one method of one resource takes and answers.

    takes     the type of its body; None for no body
    query     the type whose members are the parameters of the query; None where none is read
    headers   the headers of the request that it reads, besides those that all read
    answers   for each status of success the type of the body, None for none, or a Media
    sends     names of headers that a success carries, besides those that all answers carry
    problems  codes of problems that are its own; those of guards, bodies and the server are added by whoever reads this
    limited   whether it is counted how often it is called: then each of its answers may tell how many are left
    etag      whether a success carries the entity tag of what it shows
    caller    "" as the table of routes says, "optional" where a token is looked at if there is one, "own" where the
              operation itself asks for one
    """

    answers: Mapping[int, Any]
    takes: Any = None
    query: Any = None
    headers: tuple[Header, ...] = ()
    sends: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    limited: bool = False
    etag: bool = False
    caller: str = ""


def operation(**declared: Any) -> Callable[[F], F]:
    """Return a decorator that declares a method of a resource; the members of :class:`Operation` are its arguments."""
    made = Operation(**declared)

    def declare(method: F) -> F:
        setattr(method, _NAME, made)
        return method

    return declare


def operation_of(method: Any) -> Operation | None:
    """Return what was declared of a method, bound or not; None if nothing was."""
    found: Operation | None = getattr(method, _NAME, None)
    return found


def amended(
    method: Any, *, headers: tuple[Header, ...] = (), sends: tuple[str, ...] = (), problems: tuple[str, ...] = ()
) -> Operation:
    """Return the declaration of *method* with more of each: for what wraps it.  KeyError if there is none."""
    declared = operation_of(method)
    if declared is None:
        raise KeyError(method)
    return replace(
        declared,
        headers=declared.headers + headers,
        sends=declared.sends + sends,
        problems=declared.problems + problems,
    )
