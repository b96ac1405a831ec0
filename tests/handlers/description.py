"""A client that holds every answer of the API against what the API says of itself."""

import functools
import json

import jsonschema_rs

from dada import problems
from dada.openapi import describe
from dada.phrases import Phrases
from dada.router import Match, Router
from dada.testing import Client, Response
from handlers import ROUTES
from handlers import problems as shops
from handlers.documents import ALL, operations

__all__ = ["CheckedClient", "document", "led", "seen"]

_PHRASES = Phrases({**problems.DETAILS, **shops.DETAILS})
_ROUTER = Router(ROUTES)
_BY_ROUTE = {(one.path, one.method): one for one in operations()}
seen: set[tuple[str, str, int]] = set()
# Whatever a success carries besides these was promised by its operation.
_TELLING = {"ETag", "Location", "Link", "Retry-After", "WWW-Authenticate", "Accept", "Accept-Encoding", "Accept-Post",
            "Accept-Patch", "Idempotency-Replayed", "RateLimit", "RateLimit-Policy", "Content-Language",
            "X-Request-Id"}  # fmt: skip


@functools.cache
def document():
    """The OpenAPI document, as JSON has it."""
    told = describe(operations(), ALL, title="t", version="0", told="", server="http://127.0.0.1:8000")
    return json.loads(json.dumps(told))


def led(node):
    """Return what a part of the document refers to; itself if it refers to nothing."""
    if "$ref" in node and node["$ref"].startswith("#/components/responses/"):
        return document()["components"]["responses"][node["$ref"].rpartition("/")[2]]
    return node


@functools.cache
def _validator(path: str, method: str, *place: str):
    node = document()["paths"][path][method.lower()]
    for name in place:
        node = led(node[name])
    return jsonschema_rs.Draft202012Validator({**node["schema"], "components": document()["components"]})


class CheckedClient(Client):
    """Calls the API, and fails where an answer is not as its operation declares."""

    def __call__(self, method, path, body=None, headers=None, *, raw=None) -> Response:
        response = super().__call__(method, path, body, headers, raw=raw)
        found = _ROUTER.match("GET" if method == "HEAD" else method, path.partition("?")[0])
        if isinstance(found, Match) and found.handler is not None:
            self.check(_BY_ROUTE[found.route.path, "GET" if method == "HEAD" else method], method, body, response)
        return response

    def check(self, one, method, body, response) -> None:
        where = f"{method} {one.path} {response.status}"
        assert response.status in one.statuses, f"{where} is not declared: {response.body[:300]!r}"
        seen.add((one.path, one.method, response.status))
        told = document()["paths"][one.path.replace("<int:", "{").replace("<", "{").replace(">", "}")]
        answer = led(told[one.method.lower()]["responses"][str(response.status)])
        stray = {name for name, _ in response.headers if name in _TELLING} - answer["headers"].keys()
        assert not stray, f"{where} carries {stray}, and does not say so"
        if method == "HEAD" or response.status == 304:
            assert response.body == b""
            return
        path = one.path.replace("<int:", "{").replace("<", "{").replace(">", "}")
        kind = (response.header("Content-Type") or "").partition(";")[0]
        assert ({kind} if response.body else set()) == set(answer.get("content", {})) or kind in answer["content"], (
            where
        )
        if kind in ("application/json", "application/problem+json"):
            codes = one.statuses[response.status]
            if kind == "application/problem+json":
                detail = response.json.get("detail", "")
                chinese = (response.header("Content-Language") or "").startswith("zh")
                said = not detail or "errors" in response.json or chinese or _PHRASES.find(detail)
                assert said or detail == response.json["title"], f"{where}: nobody says in Chinese: {detail}"
                assert response.json["code"] in codes, f"{where} {response.json}: not declared"
            place = ("responses", str(response.status), "content", kind)
            for wrong in _validator(path, one.method, *place).iter_errors(response.json):
                raise AssertionError(f"{where} {response.json}: {wrong}")
        if body is not None and response.status < 300 and one.operation.takes is not None:
            for wrong in _validator(path, one.method, "requestBody", "content", "application/json").iter_errors(body):
                raise AssertionError(f"{where} took {body}, which its schema does not: {wrong}")
