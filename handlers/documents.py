"""/openapi.json and /problems: the API told by the code that serves it (OpenAPI 3.1, RFC 9457 §3.1.1)."""

import functools
import hashlib
from importlib import metadata
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from dada.app import Answer, Request
from dada.openapi import Described, describe, described
from dada.operations import IF_NONE_MATCH, Media, operation
from dada.problems import TYPES, HTTPProblem, ProblemType
from handlers.callers import GUARDED
from handlers.problems import PROBLEMS
from shop.services import Services

__all__ = ["ALL", "OpenAPI", "ProblemKind", "operations"]

ALL: Final = {**TYPES, **PROBLEMS}
_TOLD: Final = (
    "The back end of a small shop.  Errors are problem documents (RFC 9457) in English or Chinese; HEAD answers "
    "wherever GET does, and OPTIONS says what a path answers.  A token comes from POST /v1/tokens."
)


@functools.cache
def operations(*, oauth_return_by_get: bool = True) -> tuple[Described, ...]:
    """Return every operation of the API.  Raise :exc:`Misuse` for one that does not say what it takes and answers."""
    from handlers import routes

    return tuple(described(routes(oauth_return_by_get=oauth_return_by_get), ALL, GUARDED))


class OpenAPI:
    """The description of the API."""

    def __init__(self, services: Services) -> None:
        self._server, self._by_get = services.settings.api_url, services.settings.oauth_return_by_get
        self._kept: tuple[msgspec.Raw, str] | None = None

    @operation(answers={200: Media("application/json", "The document.")}, etag=True, headers=(IF_NONE_MATCH,))
    def get(self, _: Request) -> Answer:
        """Show this document."""
        if self._kept is None:
            version = metadata.version("dada")
            every = operations(oauth_return_by_get=self._by_get)
            told = describe(every, ALL, title="Dada 达达商城", version=version, told=_TOLD, server=self._server)
            text = msgspec.json.encode(told)
            self._kept = msgspec.Raw(text), f'"{hashlib.sha256(text).hexdigest()[:32]}"'
        return Answer(200, self._kept[0], (("Cache-Control", "no-cache"),), etag=self._kept[1])


class Kind(Struct, kw_only=True):
    """A kind of problem."""

    type: Annotated[str, Meta(examples=["/problems/not-found"])]
    code: Annotated[str, Meta(examples=["not-found"])]
    status: Annotated[int, Meta(ge=400, le=599, examples=[404])]
    title: Annotated[str, Meta(examples=["There is no such thing here"])]
    title_zh: Annotated[str, Meta(examples=["这里没有您要找的东西"])]


class ProblemKind:
    """What the type of a problem leads to."""

    def __init__(self, services: Services) -> None:
        self._services = services

    @operation(answers={200: Kind}, problems=("not-found",))
    def get(self, request: Request) -> Answer:
        """Say what a kind of problem is; the `type` of a problem document leads here."""
        kind = ALL.get(request.params["code"])
        if kind is None:
            raise HTTPProblem("not-found")
        return Answer(200, _told(kind))


def _told(kind: ProblemType) -> Kind:
    uri = kind.uri or f"/problems/{kind.code}"
    return Kind(type=uri, code=kind.code, status=kind.status, title=kind.en, title_zh=kind.zh)
