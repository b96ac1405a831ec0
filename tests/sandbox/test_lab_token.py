"""The token lab: each experiment is stopped by the check that it is about."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dada import base64url
from dada.testing import Clock
from sandbox.lab_token import TokenLab, respelled
from sandbox.labs import BadQuestion, NoSuchThing


@pytest.fixture
def lab():
    return TokenLab(Clock())


def explain(lab, token):
    told = lab.answer("POST", ("explain",), {"token": token}, "")
    return told["good"], [step["name"] for step in told["steps"] if step["verdict"] == "failed"]


@pytest.mark.parametrize(
    ("name", "stopped_by"),
    [
        ("good", []), ("edited", ["signature"]), ("forged", ["signature"]), ("none", ["signature", "algorithm"]),
        ("liar", ["algorithm"]), ("respelled", ["signature"]), ("expired", ["expiry"]), ("elsewhere", ["audience"]),
        ("twice", ["claims"]),
    ],
)  # fmt: skip
def test_an_experiment_is_stopped_by_its_check(lab, name, stopped_by):
    assert explain(lab, lab.experiments()[name]) == (not stopped_by, stopped_by)


def test_these_are_all_experiments(lab):
    told = lab.answer("GET", (), {}, "")
    assert list(told["experiments"]) == [
        "good", "edited", "forged", "none", "liar", "respelled", "expired", "elsewhere", "twice"
    ]  # fmt: skip


def test_a_second_spelling_stands_for_the_same_bytes(lab):
    good = lab.experiments()["good"]
    other = respelled(good)
    assert other != good
    assert _careless(other) == _careless(good)


def _careless(token):
    """Decode a signature as Python's own decoder does, which ignores the bits to spare."""
    import base64

    return base64.urlsafe_b64decode(token.rpartition(".")[2] + "=")


def test_texts_are_signed_as_they_are(lab):
    token = lab.answer("POST", ("sign",), {"header": '{"alg":"HS256","typ":"at+jwt"}', "claims": "no claims"}, "")
    assert explain(lab, token["token"]) == (False, ["claims"])
    assert base64url.decode(token["token"].split(".")[1]) == b"no claims"


def test_an_edited_token_is_good_again_once_it_is_signed(lab):
    good = lab.experiments()["good"]
    header, claims = (base64url.decode(part).decode() for part in good.split(".")[:2])
    changed = json.dumps(json.loads(claims) | {"role": "owner"})
    token = lab.answer("POST", ("sign",), {"header": header, "claims": changed}, "")["token"]
    assert explain(lab, token) == (True, [])


@given(token=st.text(max_size=300))
def test_any_text_is_explained(token):
    good, failed = explain(TokenLab(Clock()), token)
    assert not good
    assert failed


def test_every_step_says_where_it_stands(lab):
    steps = lab.answer("POST", ("explain",), {"token": lab.experiments()["good"]}, "")["steps"]
    assert all(step["source"].startswith("dada/jw") and step["clause"].startswith("RFC") for step in steps)


def test_what_it_is_not_asked(lab):
    with pytest.raises(NoSuchThing):
        lab.answer("GET", ("explain",), {}, "")
    with pytest.raises(BadQuestion):
        lab.answer("POST", ("explain",), {"token": 7}, "")
