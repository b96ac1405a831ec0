"""Requests that may come twice: what came of the first is kept."""

import pytest

from shop import repeats, rotation
from shop.errors import Refused


def begin(services, place="7 POST /x", key="k", body=b"secret"):
    return repeats.begin(services, place, key, body)


def refused(services, **changed):
    with pytest.raises(Refused) as caught:
        begin(services, **changed)
    return caught.value.reason


def test_what_came_of_the_first_is_found_by_whoever_sends_the_same(services):
    first = begin(services)
    assert first.kept is None
    repeats.finish(services, first, ["made", 7])
    assert begin(services).kept == ["made", 7]
    assert begin(services).kept == ["made", 7]


def test_the_same_is_found_though_the_ring_was_turned_meanwhile(services, clock):
    repeats.finish(services, begin(services), "made")
    ring = services.settings.keys_file
    kid = rotation.create(ring, clock()).kid
    clock.advance(60)
    rotation.promote(ring, kid, clock())
    assert services.keys.ring.kids[0] == kid
    assert begin(services).kept == "made"


def test_another_person_path_or_key_is_another_request(services):
    repeats.finish(services, begin(services), 1)
    for changed in ({"place": "8 POST /x"}, {"place": "7 POST /y"}, {"key": "l"}):
        assert begin(services, **changed).kept is None


def test_while_the_first_one_runs_and_with_another_body_it_is_refused(services):
    first = begin(services)
    assert refused(services) == "idempotency-running"
    assert refused(services, body=b"other") == "idempotency-mismatch"
    repeats.finish(services, first, 1)
    assert refused(services, body=b"other") == "idempotency-mismatch"


def test_what_was_refused_may_be_sent_again_mended(services):
    repeats.drop(services, begin(services))
    assert begin(services, body=b"mended").kept is None


def test_nothing_is_kept_for_ever_and_a_dead_process_blocks_for_a_minute(services):
    first = begin(services)
    assert 0 < services.redis.ttl(first.name) <= 60
    repeats.finish(services, first, 1)
    assert 80_000 < services.redis.ttl(first.name) <= repeats.DAY


def test_redis_learns_neither_key_nor_body(services):
    mark = begin(services, key="a-key-of-mine", body=b"a password")
    repeats.finish(services, mark, None)
    kept = mark.name.encode() + services.redis.get(mark.name)
    assert b"a-key-of-mine" not in kept
    assert b"password" not in kept
