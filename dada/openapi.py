"""The table of routes → an OpenAPI 3.1 document: the API described by the code that serves it.

Paths and methods come from the routes, bodies and answers from the operations' types, problems from the tables they
are raised from, examples from the examples of the types' members.  Nothing is written twice, so nothing goes stale.

This file knows OpenAPI 3.1 and JSON Schema 2020-12; it does not know requests.
"""

import inspect
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from dada.errors import Misuse, Problem
from dada.headers import ACCEPTS
from dada.operations import Media, Operation, operation_of
from dada.problems import ProblemType, document
from dada.router import Route, handlers_of, segments_of

__all__ = ["Described", "describe", "described", "example_of"]

_SCHEMAS: Final = "#/components/schemas/{name}"
_ID: Final = "6f9619ff-8b86-8d01-b42d-00c04fc964ff"
_CHANGES: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
# What may happen to any request, to one with a body, with a query, with conditions.
_ANY: Final = ("internal", "misdirected-request", "unavailable")
_CHANGING: Final = ("origin-not-allowed",)
_BODY: Final = (
    "bad-request", "malformed-json", "length-required", "content-too-large", "unsupported-media-type", "validation",
    "not-implemented",
)  # fmt: skip
_QUERY: Final = ("bad-request", "validation")
_VERSION: Final = ("precondition-required", "precondition-failed")

_PARAMETERS: Final[Mapping[str, Mapping[str, Any]]] = {
    "int": {"type": "integer", "minimum": 0, "maximum": 10**18 - 1},
    "uuid": {"type": "string", "format": "uuid"},
    "str": {"type": "string", "minLength": 1},
}
_HEADERS: Final = {
    "Accept": ("The types of body that are read here.", "application/json"),
    "Accept-Encoding": ("Present where the body came compressed, which it may not be.", "identity"),
    "Accept-Post": ("The types of body that are read here.", "application/json"),
    "Accept-Patch": ("The types of body that are read here.", "application/json"),
    "Content-Language": ("The language of title and detail.", "en"),
    "ETag": ("The version of what is shown, for If-Match and If-None-Match.", '"1"'),
    "Idempotency-Replayed": ("Present where the answer was kept from the first request with this key.", "true"),
    "Link": ("The next page (RFC 8288).", '</v1/tokens?limit=20&cursor=…>; rel="next"'),
    "Location": ("Where what was made is.", "/v1/users/ada/addresses/1"),
    "RateLimit": ("What is left of the quota, and the seconds until it is whole.", '"login";r=3;t=120'),
    "RateLimit-Policy": ("The quota.", '"login";q=5;w=300'),
    "Retry-After": ("The seconds after which it may be tried again.", "1"),
    "WWW-Authenticate": ("Which credentials are asked for (RFC 6750 §3).", 'Bearer error="invalid_token"'),
    "X-Request-Id": ("The request's id: in every answer, every problem, every line of the log.", _ID),
}
_OF_STATUS: Final = {
    401: ("WWW-Authenticate",),
    412: ("ETag",),
    429: ("Retry-After",),
    502: ("Retry-After",),
    503: ("Retry-After",),
    504: ("Retry-After",),
}
_PHRASES: Final = {
    200: "It is done, and this is what there is.", 201: "It was made.", 202: "It was taken, and will be done.",
    204: "It is done.", 304: "You have this version already.",
}  # fmt: skip

