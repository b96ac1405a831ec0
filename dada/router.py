"""Paths → resource, or 404, or 405 with Allow (RFC 9110 §9.1, §15.5.5, §15.5.6; RFC 3986 §3.3).

A `Route` is a path, the resource behind it, and who may call it.  A `Router` holds all of them in a trie of
segments, so that a match costs as much with ten routes as with ten thousand:

    >>> router = Router([Route("/users/<username>/addresses/<int:id>", {"GET": print}, "owner", "address")])
    >>> router.match("GET", "/users/ada/addresses/7").params
    {'username': 'ada', 'id': 7}
    >>> router.match("PUT", "/users/ada/addresses/7")
    MethodNotAllowed(allow=('GET', 'HEAD', 'OPTIONS'))
    >>> router.url("address", username="張", id=7)
    '/users/%E5%BC%B5/addresses/7'

What a path may look like is decided once, here.  Each segment is percent-decoded once, after the path was cut
at its slashes; "%2F" is therefore a character of a segment, "%252F" three.  Nothing is repaired: an empty
segment ("//", or a slash at the end), "." and "..", control characters, a bad escape and bytes that are no
UTF-8 match nothing, and no answer redirects to what may have been meant.  Static segments win over parameters.

This file knows paths and names of methods; it does not know HTTP messages, or what a resource does.
"""

import difflib
import inspect
import re
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, NamedTuple
from urllib.parse import quote, unquote_to_bytes

from dada.errors import Misuse, Problem
from dada.headers import is_token

__all__ = ["Converter", "Match", "MethodNotAllowed", "NotFound", "Route", "Router", "handlers_of", "segments_of"]

METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")  # of a class; GET answers HEAD too


@dataclass(frozen=True)
class Route:
    """A line of the table.

    path      "/v1/users/<username>/addresses/<int:id>": static segments and parameters
    resource  a class or an object with a method per verb (get, post …), a mapping from verbs to functions,
              or one function, which then answers GET
    who       who may call: one word for all verbs, or a word for each
    name      for `Router.url`; the resource's own name where it is not given
    """

    path: str
    resource: Any
    who: str | Mapping[str, str]
    name: str | None = None


class Match(NamedTuple):
    """A path and a method that are known.

    handler  what answers: a function of the resource; None for OPTIONS where the resource has no method for it
    who      the word that says who may call
    allow    the methods of this path, sorted
    params   the parameters' values by name, converted
    """

    route: Route
    handler: Callable[..., Any] | None
    who: str
    allow: tuple[str, ...]
    params: Mapping[str, Any]


class NotFound(NamedTuple):
    """No such path."""


class MethodNotAllowed(NamedTuple):
    """The path is known, and not for this method; *allow* is what it is for (RFC 9110 §10.2.1)."""

    allow: tuple[str, ...]


class Converter(NamedTuple):
    """How one kind of parameter is read and written; *read* raises ValueError for what is none."""

    read: Callable[[str], Any]
    write: Callable[[Any], str]


# --- the kinds of parameters -----------------------------------------------------------------------------

_UUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")


def _read_int(text: str) -> int:
    # ASCII digits only, one spelling for each number, within 64 bits
    if text.isdigit() and text.isascii() and len(text) < 19 and (text[0] != "0" or text == "0"):
        return int(text)
    raise ValueError(text)


def _write_int(value: Any) -> str:
    if type(value) is not int:
        raise ValueError(value)
    return str(_read_int(str(value)))


def _read_uuid(text: str) -> uuid.UUID:
    if not _UUID.fullmatch(text):
        raise ValueError(text)
    return uuid.UUID(text)


