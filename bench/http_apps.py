"""One small API, written with each framework as its documentation advises, for bench/http.py to call.

    GET  /v1/users/<username>/addresses/<int:id>   a bearer token; an address
    POST /v1/users/<username>/addresses            a bearer token; a body of four fields, each with bounds; 201

A hundred routes are registered.  Every application checks the token (HS256, issuer, audience, exp), answers preflights,
marks answers for the page's origin, and answers 401 with a challenge, 404, and 422 for a body that is not valid.
`make(name)` returns one as a WSGI or ASGI application; under gunicorn: "bench.http_apps:make('falcon')".
"""

import functools
import importlib
import json
import logging
import time
from collections.abc import Callable
from typing import Annotated, Any

import jwt as pyjwt
from msgspec import Meta, Struct, structs

from bench.floor import SECRET, decode
from dada.app import Answer, App, Request
from dada.cors import Middleware, Policy
from dada.jwt import Issuer, Key, TokenError, Verifier
from dada.problems import HTTPProblem
from dada.router import Route

__all__ = ["ADDRESS", "BODY", "HOST", "NAMES", "ORIGIN", "make", "token"]

ISSUER, AUDIENCE = "https://issuer.example", "https://api.example"
ORIGIN, HOST = "https://shop.example", "127.0.0.1:8000"
ADDRESS = {"id": 7, "receiver": "Ada Lovelace", "phone": "+44 20 7946 0000", "detail": "12 St James's Square"}
FIELDS = {"receiver": 50, "phone": 32, "detail": 200, "region": 100}
BODY = json.dumps({
    "receiver": "Ada Lovelace", "phone": "+44 20 7946 0000", "detail": "12 St James's Square, " + "x" * 150,
    "region": "London",
}, separators=(",", ":")).encode()  # as JSON.stringify writes it  # fmt: skip
ALLOWED = ["Authorization", "Content-Type"]
OTHERS = [f"/v1/shelf{number}" for number in range(49)]  # with a parameter each: another 49


def token(issuer: str = ISSUER, audience: str = AUDIENCE, age: int = 0) -> str:
    """Return a token as other libraries write one, good for a day; it was made so many seconds ago."""
    begun = time.time() - age
    maker = Issuer(Key(SECRET), issuer=issuer, audience=audience, lifetime=86_400, clock=lambda: begun)
    return maker.sign({"sub": "ada"})


def valid(body: Any) -> bool:
    """Whether *body* is an address: what a careful person writes by hand."""
    return (
        isinstance(body, dict)
        and body.keys() == FIELDS.keys()
        and all(isinstance(body[name], str) and 1 <= len(body[name]) <= most for name, most in FIELDS.items())
    )


def by_pyjwt(written: str | None) -> str:
    """Return who calls.  Raise PyJWTError."""
    if not written or not written.startswith("Bearer "):
        raise pyjwt.InvalidTokenError
    claims = pyjwt.decode(
        written[7:], SECRET, ["HS256"], issuer=ISSUER, audience=AUDIENCE, options={"require": ["exp"]}
    )
    return str(claims["sub"])


_VERIFIER = Verifier(Key(SECRET), issuer=ISSUER, audience=AUDIENCE)


def by_ours(written: str | None) -> str:
    """Return who calls, by our own verifier.  Raise TokenError."""
    if not written or not written.startswith("Bearer "):
        raise pyjwt.InvalidTokenError
    return str(_VERIFIER.verify(written[7:]).claims["sub"])


# --- the floor: what cannot be left out, by hand, nothing checked ----------------------------------------


