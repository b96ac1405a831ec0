"""Router: finding what answers a path, against a bare dict trie and the routers of five peers.

The table is the shop's shape, repeated: three paths a resource, of which one is static, one has a text and one a text
and a number.  What is looked for stands near the end of the table, where a list of patterns is slowest.  Each router
gives back what answers and the parameters, the number converted; what each does besides is its own affair.
"""

from collections.abc import Callable
from typing import Any

import bottle
from django.urls import path as django_path
from django.urls.resolvers import RegexPattern, URLResolver
from falcon.routing import CompiledRouter
from starlette.routing import Route as StarletteRoute
from starlette.routing import Router as StarletteRouter
from werkzeug.routing import Map, Rule

from bench.http_apps import configure_django
from bench.timing import compare, table
from dada.router import Match, NotFound, Route, Router

__all__ = ["run"]

FLOOR = "floor: a dict of dicts, nothing checked"


def answer(req: object, resp: object, **_: object) -> None:
    """Answer."""


def _paths(routes: int) -> list[tuple[str, ...]]:
    """Return the table as segments; a parameter is "<name>" or "<int:name>"."""
    found: list[tuple[str, ...]] = []
    for number in range((routes + 2) // 3):
        shelf = f"shelf{number}"
        found += [
            ("v1", shelf),
            ("v1", shelf, "<name>", "things"),
            ("v1", shelf, "<name>", "things", "<int:id>"),
        ]
    return found[:routes]


class Trie:
    """The floor: dicts in dicts, parameters under None; what no router can do without, and nothing else."""

    def __init__(self, paths: list[tuple[str, ...]]) -> None:
        self.root: dict[Any, Any] = {}
        for path in paths:
            node, names = self.root, []
            for segment in path:
                if segment.startswith("<"):
                    names.append(segment.strip("<>").rpartition(":")[2])
                    segment = None  # noqa: PLW2901
                node = node.setdefault(segment, {})
            node["GET"] = (answer, tuple(names))

    def match(self, method: str, path: str) -> Any:
        """Return what answers, and the parameters as texts; None for nothing."""
        node, values = self.root, []
        for segment in path.split("/")[1:]:
            child = node.get(segment)
            if child is None:
                child = node.get(None)
                if child is None:
                    return None
                values.append(segment)
            node = child
        handler, names = node[method]
        return handler, dict(zip(names, values, strict=False)) if names else {}


class Resource:
    """What Falcon's router wants behind a path."""

    on_get = staticmethod(answer)


def _falcon(paths: list[tuple[str, ...]]) -> Callable[[str], Any]:
    router = CompiledRouter()
    for path in paths:
        route = "/" + "/".join(s.replace("<int:id>", "{id:int}").replace("<name>", "{name}") for s in path)
        router.add_route(route, Resource())
    return router.find


def _bottle(paths: list[tuple[str, ...]]) -> Callable[[str], Any]:
    router = bottle.Router()
    for path in paths:
        router.add("/" + "/".join(path).replace("<int:id>", "<id:int>"), "GET", answer)
    return lambda path: router.match({"REQUEST_METHOD": "GET", "PATH_INFO": path})


def _starlette(paths: list[tuple[str, ...]]) -> Callable[[str], Any]:
    routes = [
        StarletteRoute("/" + "/".join(path).replace("<int:id>", "{id:int}").replace("<name>", "{name}"), answer)
        for path in paths
    ]
    router = StarletteRouter(routes)

    def find(path: str) -> Any:
        scope = {"type": "http", "method": "GET", "path": path}
        for route in router.routes:  # as Router.app does, before it awaits
            match, child = route.matches(scope)
            if match.value:
                return child
        return None

    return find


def _django(paths: list[tuple[str, ...]]) -> Callable[[str], Any]:
    configure_django()
    found = [django_path("/".join(path).replace("<name>", "<str:name>"), answer) for path in paths]
    resolver = URLResolver(RegexPattern(r"^/"), found)
    return resolver.resolve


def _cases(routes: int) -> dict[str, dict[str, Callable[[], Any]]]:
    """Return, for each path that is looked for, how each router looks for it."""
    paths = _paths(routes)
    trie = Trie(paths)
    router = Router([
        Route("/" + "/".join(path), {"GET": answer}, "anyone", "/".join(path)) for path in paths
    ])  # fmt: skip
    adapter = Map([Rule("/" + "/".join(path), endpoint="x", methods=["GET"]) for path in paths]).bind("api.example")
    falcon, by_bottle, starlette, django = _falcon(paths), _bottle(paths), _starlette(paths), _django(paths)
    last = paths[-1][1] if len(paths[-1]) > 4 else paths[-3][1] if len(paths[-1]) == 4 else paths[-2][1]
    cases = {}
    for name, target in {
        "a static path": f"/v1/{last}",
        "a text and a number": f"/v1/{last}/ada/things/7",
    }.items():
        cases[name] = {
            FLOOR: lambda t=target: trie.match("GET", t),
            "**dada**": lambda t=target: router.match("GET", t),
            "Falcon (compiled)": lambda t=target: falcon(t),
            "Werkzeug (bound)": lambda t=target: adapter.match(t, "GET"),
            "Bottle": lambda t=target: by_bottle(t),
            "Starlette": lambda t=target: starlette(t),
            "Django": lambda t=target: django(t),
        }
        match = router.match("GET", target)
        assert isinstance(match, Match)
        assert {name: str(value) for name, value in match.params.items()} == trie.match("GET", target)[1]
        for peer, case in cases[name].items():
            assert case() is not None, (peer, target)
    assert isinstance(router.match("GET", "/v1/nothing"), NotFound)
    return cases


def run(rounds: int = 150) -> str:
    """Return the tables."""
    tables = []
    for routes in (21, 501, 10_002):
        for name, cases in _cases(routes).items():
            kept = cases if routes < 1000 else {peer: case for peer, case in cases.items() if peer in _FLAT}
            tables.append(table(f"{name[0].upper()}{name[1:]}, of {routes:,}", compare(kept, FLOOR, rounds=rounds)))
    return "\n".join(tables)


_FLAT = (FLOOR, "**dada**", "Werkzeug (bound)")  # the others take milliseconds there
