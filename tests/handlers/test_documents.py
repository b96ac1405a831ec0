"""/openapi.json and /problems."""

import json
import os
import subprocess
import sys

import jsonschema_rs
import pytest

from dada.problems import TYPES
from handlers import ROUTES
from handlers.documents import ALL, operations
from handlers.problems import PROBLEMS
from tests.faults.processes import ROOT
from tests.handlers.description import document, led


def test_the_document_describes_every_method_of_every_route_and_no_other(api):
    told = api("GET", "/openapi.json").json
    assert told["openapi"].startswith("3.1")
    assert told["servers"] == [{"url": "http://127.0.0.1:8000"}]
    described = {
        (path, method.upper()) for path, members in told["paths"].items() for method in members.keys() - {"parameters"}
    }
    wanted = {
        (route.path.replace("<int:", "{").replace("<", "{").replace(">", "}"), method)
        for route in ROUTES
        for method in route.who
    }
    assert described == wanted


def test_it_is_made_once_and_who_has_it_is_not_sent_it_again(api):
    first, second = api("GET", "/openapi.json"), api("GET", "/openapi.json")
    assert first.body == second.body
    assert first.header("Cache-Control") == "no-cache"
    again = api("GET", "/openapi.json", headers={"If-None-Match": first.header("ETag")})
    assert (again.status, again.body, again.header("ETag")) == (304, b"", first.header("ETag"))
    assert api("HEAD", "/openapi.json").header("Content-Length") == str(len(first.body))


@pytest.mark.parametrize("one", operations(), ids=lambda one: f"{one.method} {one.path}")
def test_an_operation_says_what_it_is_for_and_its_examples_are_valid(one):
    path = one.path.replace("<int:", "{").replace("<", "{").replace(">", "}")
    told = document()["paths"][path][one.method.lower()]
    assert told["summary"].endswith((".", "one does not."))
    contents = [told["requestBody"]] if "requestBody" in told else []
    for body in [*contents, *map(led, told["responses"].values())]:
        for kind, media in body.get("content", {}).items():
            schema = {**media["schema"], "components": document()["components"]}
            validator = jsonschema_rs.Draft202012Validator(schema)
            named = [document()["components"]["examples"][code]["value"] for code in media.get("examples", {})]
            for example in [*named, *([media["example"]] if "example" in media else [])]:
                assert validator.is_valid(example), (kind, example)


def test_whoever_calls_is_told_by_the_guards_as_they_are(api):
    for one in operations():
        assert ("unauthorized" in one.statuses.get(401, ())) == (one.who != "anyone" or (bool(one.operation.caller) and
                                                                 one.path != "/v1/users/activation"))  # fmt: skip


def test_every_kind_of_problem_can_be_looked_up_where_its_type_leads(api):
    for code, kind in ALL.items():
        if not kind.uri:
            response = api("GET", f"/problems/{code}")
            assert (response.status, response.json["status"], response.json["title"]) == (200, kind.status, kind.en)
    assert api("GET", "/problems/no-such-kind").status == 404


def test_no_code_stands_in_both_tables():
    assert TYPES.keys() & PROBLEMS.keys() == set()


def test_what_several_operations_answer_is_told_once(api):
    body = api("GET", "/openapi.json").body
    assert len(body) < 150_000
    assert body.count(b"#/components/responses/") > 100


def test_every_process_makes_the_same_document():
    code = "import json; from tests.handlers.description import document; print(json.dumps(document()))"
    made = {
        subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(made) == 1


def test_whatever_is_shared_is_referred_to():
    told, text = document(), json.dumps(document())
    kinds = {kind: named for kind, named in told["components"].items() if kind != "securitySchemes"}
    unused = [f"{kind}/{name}" for kind in kinds for name in kinds[kind] if f'"#/components/{kind}/{name}"' not in text]
    assert unused == []


def test_every_operation_says_whether_it_asks_for_a_token():
    members = [one for path in document()["paths"].values() for one in path.values() if "operationId" in one]
    assert len(members) == len(operations())
    assert [one["operationId"] for one in members if "security" not in one] == []
