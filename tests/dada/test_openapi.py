"""The table of routes → an OpenAPI document."""

import json
from typing import Annotated, Literal

import jsonschema_rs
import pytest
from msgspec import UNSET, Meta, Struct, UnsetType

from dada.errors import Misuse
from dada.openapi import describe, described, example_of
from dada.operations import IF_MATCH, IF_NONE_MATCH, Media, operation
from dada.problems import TYPES
from dada.router import Route


class Inner(Struct, kw_only=True):
    n: Annotated[int, Meta(ge=3)]


class Thing(Struct, forbid_unknown_fields=True, kw_only=True):
    """A thing."""

    name: Annotated[str, Meta(min_length=2, examples=["bag"])]
    kind: Literal["a", "b"] = "b"
    short: Annotated[str, Meta(min_length=2)]
    inner: Inner
    all: list[Inner] = []
    maybe: Inner | None = None
    left: str | UnsetType = UNSET
    yes: bool
    share: float


class Query(Struct, kw_only=True):
    limit: Annotated[int, Meta(ge=1, le=100, description="So many.")] = 20
    name: str


class Things:
    """All things."""

    @operation(query=Query, answers={200: Thing}, sends=("Link",))
    def get(self, _):
        """List them.

        All of them.
        """

    @operation(takes=Thing, answers={201: Thing}, etag=True, problems=("conflict",), caller="optional")
    def post(self, _):
        """Make one."""


class One:
    """One thing."""

    @operation(answers={200: Thing, 503: Thing}, etag=True, headers=(IF_NONE_MATCH,))
    def get(self, _):
        """Show it."""

    @operation(takes=Thing, answers={204: None}, headers=(IF_MATCH,))
    def patch(self, _):
        """Change it."""


class Figures:
    @operation(answers={200: Media("text/plain", "Figures.")})
    def get(self, _):
        """Show figures."""


ROUTES = [
    Route("/things", Things, {"GET": "anyone", "POST": "anyone"}),
    Route("/things/<int:id>/of/<name>", One, "owner"),
    Route("/figures", Figures, "anyone"),
]
OPERATIONS = described(ROUTES, TYPES, {"owner": ("unauthorized", "not-found")})
DOCUMENT = describe(OPERATIONS, TYPES, title="Things", version="1", told="…", server="https://api.shop.example")
for members in DOCUMENT["paths"].values():  # to be looked at as if nothing were told once for all
    for told in members.values():
        if "responses" in told:
            told["responses"] = {
                status: DOCUMENT["components"]["responses"][answer["$ref"].rpartition("/")[2]]
                if "$ref" in answer
                else answer
                for status, answer in told["responses"].items()
            }
ONE = DOCUMENT["paths"]["/things/{id}/of/{name}"]


def statuses(method, path):
    return next(one.statuses for one in OPERATIONS if (one.method, one.path) == (method, path))


def test_it_is_an_openapi_document_with_every_path_and_method():
    assert DOCUMENT["openapi"] == "3.1.0"
    assert {path: sorted(members.keys() - {"parameters"}) for path, members in DOCUMENT["paths"].items()} == {
        "/things": ["get", "post"], "/things/{id}/of/{name}": ["get", "patch"], "/figures": ["get"],
    }  # fmt: skip
    assert DOCUMENT["servers"] == [{"url": "https://api.shop.example"}]
    assert json.loads(json.dumps(DOCUMENT)) == DOCUMENT


def test_every_reference_leads_somewhere():
    def references(node):
        if isinstance(node, dict):
            yield from ([node["$ref"]] if "$ref" in node else [])
            for member in node.values():
                yield from references(member)
        elif isinstance(node, list):
            for member in node:
                yield from references(member)

    found = set(references(DOCUMENT))
    assert len(found) > 20
    for reference in found:
        node = DOCUMENT
        for name in reference.removeprefix("#/").split("/"):
            node = node[name]


def test_an_answer_that_several_give_stands_in_one_place():
    again = describe(OPERATIONS, TYPES, title="Things", version="1", told="…", server="https://api.shop.example")
    for members in again["paths"].values():
        for method in members.keys() - {"parameters"}:
            assert members[method]["responses"]["500"] == {"$ref": "#/components/responses/500.1"}
    assert "$ref" not in again["paths"]["/things"]["post"]["responses"]["409"]


def test_a_path_s_parameters_have_the_types_of_their_converters():
    assert [(one["name"], one["in"], one["schema"]["type"]) for one in ONE["parameters"]] == [
        ("id", "path", "integer"), ("name", "path", "string"),
    ]  # fmt: skip


def test_a_query_s_parameters_are_the_members_of_its_type():
    told = DOCUMENT["paths"]["/things"]["get"]["parameters"][:2]
    assert [(one["name"], one["in"], one["required"]) for one in told] == [
        ("limit", "query", False),
        ("name", "query", True),
    ]
    assert (told[0]["schema"]["maximum"], told[0]["schema"]["default"], told[0]["description"]) == (100, 20, "So many.")


