"""The web process, put together: `gunicorn wsgi:app`.

settings → services → the API → CORS around it, outermost, so that a page can read errors too.
"""

import os
import re
import sys
from collections.abc import Container
from typing import Any
from urllib.parse import urlsplit

from dada.app import App
from dada.cors import Middleware
from dada.errors import Misuse
from dada.origins import is_loopback
from handlers import routes
from handlers.callers import REALM, announce, guards
from handlers.health import PROBES
from handlers.observation import Observer
from handlers.policy import common_headers, make_policy, own_headers
from handlers.problems import DETAILS, PROBLEMS, WORDS
from shop.schema import must_be_current
from shop.services import OUTAGES, Services, connect
from shop.settings import Settings

__all__ = ["make_app"]


class _ThisMachine:
    """The names of this machine, and one more, with any port: what the sandbox answers to.

    A page of the wide web may make its own name point here (DNS rebinding), and no other name.
    """

    def __init__(self, netloc: str) -> None:
        named = _NAME.fullmatch(netloc)
        self._name = named[1] if named else ""

    def __contains__(self, host: object) -> bool:
        named = _NAME.fullmatch(host) if isinstance(host, str) else None
        return named is not None and (named[1] == self._name or is_loopback(named[1]))


_NAME = re.compile(r"([a-z0-9.-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?")


def hosts_of(settings: Settings) -> Container[str]:
    """Return the name that the API answers to, with its port and, where that is the usual one, without; in the sandbox
    every name of this machine.
    """
    parts = urlsplit(settings.api_url)
    if settings.sandbox:
        return _ThisMachine(parts.netloc)
    usual = {"https": ":443", "http": ":80"}[parts.scheme]
    return {parts.netloc} if parts.port else {parts.netloc, parts.netloc + usual}


def make_app(services: Services) -> Any:
    """Return the WSGI application of the API."""
    observer = Observer(services, announce(services))
    headers = common_headers(services.settings.api_url)
    api = App(
        routes(oauth_return_by_get=services.settings.oauth_return_by_get),
        given=services,
        guards=guards(services),
        problems=PROBLEMS,
        words=WORDS,
        details=DETAILS,
        outages=OUTAGES,
        realm=REALM,
        headers=headers,
        hosts=hosts_of(services.settings),
        probes=PROBES,
        trusts=observer.trusts,
        on_request=observer.arrived,
        on_answer=observer.answered,
    )
    policy = make_policy(services.settings.page_origin, timing=services.settings.sandbox)
    return Middleware(api, policy, on_decision=observer.decided, own_headers=own_headers(headers))


def _start() -> Any:
    try:
        services = connect(Settings.read(os.environ), patience=5)  # as for Redis: whoever asks waits, and a thread
        must_be_current(services.db)
        return _watched(services) if services.settings.sandbox else make_app(services)
    except Misuse as error:
        print(f"The web process cannot start:\n{error}", file=sys.stderr)
        sys.exit(4)  # gunicorn's own word for an application that does not load: it does not try again


def _watched(services: Services) -> Any:
    """Return the application of the sandbox, where each request leaves a record: sandbox/traces.py."""
    from sandbox.traces import Recording, watch

    watched, recorder = watch(services, "api")
    return Recording(make_app(watched), recorder)


def __getattr__(name: str) -> Any:
    # Made when a server asks for it: tests and tools import this file without an environment.
    if name == "app":
        globals()["app"] = _start()
        return globals()["app"]
    raise AttributeError(name)
