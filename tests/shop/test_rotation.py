"""Turning the ring, one safe step at a time."""

import json
import stat

import pytest

from dada.errors import Misuse
from shop import rotation
from shop.keyring import read_ring

NOW = 1_800_000_000.0
DAY = 86400


@pytest.fixture
def path(tmp_path):
    made = tmp_path / "keys.json"
    rotation.create(made, NOW, "one")
    return made


def uses(path):
    return {state.kid: state.use for state in rotation.keys_in(path)}


def refused(call, *args, **kwargs):
    with pytest.raises(Misuse) as caught:
        call(*args, **kwargs)
    return str(caught.value)


def test_the_first_key_signs_and_the_next_ones_verify(path):
    assert rotation.create(path, NOW + 1).use == "verify"
    assert rotation.create(path, NOW + 1, "three") == ("three", "verify", NOW + 1)
    assert list(uses(path).values()) == ["sign", "verify", "verify"]
    assert len(read_ring(path).secrets) == 3


def test_a_name_is_made_of_the_day_where_none_is_given(path):
    assert rotation.create(path, NOW).kid.startswith("2027-01-15-")


def test_the_file_is_its_owner_s_and_nothing_is_left_beside_it(path):
    rotation.create(path, NOW)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sorted(entry.name for entry in path.parent.iterdir()) == ["keys.json", "lasting_secret"]


def test_a_rotation_from_beginning_to_end(path):
    rotation.create(path, NOW, "two")
    assert "may not have read it yet" in refused(rotation.promote, path, "two", NOW + 9)
    rotation.promote(path, "two", NOW + 10)
    assert uses(path) == {"two": "sign", "one": "verify"}
    assert "may live for 14 days" in refused(rotation.retire, path, "one", NOW + 10 + 14 * DAY - 1)
    rotation.retire(path, "one", NOW + 10 + 14 * DAY)
    assert uses(path) == {"two": "sign"}


def test_a_key_that_somebody_else_knows_goes_at_once(path):
    rotation.create(path, NOW, "two")
    rotation.promote(path, "two", NOW + 10)
    rotation.retire(path, "one", NOW + 10, at_once=True)
    assert uses(path) == {"two": "sign"}


def test_what_makes_no_sense_changes_nothing(path):
    before = path.read_text()
    for call, args in (
        (rotation.create, (NOW, "one")),
        (rotation.promote, ("one", NOW + 99)),
        (rotation.promote, ("nobody", NOW + 99)),
        (rotation.retire, ("one", NOW + 99 * DAY)),
        (rotation.retire, ("nobody", NOW + 99 * DAY)),
    ):
        assert refused(call, path, *args)
    assert path.read_text() == before


def test_a_file_that_is_no_ring_is_not_touched(tmp_path):
    path = tmp_path / "keys.json"
    path.write_text("{}")
    for call in (
        lambda: rotation.create(path, NOW),
        lambda: rotation.keys_in(path),
        lambda: rotation.promote(path, "x", 1),
    ):
        assert refused(call)
    assert path.read_text() == "{}"


def test_a_key_of_unknown_age_may_be_retired(path):
    ring = json.loads(path.read_text())
    ring["keys"].append({"kid": "old", "secret": ring["keys"][0]["secret"], "use": "verify"})
    path.write_text(json.dumps(ring))
    assert rotation.keys_in(path)[1] == ("old", "verify", 0)
    rotation.retire(path, "old", NOW)
    assert uses(path) == {"one": "sign"}


def test_the_sandbox_s_ring_stays_marked(tmp_path):
    path = tmp_path / "keys.json"
    rotation.create(path, NOW, "one", sandbox=True)
    rotation.create(path, NOW, "two")
    assert json.loads(path.read_text())["sandbox"] is True
