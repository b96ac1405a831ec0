"""The web process, put together: `gunicorn wsgi:app`.

settings → services → the API → CORS around it, outermost, so that a page can read errors too.
"""

import os
import sys
from typing import Any

from dada.app import App
from dada.cors import Middleware, Policy
from dada.errors import Misuse
from handlers import ROUTES
from handlers.callers import REALM, announce, guards
from handlers.observation import Observer
from handlers.problems import PROBLEMS, WORDS
from shop.schema import must_be_current
from shop.services import OUTAGES, Services, connect
from shop.settings import Settings

__all__ = ["make_app", "make_policy"]


def make_policy(page_origin: str, *, timing: bool = False) -> Policy:
    """Return what the page may do: everything this API has, and no cookies, since there are none.

    timing  whether the page may see how long an answer took, and what of that was ours (Server-Timing)
    """
    return Policy(
        origins=[page_origin],
        methods=["PUT", "PATCH", "DELETE"],
        request_headers=["Authorization", "Content-Type", "Idempotency-Key", "If-Match", "If-None-Match"],
        response_headers=[
            "ETag",
            "Link",
            "Location",
            "RateLimit",
            "RateLimit-Policy",
            "Retry-After",
            "WWW-Authenticate",
            "X-Request-Id",
        ],
        max_age=600,
        timing=timing,
    )


def make_app(services: Services) -> Any:
    """Return the WSGI application of the API."""
    observer = Observer(services, announce(services))
    api = App(
        ROUTES,
        given=services,
        guards=guards(services),
        problems=PROBLEMS,
        words=WORDS,
        outages=OUTAGES,
        realm=REALM,
        trusts=observer.trusts,
        on_request=observer.arrived,
        on_answer=observer.answered,
    )
    policy = make_policy(services.settings.page_origin, timing=services.settings.sandbox)
    return Middleware(api, policy, on_decision=observer.decided)


def _start() -> Any:
    try:
        services = connect(Settings.read(os.environ))
        must_be_current(services.db)
        return make_app(services)
    except Misuse as error:
        print(f"The web process cannot start:\n{error}", file=sys.stderr)
        sys.exit(4)  # gunicorn's own word for an application that does not load: it does not try again


def __getattr__(name: str) -> Any:
    # Made when a server asks for it: tests and tools import this file without an environment.
    if name == "app":
        globals()["app"] = _start()
        return globals()["app"]
    raise AttributeError(name)
