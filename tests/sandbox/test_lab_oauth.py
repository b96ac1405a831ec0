"""The OAuth lab: each attack is stopped by the check that it is about, and would have worked without it."""

import pytest

from dada.oauth import RETURN
from sandbox.lab_oauth import EXPERIMENTS, OAuthLab
from sandbox.labs import BadQuestion, NoSuchThing


def play(name):
    return OAuthLab().answer("POST", (), {"experiment": name}, "")["steps"]


def keys(steps):
    return [step["key"] for step in steps]


def failed(steps):
    return [check["name"] for step in steps for check in step["checks"] if check["verdict"] == "failed"]


def test_the_honest_flow_has_eight_steps_and_every_check_passes():
    steps = play("honest")
    assert keys(steps) == ["ask", "begin", "go", "allow", "back", "arrive", "exchange", "logged_in"]
    assert failed(steps) == []
    assert steps[-1]["person"] == "Ada_Lovebags"
    assert [check["name"] for check in steps[5]["checks"]] == [row[0] for row in RETURN]


@pytest.mark.parametrize(
    ("name", "stopped_by", "without"),
    [
        ("steal", ["browser"], "Ada_Lovebags"),
        ("drop", ["state"], "老王🎒在路上"),
        ("swap", ["browser"], "老王🎒在路上"),
    ],
)
def test_an_attack_is_stopped_and_would_have_worked_without_the_check(name, stopped_by, without):
    steps = play(name)
    assert failed(steps) == stopped_by
    careless = [step for step in steps if step.get("careless")]
    assert keys(careless) == ["exchange", "wrong"]
    assert careless[-1]["person"] == without
    assert [step["stopped"] for step in steps if step["key"] == "refused"] == [True]


def test_who_comes_back_twice_meets_a_forgotten_state_and_a_spent_code():
    steps = play("replay")
    assert failed(steps)[0] == "state"
    assert keys(steps)[-1] == "spent"
    assert "21325" in steps[-1]["line"]


def test_who_says_no_is_told_so_last():
    steps = play("deny")
    assert failed(steps) == ["consent"]
    assert keys(steps)[-1] == "refused"


def test_the_verifier_travels_once_and_never_through_the_provider():
    steps = play("honest")
    verifier = steps[0]["values"][0][1]
    assert [step["key"] for step in steps if verifier in step["line"]] == ["arrive"]


@pytest.mark.parametrize("name", list(EXPERIMENTS))
def test_the_client_s_secret_is_seen_by_no_browser(name):
    for step in play(name):
        if {step["from"], step["to"]} & {"ada", "mallory"}:
            assert "client_secret" not in step["line"]


def test_what_is_no_experiment():
    with pytest.raises(BadQuestion):
        OAuthLab().answer("POST", (), {"experiment": "other"}, "")
    with pytest.raises(NoSuchThing):
        OAuthLab().answer("PUT", (), {}, "")
    assert OAuthLab().answer("GET", (), {}, "") == {"experiments": list(EXPERIMENTS)}
