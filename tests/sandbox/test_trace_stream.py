"""The stream of records: capped, in order, and of no consequence when Redis is gone."""

import json

import pytest

from sandbox.trace_stream import Cause, TraceStream
from shop.services import redis_client
from tests.servers import free_port


@pytest.fixture
def stream(redis_server):
    client = redis_client(redis_server.url)
    client.flushall()
    yield TraceStream(client, kept=5)
    client.close()


def ids(rows):
    return [json.loads(text)["id"] for _, text in rows]


def test_records_come_in_order_and_after_what_was_read(stream):
    for number in range(3):
        stream.put({"id": str(number), "text": "达达"})
    rows = stream.read("0")
    assert ids(rows) == ["0", "1", "2"]
    assert ids(stream.read(rows[0][0])) == ["1", "2"]
    assert stream.read(rows[-1][0]) == []


def test_the_oldest_goes(stream):
    for number in range(9):
        stream.put({"id": str(number)})
    assert ids(stream.read("0")) == ["4", "5", "6", "7", "8"]


def test_who_waits_gets_nothing_when_nothing_comes(stream):
    assert stream.read("0", wait=0.02) == []


def test_cleared_it_is_empty(stream):
    stream.put({"id": "1"})
    stream.clear()
    assert stream.read("0") == []


def test_a_cause_is_kept_by_what_it_led_to_and_taken_once(stream):
    stream.remember("job:7", Cause("record", "trace"), 60)
    assert stream.cause("job:7") == Cause("record", "trace")
    assert stream.cause("job:7", once=True) == Cause("record", "trace")
    assert stream.cause("job:7") is None


def test_what_it_led_to_stands_nowhere_in_the_clear(stream, redis_server):
    stream.remember("token:a-secret-of-a-letter", Cause("record", "trace"), 60)
    with redis_server.client() as client:
        assert not [key for key in client.keys("*") if b"secret" in key]


def test_without_redis_nothing_is_kept_and_nobody_notices():
    stream = TraceStream(redis_client(f"redis://127.0.0.1:{free_port()}/0"))
    stream.put({"id": "1"})
    stream.remember("job:7", Cause("record", "trace"), 60)
    assert stream.cause("job:7") is None
