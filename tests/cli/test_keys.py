"""`dada keys`."""

import json
import re

import pytest


def test_a_rotation_by_hand(dada, tmp_path):
    def keys(*arguments):
        return dada("keys", "--secrets", str(tmp_path), *arguments)

    assert keys("create", "one") == (0, "one: made, and signs\n", "")
    status, out, _ = keys("create", "two")
    assert (status, out.startswith("two: made, and verifies")) == (0, True)
    status, out, _ = keys("list")
    assert re.fullmatch(
        r"one +signs +since \d{4}-\d\d-\d\d \d\d:\d\d UTC\ntwo +verifies +since \d{4}-\d\d-\d\d \d\d:\d\d UTC\n", out
    )
    ring = json.loads((tmp_path / "keys.json").read_text())
    assert not any(entry["secret"] in out for entry in ring["keys"])
    for entry in ring["keys"]:
        entry["since"] -= 60
    (tmp_path / "keys.json").write_text(json.dumps(ring))
    assert keys("promote", "two") == (0, "two: signs from now on\n", "")
    status, _, err = keys("retire", "one")
    assert (status, err.startswith("dada: one: tokens that it signed may live")) == (2, True)
    assert keys("retire", "one", "--compromised") == (0, "one: retired\n", "")


def test_the_folder_of_the_environment_is_taken(dada, tmp_path):
    assert dada("keys", "create", "one", SECRETS_DIR=str(tmp_path))[0] == 0
    assert dada("keys", "list", SECRETS_DIR=str(tmp_path))[1].startswith("one")


@pytest.mark.parametrize(
    "arguments", [["list"], ["promote", "x"], ["retire", "x"], ["--secrets", "/nowhere", "create"], ["turn"]]
)
def test_a_mistake_is_one_line_and_exit_status_2(dada, tmp_path, arguments):
    status, out, err = dada("keys", *arguments, SECRETS_DIR=str(tmp_path))
    assert (status, out, err.count("\n")) == (2, "", 1)


def test_help_tells_how_a_rotation_goes(dada):
    status, out, _ = dada("keys", "--help")
    assert status == 0
    assert "dada keys promote NAME" in out
    assert "--compromised" in out
