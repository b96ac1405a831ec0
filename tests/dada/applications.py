"""The application that the vectors' vocabulary describes, written four times: bare, with Flask, Django and Falcon."""

import django
import falcon
import flask
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpResponse, HttpResponseNotAllowed
from django.urls import re_path
from falcon.constants import COMBINED_METHODS
from werkzeug.routing import Rule

ANSWERS = {
    "/r": (200, [("X-Res", "1")]),
    "/opt": (200, []),
    "/getonly": (200, []),
    "/error500": (500, []),
    "/teapot": (418, []),
    "/unauth": (401, []),
    "/forbidden": (403, []),
    "/redirect": (302, [("Location", "/r")]),
    "/empty": (204, []),
    "/notmodified": (304, []),
    "/vary": (200, [("Vary", "Accept-Encoding")]),
    "/varyorigin": (200, [("Vary", "origin")]),
    "/varystar": (200, [("Vary", "*")]),
    "/ownacao": (200, [("Access-Control-Allow-Origin", "https://own.example")]),
    "/cookies": (200, []),
    "/boom": (200, []),
}
METHODS = {"/opt": ["GET", "OPTIONS"], "/getonly": ["GET"]}
COOKIES = {"a": "1", "b": "2"}


def answer(path):
    """Return status, headers and body of a path that is known, or fail as it is to fail."""
    if path == "/boom":
        raise RuntimeError("boom")
    status, headers = ANSWERS.get(path, (200, []))
    return status, [*headers, ("X-App", "1")], b"" if status in (204, 304) else b"body"


def bare(environ, start_response):
    path = environ["PATH_INFO"]
    if path not in ANSWERS and not path.startswith("/api/"):
        status, headers, body = 404, [], b"nothing here"
    elif environ["REQUEST_METHOD"] not in METHODS.get(path, [environ["REQUEST_METHOD"]]):
        status, headers, body = 405, [("Allow", ", ".join(METHODS[path]))], b"not so"
    else:
        status, headers, body = answer(path)
    if path == "/cookies":
        headers += [("Set-Cookie", f"{name}={value}") for name, value in COOKIES.items()]
    start_response(f"{status} Said", [*headers, ("Content-Type", "text/plain")])
    return [body]


def with_flask():
    app = flask.Flask("vectors", static_folder=None)
    for path in [*ANSWERS, "/api/<path:rest>"]:
        app.url_map.add(Rule(path, endpoint="any", methods=METHODS.get(path)))

    @app.endpoint("any")
    def view(**_):
        status, headers, body = answer(flask.request.path)
        response = flask.Response(body, status, headers)
        for cookie in COOKIES.items() if flask.request.path == "/cookies" else ():
            response.set_cookie(*cookie)
        return response

    return app


def with_django():
    def view(request):
        if request.method not in METHODS.get(request.path, [request.method]):
            return HttpResponseNotAllowed(METHODS[request.path])
        status, headers, body = answer(request.path)
        response = HttpResponse(body, status=status, headers=dict(headers))
        for cookie in COOKIES.items() if request.path == "/cookies" else ():
            response.set_cookie(*cookie)
        return response

    paths = [re_path(f"^{path[1:]}$", view) for path in ANSWERS] + [re_path("^api/", view)]
    settings.configure(ROOT_URLCONF=tuple(paths), ALLOWED_HOSTS=["*"], LOGGING_CONFIG=None)
    django.setup()
    return WSGIHandler()


def with_falcon():
    def responder(_self, request, response, **_):
        status, headers, body = answer(request.path)
        response.status, response.data = status, body
        for header in headers:
            response.set_header(*header)
        for cookie in COOKIES.items() if request.path == "/cookies" else ():
            response.set_cookie(*cookie)

    def resource(methods):
        return type("Resource", (), {f"on_{method.lower()}": responder for method in methods})()

    app = falcon.App()
    for path in [*ANSWERS, "/api/{rest:path}"]:
        app.add_route(path, resource(METHODS.get(path, COMBINED_METHODS)))
    return app


APPLICATIONS = {"bare": bare, "flask": with_flask(), "django": with_django(), "falcon": with_falcon()}