def floor() -> Any:
    """A WSGI callable: dicts, json, the floor of a token (bench/floor.py); headers written by hand."""
    routes = dict.fromkeys(OTHERS, "shelf") | {"/v1/users": "users"}
    marks = [("Access-Control-Allow-Origin", ORIGIN), ("Vary", "Origin")]
    preflight = [
        *marks,
        ("Access-Control-Allow-Headers", "authorization, content-type"),
        ("Access-Control-Max-Age", "600"),
    ]
    challenge = [*marks, ("WWW-Authenticate", "Bearer"), ("Content-Length", "0")]

    def typed(payload: bytes) -> list[tuple[str, str]]:
        return [("Content-Type", "application/json"), ("Content-Length", str(len(payload)))]

    def application(environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
        if environ["REQUEST_METHOD"] == "OPTIONS":
            start("204 No Content", preflight)
            return []
        parts = environ["PATH_INFO"].split("/")
        if "/".join(parts[:3]) not in routes or len(parts) < 5:
            payload = json.dumps({"status": 404, "title": "Not Found"}).encode()
            start(
                "404 Not Found", [*marks, ("Content-Type", "application/json"), ("Content-Length", str(len(payload)))]
            )
            return [payload]
        try:
            decode(environ.get("HTTP_AUTHORIZATION", "")[7:])["sub"]
        except ValueError:
            start("401 Unauthorized", challenge)
            return []
        if environ["REQUEST_METHOD"] == "POST":
            body = json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
            status = "201 Created" if valid(body) else "422 Unprocessable Content"
            payload = json.dumps({"id": 8, **body}).encode()
        else:
            status, payload = "200 OK", json.dumps({**ADDRESS, "id": int(parts[5])}).encode()
        start(status, [*marks, *typed(payload)])
        return [payload]

    return application


def empty() -> Any:
    """A WSGI callable that answers, and does nothing: what the server alone costs."""

    def application(environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:  # noqa: ARG001
        start("200 OK", [("Content-Type", "application/json"), ("Content-Length", "2")])
        return [b"{}"]

    return application


# --- ours -------------------------------------------------------------------------------------------------


class Parts(Struct, forbid_unknown_fields=True, kw_only=True):
    """An address."""

    receiver: Annotated[str, Meta(min_length=1, max_length=50)]
    phone: Annotated[str, Meta(min_length=1, max_length=32)]
    detail: Annotated[str, Meta(min_length=1, max_length=200)]
    region: Annotated[str, Meta(min_length=1, max_length=100)]


def dada() -> Any:
    """Dada, every check on."""

    def get(request: Request) -> Answer:
        return Answer(200, {**ADDRESS, "id": request.params["id"]})

    def post(request: Request) -> Answer:
        parts = request.json(Parts)
        return Answer(201, {"id": 8, **structs.asdict(parts)})

    def signed_in(request: Request) -> None:
        written = request.header("Authorization")
        if written is None or not written.startswith("Bearer "):
            raise HTTPProblem("unauthorized")
        try:
            request.identity = _VERIFIER.verify(written[7:])
        except TokenError as error:
            challenge = f'Bearer realm="dada", error="invalid_token", error_description="{error.reason}"'
            raise HTTPProblem("invalid-token", headers=[("WWW-Authenticate", challenge)]) from None

    routes = [Route(path, {"GET": get}, "anyone", path) for other in OTHERS for path in (other, f"{other}/<name>")]
    routes += [
        Route("/v1/users/<username>/addresses", {"POST": post}, "signed-in", "addresses"),
        Route("/v1/users/<username>/addresses/<int:id>", {"GET": get}, "signed-in", "address"),
    ]
    policy = Policy(origins=[ORIGIN], methods=["PUT", "DELETE"], request_headers=ALLOWED, max_age=600)
    return Middleware(App(routes, guards={"signed-in": signed_in}, hosts={HOST}), policy)


# --- peers ------------------------------------------------------------------------------------------------


def falcon(subject: Callable[[str | None], str] = by_pyjwt) -> Any:
    """Falcon, its CORS middleware, PyJWT."""
    import falcon as library

    class Guard:
        def process_resource(self, req: Any, resp: Any, resource: Any, params: Any) -> None:  # noqa: ARG002
            if req.method == "OPTIONS":
                return
            try:
                req.context.user = subject(req.get_header("Authorization"))
            except (pyjwt.PyJWTError, TokenError):
                raise library.HTTPUnauthorized(challenges=["Bearer"]) from None

    class Address:
        def on_get(self, req: Any, resp: Any, username: str, id: int) -> None:  # noqa: A002, ARG002
            resp.media = {**ADDRESS, "id": id}

    class Addresses:
        def on_post(self, req: Any, resp: Any, username: str) -> None:  # noqa: ARG002
            body = req.get_media()
            if not valid(body):
                raise library.HTTPUnprocessableEntity
            resp.status, resp.media = library.HTTP_201, {"id": 8, **body}

    cors = library.CORSMiddleware(allow_origins=ORIGIN)
    app = library.App(middleware=[cors, Guard()])
    for other in OTHERS:
        app.add_route(other, Addresses())
        app.add_route(f"{other}/{{username}}", Addresses())
    app.add_route("/v1/users/{username}/addresses", Addresses())
    app.add_route("/v1/users/{username}/addresses/{id:int}", Address())
    return app


def bottle() -> Any:
    """Bottle, a hook for CORS, PyJWT."""
    import bottle as library

    app = library.Bottle()

    @app.hook("after_request")
    def mark() -> None:
        if library.request.get_header("Origin") == ORIGIN:
            library.response.set_header("Access-Control-Allow-Origin", ORIGIN)
            library.response.set_header("Vary", "Origin")

    def preflight(**_: Any) -> Any:
        headers = {"Access-Control-Allow-Headers": "authorization, content-type", "Access-Control-Max-Age": "600"}
        return library.HTTPResponse(status=204, headers=headers)

    def guard() -> None:
        try:
            by_pyjwt(library.request.get_header("Authorization"))
        except pyjwt.PyJWTError:
            raise library.HTTPResponse(status=401, headers={"WWW-Authenticate": "Bearer"}) from None

    def get(username: str, id: int) -> Any:  # noqa: A002, ARG001
        guard()
        return {**ADDRESS, "id": id}

    def post(username: str) -> Any:  # noqa: ARG001
        guard()
        body = library.request.json
        if not valid(body):
            raise library.HTTPResponse(status=422)
        library.response.status = 201
        return {"id": 8, **body}

    for other in OTHERS:
        app.route(other, "GET", post)
        app.route(f"{other}/<username>", "GET", post)
    for path, method, view in (("addresses", "POST", post), ("addresses/<id:int>", "GET", get)):
        app.route(f"/v1/users/<username>/{path}", method, view)
        app.route(f"/v1/users/<username>/{path}", "OPTIONS", preflight)
    return app


def flask() -> Any:
    """Flask, flask-cors, PyJWT."""
    import flask as library
    from flask_cors import CORS

    app = library.Flask("bench")
    CORS(app, origins=[ORIGIN], allow_headers=ALLOWED, max_age=600)

    def guarded(view: Any) -> Any:
        @functools.wraps(view)
        def call(**params: Any) -> Any:
            try:
                library.g.user = by_pyjwt(library.request.headers.get("Authorization"))
            except pyjwt.PyJWTError:
                return library.jsonify(error="unauthorized"), 401, {"WWW-Authenticate": "Bearer"}
            return view(**params)

        return call

    @guarded
    def get(username: str, id: int) -> Any:  # noqa: A002, ARG001
        return library.jsonify({**ADDRESS, "id": id})

    @guarded
    def post(username: str) -> Any:  # noqa: ARG001
        body = library.request.get_json()
        if not valid(body):
            return library.jsonify(error="invalid"), 422
        return library.jsonify({"id": 8, **body}), 201

    for other in OTHERS:
        app.add_url_rule(other, other, post)
        app.add_url_rule(f"{other}/<username>", f"{other}/name", post)
    app.add_url_rule("/v1/users/<username>/addresses", "addresses", post, methods=["POST"])
    app.add_url_rule("/v1/users/<username>/addresses/<int:id>", "address", get)
    return app


def fastapi() -> Any:
    """FastAPI, its CORS middleware, PyJWT, pydantic; endpoints on the event loop."""
    import fastapi as library
    from fastapi.middleware.cors import CORSMiddleware
    from pydantic import BaseModel, ConfigDict, Field

    class Body(BaseModel):
        model_config = ConfigDict(extra="forbid")
        receiver: str = Field(min_length=1, max_length=50)
        phone: str = Field(min_length=1, max_length=32)
        detail: str = Field(min_length=1, max_length=200)
        region: str = Field(min_length=1, max_length=100)

    app = library.FastAPI()
    app.add_middleware(
        CORSMiddleware,
        allow_origins=[ORIGIN],
        allow_methods=["POST", "PUT", "DELETE"],
        allow_headers=ALLOWED,
        max_age=600,
    )

    async def guard(authorization: Annotated[str | None, library.Header()] = None) -> str:
        try:
            return by_pyjwt(authorization)
        except pyjwt.PyJWTError:
            raise library.HTTPException(401, headers={"WWW-Authenticate": "Bearer"}) from None

    async def get(username: str, id: int) -> Any:  # noqa: A002, ARG001
        return {**ADDRESS, "id": id}

    async def post(username: str, body: Body) -> Any:  # noqa: ARG001
        return {"id": 8, **body.model_dump()}

    async def shelf() -> None:
        """Nothing."""

    for other in OTHERS:
        app.get(other)(shelf)
        app.get(other + "/{name}")(shelf)
    known = {"dependencies": [library.Depends(guard)]}
    app.post("/v1/users/{username}/addresses", status_code=201, **known)(post)
    app.get("/v1/users/{username}/addresses/{id}", **known)(get)
    return app


def django() -> Any:
    """Django, REST framework, SimpleJWT, django-cors-headers; neither sessions nor a database."""
    configure_django()
    import django as library
    from django.core.handlers.wsgi import WSGIHandler

    library.setup()
    # By itself it tells nobody of a 4xx outside of debugging; the server's logs would get a line for each.
    logging.getLogger("django").propagate = False
    importlib.import_module("bench.http_django")
    return WSGIHandler()


def configure_django() -> None:
    """Set what a process can set once."""
    from django.conf import settings

    if settings.configured:
        return
    simplejwt = "rest_framework_simplejwt.authentication"
    settings.configure(
        SECRET_KEY="bench",
        ALLOWED_HOSTS=["*"],
        APPEND_SLASH=False,  # else a path without one is looked up twice: once whether it were better off with
        ROOT_URLCONF="bench.http_django",
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "rest_framework", "corsheaders"],
        MIDDLEWARE=["corsheaders.middleware.CorsMiddleware", "django.middleware.common.CommonMiddleware"],
        CORS_ALLOWED_ORIGINS=[ORIGIN],
        CORS_PREFLIGHT_MAX_AGE=600,
        REST_FRAMEWORK={
            "DEFAULT_AUTHENTICATION_CLASSES": [f"{simplejwt}.JWTStatelessUserAuthentication"],
            "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
            "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
            "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
        },
        SIMPLE_JWT={
            "ALGORITHM": "HS256", "SIGNING_KEY": SECRET, "ISSUER": ISSUER, "AUDIENCE": AUDIENCE,
            "USER_ID_CLAIM": "sub", "TOKEN_TYPE_CLAIM": None, "JTI_CLAIM": None,
        },
    )  # fmt: skip


NAMES = {
    "floor": floor,
    "empty": empty,
    "dada": dada,
    "falcon": falcon,
    "falcon, our verifier": functools.partial(falcon, by_ours),
    "bottle": bottle,
    "flask": flask,
    "fastapi": fastapi,
    "django": django,
}


def make(name: str) -> Any:
    """Return the application called *name*."""
    return NAMES[name]()
