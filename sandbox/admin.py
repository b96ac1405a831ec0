"""The switches and the log of requests, over HTTP, for tests and teachers.

    GET /admin/faults           {"faults": […]}: what is on
    PUT /admin/faults           {"faults": […]}: exactly this is on from now
    DELETE /admin/faults        nothing is
    GET /admin/faults/known     what can be switched on, with its parameters
    GET /admin/requests         {"requests": […]}, oldest first; ?endpoint= narrows
    DELETE /admin/requests      forgets them

Each call carries `Authorization: Bearer <the admin token>`.  A page of another origin cannot send that header
unasked, and preflights are not answered here.

This file knows paths and the token; it does not know what a switch does.
"""

import hmac
from typing import Any, Final

from werkzeug import Request, Response

from dada import jsontext
from sandbox.faults import BadFaults, Faults
from sandbox.request_log import RequestLog

__all__ = ["Admin"]

MAX_BODY: Final = 64 * 1024


class Admin:
    """What lies under /admin/."""

    def __init__(self, token: str, faults: Faults, requests: RequestLog) -> None:
        self._token = token.encode("utf-8")
        self._faults, self._requests = faults, requests

    def answer(self, request: Request) -> Response:
        """Return the answer to *request*."""
        if not self._admitted(request):
            response = _json({"error": "the admin token is missing, or another"}, 401)
            response.headers["WWW-Authenticate"] = 'Bearer realm="sandbox"'
            return response
        match request.path, request.method:
            case "/admin/faults", "GET":
                return _json({"faults": self._faults.shown()})
            case "/admin/faults", "PUT":
                return self._put(request)
            case "/admin/faults", "DELETE":
                self._faults.clear()
                return Response(status=204)
            case "/admin/faults/known", "GET":
                return _json({"known": self._faults.known()})
            case "/admin/requests", "GET":
                return _json({"requests": self._requests.shown(request.args.get("endpoint"))})
            case "/admin/requests", "DELETE":
                self._requests.clear()
                return Response(status=204)
        return self._nothing(request.path)

    def _admitted(self, request: Request) -> bool:
        given = request.authorization
        return (
            given is not None
            and given.type == "bearer"
            and hmac.compare_digest((given.token or "").encode("utf-8"), self._token)
        )

    def _put(self, request: Request) -> Response:
        request.max_content_length = MAX_BODY
        try:
            body = jsontext.read(request.get_data())
            faults = self._faults.put(body.get("faults") if isinstance(body, dict) else None)
        except jsontext.NotJSON as error:
            return _json({"error": f"the body is not JSON: {error}", "problems": []}, 400)
        except BadFaults as error:
            return _json({"error": "nothing was changed", "problems": list(error.problems)}, 400)
        return _json({"faults": faults})

    def _nothing(self, path: str) -> Response:
        methods = {
            "/admin/faults": "GET, PUT, DELETE",
            "/admin/faults/known": "GET",
            "/admin/requests": "GET, DELETE",
        }.get(path)
        response = _json(
            {"error": "no such path" if methods is None else "not by this method"}, 405 if methods else 404
        )
        if methods:
            response.headers["Allow"] = methods
        return response


def _json(value: dict[str, Any], status: int = 200) -> Response:
    return Response(jsontext.write(value), status, {"Cache-Control": "no-store"}, content_type="application/json")
