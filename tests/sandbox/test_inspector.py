"""What the page's inspector asks for: records as they come, sources, and nobody else's business."""

import json
import threading
import urllib.request

import pytest
from werkzeug.test import Client

from sandbox.inspector import Inspector, for_the_page
from sandbox.rooms import make_rooms
from sandbox.trace_stream import TraceStream
from sandbox.world import Address, Secrets, World
from shop.services import redis_client
from tests.servers import PATIENCE, free_port

PAGE = "http://127.0.0.1:7000"


@pytest.fixture
def stream(redis_server):
    client = redis_client(redis_server.url)
    client.flushall()
    yield TraceStream(client)
    client.close()


@pytest.fixture
def client(stream):
    return Client(for_the_page(Inspector(stream), PAGE))


def put(stream, *names):
    for name in names:
        stream.put({"id": name, "title": "达达"})


def test_all_records_are_told_in_order(client, stream):
    put(stream, "1", "2")
    assert [record["id"] for record in client.get("/traces").json["records"]] == ["1", "2"]


def test_they_are_forgotten_by_delete(client, stream):
    put(stream, "1")
    assert client.delete("/traces", headers={"Origin": PAGE}).status_code == 204
    assert client.get("/traces").json == {"records": []}


def test_only_the_page_may_read_and_change(client, stream):
    put(stream, "1")
    for origin, allowed in ((PAGE, PAGE), ("http://evil.example", None), ("null", None)):
        answer = client.get("/traces", headers={"Origin": origin})
        assert answer.headers.get("Access-Control-Allow-Origin") == allowed
        assert client.delete("/traces", headers={"Origin": origin}).status_code == (204 if allowed else 403)


def test_sources_are_served_by_place(client):
    told = client.get("/sources?at=dada/jws.py:130").json
    assert told["file"] == "dada/jws.py"
    assert told["first"] <= 130 <= told["first"] + len(told["lines"])


@pytest.mark.parametrize("at", ["", "setup.cfg:1", "../../etc/passwd:1", "dada/jws.py"])
def test_what_is_no_source_of_ours_is_not_served(client, at):
    assert client.get("/sources", query_string={"at": at}).status_code == 404


@pytest.mark.parametrize(("path", "method"), [("/traces", "PUT"), ("/traces/x", "GET"), ("/sources", "POST")])
def test_what_there_is_not(client, path, method):
    assert client.open(path, method=method).status_code == 404


@pytest.mark.parametrize("after", ["x", "1-x", "-1", "1" * 30])
def test_a_place_in_the_stream_that_is_none(client, after):
    assert client.get("/traces/stream", query_string={"after": after}).status_code == 400


def test_without_redis_it_says_so():
    gone = TraceStream(redis_client(f"redis://127.0.0.1:{free_port()}/0"))
    answer = Client(Inspector(gone)).get("/traces")
    assert (answer.status_code, answer.json) == (503, {"error": "Redis: ConnectionError"})


def test_events_come_as_they_happen_and_go_on_where_one_was(stream, redis_server):
    secrets = Secrets("1000000721", "sandbox-secret", f"{PAGE}/callback/weibo.html", "admin")
    put(stream, "before")
    with World(
        Address("127.0.0.1", 0),
        Address("127.0.0.1", 0),
        secrets,
        make_rooms(redis_server.url, PAGE, "http://127.0.0.1:9000"),
    ) as world:
        url = f"http://{world.http}/traces/stream"
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
            assert answer.headers["Content-Type"] == "text/event-stream"
            number, first = event(answer)
            threading.Thread(target=put, args=(stream, "after")).start()
            _, second = event(answer)
        assert [first["id"], second["id"]] == ["before", "after"]
        again = urllib.request.Request(url, headers={"Last-Event-ID": number})
        with urllib.request.urlopen(again, timeout=PATIENCE) as answer:
            assert event(answer)[1]["id"] == "after"


def event(answer):
    """Return the id and the record of the next event."""
    number = ""
    for line in answer:
        if line.startswith(b"id: "):
            number = line[4:].decode().strip()
        if line.startswith(b"data: "):
            return number, json.loads(line[6:])
    raise AssertionError("the stream ended")


def test_a_log_in_at_weibo_leaves_a_record(stream, redis_server):
    secrets = Secrets("1000000721", "sandbox-secret", f"{PAGE}/callback/weibo.html", "admin")
    with World(
        Address("127.0.0.1", 0),
        Address("127.0.0.1", 0),
        secrets,
        make_rooms(redis_server.url, PAGE, "http://127.0.0.1:9000"),
    ) as world:
        query = f"client_id=1000000721&redirect_uri={PAGE}/callback/weibo.html&response_type=code&state=x"
        with urllib.request.urlopen(f"http://{world.http}/oauth2/authorize?{query}", timeout=PATIENCE) as answer:
            assert answer.status == 200
        [record] = [json.loads(text) for _, text in stream.read("0")]
    assert (record["from"], record["to"], record["status"]) == ("browser", "weibo", "200")


@pytest.mark.parametrize(("redis", "page"), [("", PAGE), ("redis://127.0.0.1:1/0", "")], ids=["no Redis", "no page"])
def test_without_redis_or_page_there_are_no_rooms(redis, page):
    assert make_rooms(redis, page, "http://127.0.0.1:9000")(None) == {}
