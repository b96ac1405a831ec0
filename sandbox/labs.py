"""The labs: places where one may break things, each with the code that the shop runs, never with the shop itself.

    /labs/token/…   lab_token.py    a token, taken apart and put together wrongly
    /labs/cors/…    lab_cors.py     a policy and a call, as a model and for real
    /labs/queue/…   lab_queue.py    a queue of one's own, and workers to be killed
    /labs/oauth/…   lab_oauth.py    the authorization code grant, and three ways to attack it

A lab takes the path below its own and a JSON body, and returns what it found; whatever is no question for it is a
:exc:`NoSuchThing` or :exc:`BadQuestion`, which become 404 and 400 here.

This file knows paths and JSON; it does not know what a lab does.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, Protocol

import redis
from werkzeug import Request, Response

from dada import jsontext
from dada.errors import DadaError
from sandbox.inspector import json_answer

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

__all__ = ["BadQuestion", "Lab", "Labs", "NoSuchThing", "flag", "text"]

MAX_BODY: Final = 64 * 1024


class NoSuchThing(DadaError):
    """There is nothing at this path, or not by this method."""


class BadQuestion(DadaError):
    """A body that is no question: the text says why, in one sentence."""


class Lab(Protocol):
    """One lab."""

    def answer(self, method: str, path: tuple[str, ...], body: Mapping[str, Any], origin: str) -> Any:
        """Return what is found, for JSON.  Raise :exc:`NoSuchThing` and :exc:`BadQuestion`."""


class Labs:
    """A WSGI application: /labs/<name>/… goes to the lab of that name."""

    def __init__(self, labs: Mapping[str, Lab]) -> None:
        self._labs = labs

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        return self._answer(Request(environ))(environ, start_response)

    def _answer(self, request: Request) -> Response:
        _, name, *path = [part for part in request.path.split("/") if part] + [""] * 2
        try:
            if (lab := self._labs.get(name)) is None:
                raise NoSuchThing
            parts = tuple(part for part in path if part)
            found = lab.answer(request.method, parts, _body(request), request.headers.get("Origin", ""))
            return json_answer(found)
        except NoSuchThing:
            return json_answer({"error": "there is no such thing, or not by this method"}, 404)
        except BadQuestion as error:
            return json_answer({"error": str(error)}, 400)
        except redis.exceptions.RedisError as error:
            return json_answer({"error": f"Redis: {type(error).__name__}"}, 503)


def _body(request: Request) -> Mapping[str, Any]:
    if request.method in ("GET", "HEAD", "DELETE"):
        return {}
    request.max_content_length = MAX_BODY
    if (request.content_length or 0) > MAX_BODY:
        raise BadQuestion(f"at most {MAX_BODY} bytes are read")
    try:
        body = jsontext.read(request.get_data() or b"{}")
    except jsontext.NotJSON as error:
        raise BadQuestion(f"the body is no JSON: {error}") from None
    if not isinstance(body, dict):
        raise BadQuestion("the body is no JSON object")
    return body


def text(body: Mapping[str, Any], name: str, most: int = 20_000) -> str:
    """Return the text under *name*; "" where there is none.  Raise :exc:`BadQuestion`."""
    value = body.get(name, "")
    if not isinstance(value, str) or len(value) > most:
        raise BadQuestion(f"{name} is no text of at most {most} characters")
    return value


def flag(body: Mapping[str, Any], name: str) -> bool:
    """Return the truth under *name*.  Raise :exc:`BadQuestion`."""
    value = body.get(name, False)
    if not isinstance(value, bool):
        raise BadQuestion(f"{name} is neither true nor false")
    return value