_PROBLEM: Final = {
    "title": "Problem",
    "description": "What went wrong (RFC 9457).  `code` is for programs, `title` and `detail` are for people.",
    "type": "object",
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
        "instance": {"type": "string", "format": "uri"},
        "request_id": {"type": "string", "format": "uuid"},
        "errors": {"type": "array", "items": {"$ref": _SCHEMAS.format(name="FieldError")}},
    },
    "required": ["type", "title", "status", "code", "detail", "instance", "request_id"],
}
_FIELD_ERROR: Final = {
    "title": "FieldError",
    "description": "What is wrong with one member: where it stands (RFC 6901), a code for programs, words for people.",
    "type": "object",
    "properties": {
        "pointer": {"type": "string", "pattern": "^#"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
        "params": {"type": "object"},
    },
    "required": ["pointer", "code", "detail"],
}


class Described(NamedTuple):
    """One operation with all that concerns it.

    statuses  for each status that it may answer with, the codes of its problems; none for a success
    """

    path: str
    method: str
    who: str
    route: Route
    handler: Any
    operation: Operation
    statuses: Mapping[int, tuple[str, ...]]


def described(
    routes: Iterable[Route], problems: Mapping[str, ProblemType], guarded: Mapping[str, Sequence[str]]
) -> list[Described]:
    """Return every operation of *routes*.

    problems  every kind of problem, by code
    guarded   for each word of who may call, the problems that its guard raises

    Raise :exc:`Misuse` with each method that declares nothing, and each code that is no problem's.
    """
    found, wrong = [], []
    for route in routes:
        for method, handler in handlers_of(route.resource).items():
            declared = operation_of(handler)
            who = route.who if isinstance(route.who, str) else route.who[method]
            if declared is None:
                why, fix = "this method does not say what it takes and answers", "@operation(answers=…)"
                wrong.append(Problem("operation-missing", route.path, method, why, fix))
                continue
            codes = set(_codes(method, route.path, declared, guarded.get(who, ())))
            for code in sorted(codes - problems.keys()):
                why, fix = "no problem has this code", "a code of the table of problems"
                wrong.append(Problem("operation-problem", f"{method} {route.path}", code, why, fix))
            statuses: dict[int, tuple[str, ...]] = dict.fromkeys(declared.answers, ())
            if declared.etag and method == "GET":
                statuses[304] = ()
            for code in sorted(codes & problems.keys()):
                status = problems[code].status
                statuses[status] = (*statuses.get(status, ()), code)
            found.append(Described(route.path, method, who, route, handler, declared, dict(sorted(statuses.items()))))
    if wrong:
        raise Misuse(wrong)
    return found


def _codes(method: str, path: str, declared: Operation, guarded: Sequence[str]) -> Iterator[str]:
    yield from (*_ANY, *guarded, *declared.problems)
    if method in _CHANGES:
        yield from _CHANGING
    if "<" in path:  # what no parameter can be is no path
        yield "not-found"
    if declared.limited:
        yield "quota-exceeded"
    if declared.takes is not None:
        yield from _BODY
    if declared.query is not None:
        yield from _QUERY
    if any(header.name == "If-Match" for header in declared.headers):
        yield from _VERSION
    if declared.etag and method == "GET":  # a condition that does not hold (RFC 9110 §13.2.2)
        yield "precondition-failed"


# --- the document ----------------------------------------------------------------------------------------


def describe(
    operations: Sequence[Described], problems: Mapping[str, ProblemType], *, title: str, version: str, told: str,
    server: str,
) -> dict[str, Any]:  # fmt: skip
    """Return the OpenAPI document of *operations*, ready to be written as JSON."""
    types = [kind for one in operations for kind in _types(one.operation)]
    shapes, named = msgspec.json.schema_components(types, ref_template=_SCHEMAS)
    schemas = dict(zip(map(id, types), shapes, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    tags: dict[str, str] = {}
    for one in operations:
        path, parameters = _path(one.path)
        members = paths.setdefault(path, {"parameters": parameters} if parameters else {})
        members[one.method.lower()] = _operation(one, problems, schemas)
        tags.setdefault(_tag(one), (inspect.getdoc(inspect.getmodule(one.handler)) or "").partition("\n")[0])
    shared = _shared(
        [members["responses"] for path in paths.values() for members in path.values() if "responses" in members]
    )
    license_ = {"name": "MIT", "identifier": "MIT"}
    document = {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version, "description": told, "license": license_},
        "servers": [{"url": server}],
        "tags": [{"name": name, "description": text} for name, text in tags.items()],
        "paths": paths,
        "components": {
            "schemas": {"Problem": _PROBLEM, "FieldError": _FIELD_ERROR, **dict(sorted(named.items()))},
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
            "headers": {name: _header(told, example) for name, (told, example) in _HEADERS.items()},
            "parameters": {"Accept-Language": _LANGUAGE},
            "responses": shared,
            "examples": {code: _example(kind) for code, kind in sorted(problems.items())},
        },
    }
    return _without_the_unused(document)


_REFERENCE: Final = re.compile(r'"#/components/(schemas|examples)/([^"]+)"')


def _without_the_unused(document: dict[str, Any]) -> dict[str, Any]:
    """Return *document* with those schemas and examples that its operations lead to, one by another."""
    components: dict[str, dict[str, Any]] = document["components"]
    used: set[tuple[str, str]] = set()
    found = _referred([document["paths"], components["responses"]])
    while found:
        used |= found
        found = _referred([components[kind][name] for kind, name in found]) - used
    kept = {
        kind: {name: node for name, node in components[kind].items() if (kind, name) in used}
        for kind in ("schemas", "examples")
    }
    return document | {"components": components | kept}


def _referred(nodes: list[Any]) -> set[tuple[str, str]]:
    return set(_REFERENCE.findall(msgspec.json.encode(nodes).decode()))


_LANGUAGE: Final = {
    "name": "Accept-Language",
    "in": "header",
    "description": "The language of problems: English, or Chinese, as in `zh-CN`.",
    "schema": {"type": "string"},
}


def _types(declared: Operation) -> Iterator[Any]:
    for kind in (declared.takes, declared.query, *declared.answers.values()):
        if kind is not None and not isinstance(kind, Media):
            yield kind


def _path(path: str) -> tuple[str, list[dict[str, Any]]]:
    """Return a route's path as OpenAPI writes it, and its parameters."""
    written, parameters = "", []
    for kind, text in segments_of(path):
        written += f"/{{{text}}}" if kind else f"/{text}"
        if kind:
            schema = _PARAMETERS.get(kind, _PARAMETERS["str"])
            parameters.append({"name": text, "in": "path", "required": True, "schema": schema})
    return written, parameters


def _tag(one: Described) -> str:
    return str(one.handler.__module__).rpartition(".")[2]


def _operation(one: Described, problems: Mapping[str, ProblemType], schemas: Mapping[int, Any]) -> dict[str, Any]:
    declared = one.operation
    summary, _, rest = (inspect.getdoc(one.handler) or "").partition("\n\n")
    members: dict[str, Any] = {
        "operationId": f"{one.method.lower()}{one.route.name or getattr(one.route.resource, '__name__', '')}",
        "summary": " ".join(summary.split()),
        "description": rest,
        "tags": [_tag(one)],
        "parameters": [*_parameters(one), {"$ref": "#/components/parameters/Accept-Language"}],
        "responses": {str(status): _response(one, status, problems, schemas) for status in one.statuses},
    }
    if declared.takes is not None:
        content = {"schema": schemas[id(declared.takes)], "example": example_of(declared.takes)}
        members["requestBody"] = {"required": True, "content": {"application/json": content}}
    asked: list[Any] = [{"bearer": []}, *([{}] if declared.caller == "optional" else [])]
    members["security"] = asked if one.who != "anyone" or declared.caller else []  # none, and said so
    return members


def _parameters(one: Described) -> Iterator[dict[str, Any]]:
    declared = one.operation
    if declared.query is not None:
        shape = msgspec.json.schema_components([declared.query])[1][declared.query.__name__]
        for name, schema in shape["properties"].items():
            yield {
                "name": name, "in": "query", "description": schema.get("description", ""),
                "required": name in shape["required"], "schema": schema,
            }  # fmt: skip
    for header in declared.headers:
        [schema], _ = msgspec.json.schema_components([header.kind])
        # A viewer writes an example into its form: of what may be left out it only tells.
        told = header.told if header.required else f"{header.told}  For example `{header.example}`."
        example = {"example": header.example} if header.required else {}
        yield {
            "name": header.name, "in": "header", "description": told, "required": header.required, "schema": schema,
            **example,
        }  # fmt: skip


def _response(
    one: Described, status: int, problems: Mapping[str, ProblemType], schemas: Mapping[int, Any]
) -> dict[str, Any]:
    declared, codes = one.operation, one.statuses[status]
    kind = declared.answers.get(status)
    content: dict[str, Any] = {}
    shape: dict[str, Any]
    names = ["X-Request-Id", *(declared.sends if status < 300 else ())]
    if (declared.etag and status < 400) or status == 412:
        names.append("ETag")
    if declared.limited:
        names += ["RateLimit", "RateLimit-Policy"]
    if codes:
        told = "  ".join(f"`{code}`: {problems[code].en}." for code in codes)
        shape = {"properties": {"status": {"const": status}, "code": {"enum": list(codes)}}}
        content["application/problem+json"] = {
            "schema": {"allOf": [{"$ref": _SCHEMAS.format(name="Problem")}, shape]},
            "examples": {code: {"$ref": f"#/components/examples/{code}"} for code in codes},
        }
        names += ["Content-Language", *(name for name in _OF_STATUS.get(status, ()) if name not in names)]
        if "invalid-request" in codes:
            names.append("WWW-Authenticate")
        if status == 415:
            names += [ACCEPTS.get(one.method, "Accept"), "Accept-Encoding"]
    else:
        told = _PHRASES.get(status, "It is done.")
    if status == 201:
        names.append("Location")
    if isinstance(kind, Media):
        shape = {"type": "string" if kind.media_type.startswith("text/") else "object"}
        told, content[kind.media_type] = kind.told, {"schema": shape}
    elif kind is not None:
        content["application/json"] = {"schema": schemas[id(kind)], "example": example_of(kind)}
    headers = {name: {"$ref": f"#/components/headers/{name}"} for name in sorted(set(names))}
    return {"description": told, "headers": headers, **({"content": content} if content else {})}


def _shared(answers: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Leave a reference for each answer that several operations give, and return all of those by name."""
    places: dict[bytes, list[tuple[dict[str, Any], str]]] = {}
    for responses in answers:
        for status, answer in responses.items():
            places.setdefault(msgspec.json.encode(answer), []).append((responses, status))
    shared: dict[str, Any] = {}
    for found in places.values():
        responses, status = found[0]
        if len(found) > 1:
            name = f"{status}.{sum(known.startswith(status) for known in shared) + 1}"
            shared[name] = responses[status]
            for responses, status in found:
                responses[status] = {"$ref": f"#/components/responses/{name}"}
    return shared


def _header(told: str, example: str) -> dict[str, Any]:
    return {"description": told, "schema": {"type": "string"}, "example": example}


def _example(kind: ProblemType) -> dict[str, Any]:
    return {"summary": kind.en, "value": document(kind, "en", _ID)}


# --- examples --------------------------------------------------------------------------------------------


def example_of(kind: Any) -> Any:
    """Return a value of the type *kind*, as JSON has it: of the examples, defaults and bounds of its members."""
    shapes, named = msgspec.json.schema_components([kind])
    return _value(shapes[0], named)


def _value(schema: Mapping[str, Any], named: Mapping[str, Any]) -> Any:
    if "$ref" in schema:
        return _value(named[schema["$ref"].rpartition("/")[2]], named)
    for word in ("examples", "default", "const", "enum"):
        if word in schema:
            return schema[word][0] if word in ("examples", "enum") else schema[word]
    if "anyOf" in schema:
        return _value(schema["anyOf"][0], named)
    match schema.get("type"):
        case "object":
            return {name: _value(member, named) for name, member in schema.get("properties", {}).items()}
        case "array":
            return [_value(schema["items"], named)] if "items" in schema else []
        case "integer" | "number":
            return schema.get("minimum", 0)
        case "boolean":
            return True
        case "null":
            return None
    return "x" * int(schema.get("minLength", 0))