def _write_str(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(value)
    return value


CONVERTERS: Final[Mapping[str, Converter]] = {
    "int": Converter(_read_int, _write_int),
    "uuid": Converter(_read_uuid, lambda value: str(_read_uuid(str(value)))),
    "str": Converter(str, _write_str),
}


# --- the trie --------------------------------------------------------------------------------------------


class _Node:
    """What can follow after some segments: static ones, parameters, or the end.

    ways  the parameters that may stand here: how one is read (None: as it stands), its name, what follows; plain texts
          last, since they take anything
    ends  for each method, what a match says besides the parameters; empty where no path ends
    names the parameters' names in the path that ends here, where another path named the ways
    """

    __slots__ = ("ends", "names", "refusal", "static", "ways")

    def __init__(self) -> None:
        self.static: dict[str, _Node] = {}
        self.ways: tuple[tuple[Callable[[str], Any] | None, str, _Node], ...] = ()
        self.ends: dict[str, tuple[Route, Callable[..., Any] | None, str, tuple[str, ...]]] = {}
        self.names: tuple[str, ...] = ()
        self.refusal: NotFound | MethodNotAllowed = _NOT_FOUND


_NOT_FOUND: Final = NotFound()
_NO_PARAMS: Final[Mapping[str, Any]] = MappingProxyType({})
_new = tuple.__new__  # a Match's own would take its fields one by one


class Router:
    """All routes, proved together when it is made.  Raise :exc:`Misuse`, with every problem of the table.

    converters  further kinds of parameters, by the name that stands before the colon

    A path without parameters is found whole, in one dictionary, where its answers lie ready.  Any other goes down the
    trie, a dictionary for each segment, and takes the first way that is open; all ways are tried only where that ends
    nowhere: /users/weibo may lead on, and so may /users/<name>.
    """

    def __init__(self, routes: Iterable[Route], converters: Mapping[str, Converter] | None = None) -> None:
        self.routes = tuple(routes)
        self._converters = {**CONVERTERS, **(converters or {})}
        self._whole: dict[str, tuple[dict[str, Match], NotFound | MethodNotAllowed]] = {}
        self._root = _Node()
        self._names: dict[str, Route] = {}
        self._shapes: dict[tuple[Any, ...], Route] = {}
        problems: list[Problem] = []
        for route in self.routes:
            problems += self._add(route)
        if problems:
            raise Misuse(problems)

    def match(self, method: str, path: str) -> Match | NotFound | MethodNotAllowed:
        """Return what answers *method* at *path*, as it stands in the request: not decoded, without a query."""
        if (whole := self._whole.get(path)) is not None:
            return whole[0].get(method, whole[1])
        segments = path.split("/")
        if "%" in path or not path.isprintable():
            decoded = _decoded(segments)
            if decoded is None:
                return _NOT_FOUND
            segments = decoded
        params: dict[str, Any] = {}
        node = self._root
        for segment in segments:
            child = node.static.get(segment)
            if child is None:
                child = None if segment in _NEVER else _way(node, segment, params)
                if child is None:
                    return self._match_all_ways(method, segments)
            node = child
        if (end := node.ends.get(method)) is not None:
            return _new(Match, (*end, dict(zip(node.names, params.values(), strict=True)) if node.names else params))
        return node.refusal if node.ends else self._match_all_ways(method, segments)

    def _match_all_ways(self, method: str, segments: list[str]) -> Match | NotFound | MethodNotAllowed:
        """The same, where the first way that was open ended nowhere."""
        node, params = _find(self._root, segments, 0) or (self._root, {})
        params = dict(zip(node.names, params.values(), strict=True)) if node.names else params
        return _new(Match, (*node.ends[method], params)) if method in node.ends else node.refusal

    def url(self, name: str, /, **params: Any) -> str:
        """Return the path of the route called *name*.  Raise :exc:`Misuse`, with what may have been meant."""
        route = self._names.get(name := str(name))
        if route is None:
            raise Misuse([Problem("route-name", "name", name[:60], "no route has this name", _near(name, self._names))])
        segments = segments_of(route.path)
        wanted = {text for kind, text in segments if kind}
        if wanted != params.keys():
            stray, missing = sorted(params.keys() - wanted), sorted(wanted - params.keys())
            why = f"{route.path} takes {', '.join(sorted(wanted)) or 'nothing'}"
            fix = _near(stray[0], wanted) if stray else f"give {', '.join(missing)}"
            raise Misuse([Problem("route-params", "params", ", ".join(stray or missing)[:60], why, fix)])
        return "".join(
            "/" + (self._written(kind, text, params[text]) if kind else quote(text)) for kind, text in segments
        )

    def _written(self, kind: str, name: str, value: Any) -> str:
        try:
            text = self._converters[kind].write(value)
            if not isinstance(text, str) or text in _NEVER or _CONTROL.search(text):
                raise ValueError(text)
            return quote(text, safe="")
        except (ValueError, UnicodeEncodeError):
            why = f"this is no {kind} that a path can carry"
            raise Misuse(
                [Problem("route-value", name, ascii(value)[:60], why, f"a value that <{kind}:{name}> reads")]
            ) from None

    # --- building ---

    def _add(self, route: Route) -> list[Problem]:
        """Add *route* to the trie; return what is wrong with it."""
        segments = segments_of(route.path) if isinstance(route.path, str) else []
        problems = _path_problems(route.path, segments, self._converters)
        handlers = handlers_of(route.resource)
        name = route.name or getattr(route.resource, "__name__", None) or route.path
        if not handlers:
            why, fix = "it answers no method", "methods named get, post, put, patch, delete, or a mapping"
            problems.append(Problem("route-resource", route.path, str(name)[:60], why, fix, "RFC 9110 §9.1"))
        problems += _who_problems(route, handlers)
        if name in self._names:
            why = f"{self._names[name].path} has this name already"
            problems.append(Problem("route-name-twice", route.path, str(name)[:60], why, "give it a name of its own"))
        if problems:
            return problems
        shape = tuple(self._converters[kind].read if kind else text for kind, text in segments)
        if (taken := self._shapes.setdefault(shape, route)) is not route:
            why = f"{taken.path} matches the same paths"
            return [Problem("route-twice", route.path, "", why, "one resource for a path")]
        self._names[name] = route
        node = self._root.static.setdefault("", _Node())  # what stands before the first slash
        ways: list[str] = []
        for kind, text in segments:
            node = self._child(node, kind, text, ways)
        names = tuple(text for kind, text in segments if kind)
        node.names = () if names == tuple(ways) else names
        given = {"HEAD": handlers["GET"]} if "GET" in handlers else {}
        known: dict[str, Any] = {"OPTIONS": None, **given, **handlers}
        allow = tuple(sorted(known))
        node.refusal = MethodNotAllowed(allow)
        for method, handler in known.items():
            asked = "GET" if method == "HEAD" and "HEAD" not in handlers else method
            who = "anyone" if handler is None else route.who if isinstance(route.who, str) else route.who[asked]
            node.ends[method] = (route, handler, who, allow)
        if not any(kind for kind, _ in segments):
            matches = {method: Match(*end, _NO_PARAMS) for method, end in node.ends.items()}
            self._whole[route.path] = (matches, node.refusal)
        return []

    def _child(self, node: _Node, kind: str, text: str, ways: list[str]) -> _Node:
        """Return what follows in the trie, made where it is not there yet; *ways* has the names on the way to it."""
        if not kind:
            return node.static.setdefault(text, _Node())
        read = None if (given := self._converters[kind].read) is str else given
        for there, name, child in node.ways:
            if there == read:  # whatever it is called: what follows is compared with all that may follow
                ways.append(name)
                return child
        ways.append(str(len(ways)) if text in ways else text)
        child = _Node()
        node.ways = tuple(sorted((*node.ways, (read, ways[-1], child)), key=lambda way: way[0] is None))
        return child


def _way(node: _Node, segment: str, params: dict[str, Any]) -> _Node | None:
    """Return where the first parameter leads that may be *segment*, and put its value into *params*."""
    for read, name, child in node.ways:
        try:
            params[name] = read(segment) if read else segment
        except ValueError:
            continue
        return child
    return None


def _find(node: _Node, segments: list[str], at: int) -> tuple[_Node, dict[str, Any]] | None:
    """Return the node where *segments* end, from place *at* on, with the parameters; all ways are tried in order."""
    if at == len(segments):
        return (node, {}) if node.ends else None
    segment = segments[at]
    child = node.static.get(segment)
    if child is not None and (found := _find(child, segments, at + 1)) is not None:
        return found
    for read, name, child in () if segment in _NEVER else node.ways:
        try:
            value = read(segment) if read else segment
        except ValueError:
            continue
        if (found := _find(child, segments, at + 1)) is not None:
            return found[0], {name: value, **found[1]}
    return None


_NEVER = frozenset({"", ".", ".."})  # empty segments and dots are no values: clients rewrite them (RFC 3986 §5.2.4)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


def _decoded(segments: list[str]) -> list[str] | None:
    """Return *segments* percent-decoded, once; None where they spell no text."""
    try:
        decoded = [unquote_to_bytes(segment).decode("utf-8") for segment in segments]
    except UnicodeError:  # bytes that are no UTF-8, or half of a surrogate pair
        return None
    wrong = any(map(_BAD_ESCAPE.search, segments)) or any(map(_CONTROL.search, decoded))
    return None if wrong else decoded


# --- the table, proved -----------------------------------------------------------------------------------

_PARAM = re.compile(r"<(?:([a-z_][a-z0-9_]*):)?([A-Za-z_][A-Za-z0-9_]*)>")


def segments_of(path: str) -> list[tuple[str, str]]:
    """Return the segments of a route's path: ("", text) for a static one, (converter, name) for a parameter."""
    segments = []
    for text in path.split("/")[1:]:
        param = _PARAM.fullmatch(text)
        segments.append((param[1] or "str", param[2]) if param else ("", text))
    return segments


def _path_problems(path: Any, segments: list[tuple[str, str]], converters: Mapping[str, Converter]) -> list[Problem]:
    problems = []

    def problem(code: str, value: str, why: str, fix: str) -> None:
        problems.append(Problem(code, str(path)[:80], value[:60], why, fix, "RFC 3986 §3.3"))

    if not isinstance(path, str) or not path.startswith("/"):
        return [Problem("route-path", str(path)[:80], "", "a path begins with a slash", "/v1/users", "RFC 3986 §3.3")]
    if path != "/" and any(text in _NEVER for kind, text in segments if not kind):
        problem("route-segment", "", "empty segments and dots match nothing", "no // and no slash at the end")
    for kind, text in segments:
        if not kind and re.search(r"[<>%?#\x00-\x20\x7f-\x9f\ud800-\udfff]", text):
            problem("route-segment", text, "this is neither a plain text nor a whole parameter", "<name> or <int:name>")
        if kind and kind not in converters:
            problem("route-converter", kind, "no such kind of parameter", _near(kind, converters))
    names = [text for kind, text in segments if kind]
    for name in sorted({name for name in names if names.count(name) > 1}):
        problem("route-param-twice", name, "two parameters have this name", "a name for each")
    return problems


def handlers_of(resource: Any) -> dict[str, Callable[..., Any]]:
    """Return what *resource* answers with, by method; {} where it is no resource."""
    if isinstance(resource, Mapping):
        good = all(isinstance(method, str) and is_token(method) and callable(f) for method, f in resource.items())
        return dict(resource) if good else {}
    if inspect.isroutine(resource):
        return {"GET": resource}
    found = ((method, getattr(resource, method.lower(), None)) for method in METHODS)
    return {method: handler for method, handler in found if callable(handler)}


def _who_problems(route: Route, handlers: Mapping[str, Any]) -> list[Problem]:
    """A route that does not say who may call each of its methods is not served."""
    if isinstance(route.who, str) and route.who:
        return []
    if not isinstance(route.who, Mapping):
        why, fix = "it is not stated who may call", 'who="anyone", or a word for each method'
        return [Problem("route-who", str(route.path)[:80], repr(route.who)[:40], why, fix)]
    problems = []
    for method in sorted(handlers.keys() ^ route.who.keys(), key=str):
        why = "it is not stated who may call it" if method in handlers else "the resource does not answer it"
        problems.append(Problem("route-who", str(route.path)[:80], str(method), why, "one word for each method"))
    wrong = (repr(word)[:40] for word in route.who.values() if not isinstance(word, str) or not word)
    problems += [Problem("route-who", str(route.path)[:80], word, "this is no word", "a word") for word in wrong]
    return problems


def _near(text: Any, known: Iterable[str]) -> str:
    """Return "did you mean …", or what there is."""
    names = sorted(known)
    near = difflib.get_close_matches(str(text), names, 1)
    return f"did you mean {near[0]}?" if near else f"one of {', '.join(names)[:200]}"