ANYTHING = {421: ("misdirected-request",), 500: ("internal",), 503: ("unavailable",)}
PROBLEMS = {
    "anything may fail": ("GET", "/figures", {200: (),}),
    "a query": ("GET", "/things", {
        200: (), 400: ("bad-request",), 422: ("validation",),
    }),
    "a body, and one of its own": ("POST", "/things", {
        201: (), 400: ("bad-request", "malformed-json"), 403: ("origin-not-allowed",), 409: ("conflict",),
        411: ("length-required",), 413: ("content-too-large",), 415: ("unsupported-media-type",), 422: ("validation",),
        501: ("not-implemented",),
    }),
    "a guard, an entity tag, a problem's status for a success": ("GET", "/things/<int:id>/of/<name>", {
        200: (), 304: (), 401: ("unauthorized",), 404: ("not-found",), 412: ("precondition-failed",),
    }),
    "a version": ("PATCH", "/things/<int:id>/of/<name>", {
        204: (), 400: ("bad-request", "malformed-json"), 401: ("unauthorized",), 403: ("origin-not-allowed",),
        404: ("not-found",), 411: ("length-required",), 412: ("precondition-failed",), 413: ("content-too-large",),
        415: ("unsupported-media-type",), 422: ("validation",), 428: ("precondition-required",),
        501: ("not-implemented",),
    }),
}  # fmt: skip


@pytest.mark.parametrize(("method", "path", "expected"), PROBLEMS.values(), ids=PROBLEMS)
def test_every_status_is_told_with_the_codes_of_its_problems(method, path, expected):
    assert statuses(method, path) == expected | ANYTHING


def test_an_answer_tells_its_headers_and_the_shapes_that_it_may_have():
    shown = ONE["get"]["responses"]
    assert set(shown["503"]["content"]) == {"application/json", "application/problem+json"}
    assert {"ETag", "X-Request-Id"} <= set(shown["200"]["headers"])
    assert "content" not in shown["304"]
    assert "WWW-Authenticate" in shown["401"]["headers"]
    assert "Location" in DOCUMENT["paths"]["/things"]["post"]["responses"]["201"]["headers"]
    assert "Accept-Patch" in ONE["patch"]["responses"]["415"]["headers"]
    assert "ETag" in ONE["patch"]["responses"]["412"]["headers"]
    assert "Link" in DOCUMENT["paths"]["/things"]["get"]["responses"]["200"]["headers"]
    figures = DOCUMENT["paths"]["/figures"]["get"]["responses"]["200"]
    assert (figures["description"], figures["content"]) == ("Figures.", {"text/plain": {"schema": {"type": "string"}}})


def test_a_problem_is_told_with_its_status_and_an_example_of_each_code():
    told = DOCUMENT["paths"]["/things"]["post"]["responses"]["409"]["content"]["application/problem+json"]
    assert told["schema"]["allOf"][1]["properties"] == {"status": {"const": 409}, "code": {"enum": ["conflict"]}}
    example = DOCUMENT["components"]["examples"]["conflict"]["value"]
    schema = {**told["schema"], "components": DOCUMENT["components"]}
    assert jsonschema_rs.Draft202012Validator(schema).is_valid(example)
    assert not jsonschema_rs.Draft202012Validator(schema).is_valid(example | {"code": "gone"})


def test_who_may_call_is_told():
    assert DOCUMENT["components"]["securitySchemes"]["bearer"]["bearerFormat"] == "JWT"
    assert ONE["get"]["security"] == [{"bearer": []}]
    assert DOCUMENT["paths"]["/things"]["post"]["security"] == [{"bearer": []}, {}]
    assert DOCUMENT["paths"]["/things"]["get"]["security"] == []


def test_the_first_sentence_of_a_docstring_is_the_summary():
    told = DOCUMENT["paths"]["/things"]["get"]
    assert (told["operationId"], told["summary"], told["description"]) == ("getThings", "List them.", "All of them.")


def test_an_example_is_made_of_the_members_examples_defaults_and_bounds():
    example = example_of(Thing)
    assert example == {
        "name": "bag", "kind": "b", "short": "xx", "inner": {"n": 3}, "all": [], "maybe": None, "left": "", "yes": True,
        "share": 0,
    }  # fmt: skip
    schema = {"$ref": "#/components/schemas/Thing", "components": DOCUMENT["components"]}
    assert jsonschema_rs.Draft202012Validator(schema).is_valid(example)


def test_a_method_that_says_nothing_and_a_code_that_nobody_knows_are_told_together():
    class Silent:
        def get(self, _):
            """Nothing is said."""

    class Wrong:
        @operation(answers={200: None}, problems=("no-such-code",))
        def get(self, _):
            """Something is said."""

    with pytest.raises(Misuse) as caught:
        described([Route("/silent", Silent, "anyone"), Route("/wrong", Wrong, "anyone")], TYPES, {})
    assert [(one.code, one.field, one.value) for one in caught.value.problems] == [
        ("operation-missing", "/silent", "GET"), ("operation-problem", "GET /wrong", "no-such-code"),
    ]  # fmt: skip
