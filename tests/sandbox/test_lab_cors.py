"""The CORS lab: what the model says, and a server under the very policy."""

import pytest
from werkzeug.test import Client

from sandbox.lab_cors import MOST_SEEN, CorsLab
from sandbox.labs import BadQuestion, NoSuchThing
from sandbox.sources import excerpt

PAGE = "http://127.0.0.1:7000"
POLICY = {"origins": [PAGE], "methods": ["PUT"], "request_headers": ["Content-Type"], "max_age": 60}
CALL = {"method": "PUT", "headers": [["Content-Type", "application/json"]], "credentials": "omit", "body": "{}"}


@pytest.fixture
def lab():
    return CorsLab("http://127.0.0.1:9000")


def play(lab, policy=None, call=None):
    return lab.answer("POST", (), {"policy": POLICY | (policy or {}), "call": CALL | (call or {})}, PAGE)


def failed(told):
    return [(step["group"], step["name"]) for step in told["steps"] if step["verdict"] == "failed"]


@pytest.mark.parametrize(
    ("policy", "call", "outcome", "stopped_by"),
    [
        ({}, {}, "shared", []),
        ({}, {"headers": [["X-Colour", "brown"]]}, "blocked", [("cors", "headers"), ("fetch", "cors check")]),
        ({"origins": ["http://localhost:7000"]}, {}, "blocked", [("cors", "origin"), ("fetch", "cors check")]),
        ({"origins": ["*"]}, {"credentials": "include"}, "blocked", [("fetch", "cors check")]),
        (
            {"origins": ["https://friend.example"]}, {"method": "POST", "headers": [["Content-Type", "text/plain"]]},
            "blocked", [("cors", "origin"), ("fetch", "cors check")],
        ),
    ],
    ids=["works", "a forgotten header", "another name", "a star", "a simple one"],
)  # fmt: skip
def test_an_experiment_ends_as_it_should(lab, policy, call, outcome, stopped_by):
    told = play(lab, policy, call)
    assert told["outcome"] == outcome
    assert failed(told) == stopped_by


def test_every_step_of_both_sides_leads_to_its_source(lab):
    for step in play(lab)["steps"]:
        assert excerpt(step["source"])["name"] in (
            "_decide", "_origin_step", "_method_step", "_headers_step", "_decide_preflight", "play", "cors_check",
            "preflight_check",
        )  # fmt: skip


def test_a_policy_that_is_none_tells_every_problem(lab):
    told = play(lab, {"origins": ["*"], "credentials": True, "methods": ["CONNECT"]})
    assert {problem["field"] for problem in told["problems"]} >= {"origins", "methods"}


def test_a_risky_policy_is_told(lab):
    assert any("every page" in finding["why"] for finding in play(lab, {"origins": ["*"]})["findings"])


def test_a_trial_is_answered_under_its_policy_and_what_came_is_kept(lab):
    told = play(lab)
    client = Client(lab.try_)
    asked = {"Origin": PAGE, "Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "content-type"}
    path = told["url"].removeprefix("http://127.0.0.1:9000")
    assert client.options(path, headers=asked).status_code == 204
    answer = client.put(path, json={}, headers={"Origin": PAGE})
    assert answer.headers["Access-Control-Allow-Origin"] == PAGE
    seen = lab.answer("GET", (told["id"],), {}, PAGE)["seen"]
    assert [(one["method"], one["status"]) for one in seen] == [("OPTIONS", 204), ("PUT", 200)]
    assert ["Access-Control-Max-Age", "60"] in seen[0]["answer"]


def test_what_is_kept_of_a_trial_is_bounded(lab):
    told = play(lab)
    client = Client(lab.try_)
    for _ in range(MOST_SEEN + 5):
        client.get(told["url"].removeprefix("http://127.0.0.1:9000"))
    assert len(lab.answer("GET", (told["id"],), {}, PAGE)["seen"]) == MOST_SEEN


def test_what_was_never_tried(lab):
    assert Client(lab.try_).get("/labs/cors/try/0123").status_code == 404
    with pytest.raises(NoSuchThing):
        lab.answer("GET", ("0123",), {}, PAGE)


@pytest.mark.parametrize(
    "body",
    [
        {}, {"policy": POLICY}, {"policy": POLICY | {"origins": "x"}, "call": CALL},
        {"policy": POLICY | {"max_age": "1"}, "call": CALL}, {"policy": POLICY, "call": CALL | {"headers": [["x"]]}},
        {"policy": POLICY, "call": CALL | {"credentials": "maybe"}}, {"policy": POLICY, "call": CALL | {"method": 1}},
    ],
)  # fmt: skip
def test_what_is_no_question(lab, body):
    with pytest.raises(BadQuestion):
        lab.answer("POST", (), body, PAGE)
