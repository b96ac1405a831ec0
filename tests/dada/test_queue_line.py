"""A line to Redis: one connection, and what becomes of it."""

import os
import threading
import time

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from dada.queue_line import Common, Lines
from tests.servers import PATIENCE, Redis, wait_until

SCRIPTS = {
    "push": "return redis.call('LPUSH', KEYS[1], ARGV[1])",
    "list": "return redis.call('LRANGE', KEYS[1], 0, -1)",
    "fail": "return redis.call('LPUSH', KEYS[1])",
}


def connect(port, **options):
    return redis.Redis(port=port, retry=Retry(NoBackoff(), 0), socket_timeout=5, **options)


@pytest.fixture
def client(redis_server):
    with connect(redis_server.port) as connection:
        connection.flushall()
        connection.script_flush()
        yield connection


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def lines(client, clock):
    return Lines(Common(client, "k", SCRIPTS, clock))


def test_a_script_that_redis_does_not_know_is_sent_in_full(lines, client):
    assert lines.run("push", "a") == 1
    client.script_flush()
    assert lines.run("push", "b") == 2
    assert lines.run("list") == [b"b", b"a"]


def test_one_connection_is_kept_for_all_calls(lines, client):
    lines.run("push", "a")
    before = client.info("stats")["total_connections_received"]
    for _ in range(20):
        lines.run("push", "a")
    assert client.info("stats")["total_connections_received"] == before


def test_threads_do_not_share_a_connection(lines):
    barrier = threading.Barrier(4)
    replies = []

    def work(name):
        barrier.wait(PATIENCE)
        for number in range(200):
            lines.run("push", f"{name}-{number}")
        replies.append(name)

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert sorted(replies) == list("abcd")
    assert len(set(lines.run("list"))) == 800


def test_what_is_sent_arrives_before_what_is_run_next(lines):
    lines.run("push", "0")
    line = lines.line()
    for number in range(1, 6):
        line.send("push", str(number))
    assert line.run("list") == [b"5", b"4", b"3", b"2", b"1", b"0"]


def test_what_is_sent_is_not_waited_for(lines, client):
    lines.run("push", "a")
    line = lines.line()
    line.send("push", "b")
    wait_until(lambda: client.llen("k") == 2, "it to arrive")
    line.send("push", "c")
    assert line.run("list") == [b"c", b"b", b"a"]


def test_what_redis_forgot_and_nobody_waited_for_is_not_done_and_breaks_nothing(lines, client):
    lines.run("push", "a")
    line = lines.line()
    line.run("list")
    client.script_flush()
    line.send("push", "b")
    assert line.run("list") == [b"a"]


def test_an_error_of_redis_is_passed_on_and_the_next_call_is_right(lines):
    with pytest.raises(redis.exceptions.ResponseError):
        lines.run("fail")
    assert lines.run("push", "a") == 1


def test_a_connection_that_redis_closed_while_it_was_quiet_is_replaced_without_an_error(lines, client, clock):
    lines.run("push", "a")
    client.client_kill_filter(_type="normal", skipme=True)
    clock.now += 1
    assert lines.run("push", "b") == 2


def test_a_connection_that_breaks_under_a_call_is_an_error_once_and_nothing_is_sent_again(lines, client):
    lines.run("push", "a")
    client.client_kill_filter(_type="normal", skipme=True)
    with pytest.raises(redis.exceptions.ConnectionError):
        lines.run("push", "b")
    assert lines.run("push", "c") == 2
    assert lines.run("list") == [b"c", b"a"]


def test_a_line_that_nobody_has_any_more_gives_its_connection_back(client, clock):
    pool = client.connection_pool
    client.ping()
    before = len(pool._in_use_connections)
    for _ in range(150):  # more than a pool holds
        Lines(Common(client, "k", SCRIPTS, clock)).run("push", "a")
    assert len(pool._in_use_connections) == before


def test_a_forked_child_does_not_speak_on_its_parent_s_connection(lines, client):
    lines.run("push", "parent")
    reading, writing = os.pipe()
    child = os.fork()
    if not child:  # nothing of pytest's may run here
        try:
            told = str(lines.run("push", "child")).encode()
        except BaseException as error:  # noqa: BLE001
            told = repr(error).encode()
        os.write(writing, told)
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reading, 100) == b"2"
    os.close(reading)
    os.close(writing)
    assert lines.run("push", "parent") == 3


def test_a_transaction_s_commands_happen_together(lines, client):
    line = lines.line()
    line.send("push", "before")
    assert line.transaction([("LPUSH", "k", "a", "达"), ("LLEN", "k")]) == [3, 3]
    assert lines.transaction([("INCRBY", "n", 7)]) == [7]
    assert client.lrange("k", 0, -1) == ["达".encode(), b"a", b"before"]


@pytest.mark.parametrize(
    ("commands", "error"),
    [
        ([("LPUSH", "k", "a"), ("LPUSH", "n")], "wrong number of arguments"),
        ([("LPUSH", "n", "a"), ("LLEN", "n")], "WRONGTYPE"),
    ],
    ids=["refused when it is queued: nothing happens", "refused when it is done"],
)
def test_an_error_in_a_transaction_is_passed_on_and_the_next_call_is_right(lines, client, commands, error):
    client.set("n", "a number")
    line = lines.line()
    for speak in (line, lines):
        with pytest.raises(redis.ResponseError, match=error):
            speak.transaction(commands)
        assert client.llen("k") == 0
        assert speak.run("list") == []


def test_a_full_redis_refuses_a_transaction_whole(lines, client):
    client.config_set("maxmemory", 1)
    try:
        with pytest.raises(redis.exceptions.OutOfMemoryError):
            lines.transaction([("INCRBY", "n", 1), ("LPUSH", "k", "a")])
    finally:
        client.config_set("maxmemory", 0)
    assert client.exists("n", "k") == 0


def test_a_transaction_on_a_broken_connection_is_an_error_once_and_nothing_is_sent_again(lines, client):
    line = lines.line()
    line.transaction([("LPUSH", "k", "a")])
    client.client_kill_filter(_type="normal", skipme=True)
    with pytest.raises(redis.ConnectionError):
        line.transaction([("LPUSH", "k", "b")])
    assert line.transaction([("LPUSH", "k", "c")]) == [2]


def test_a_client_without_a_pool_is_asked_its_own_way(client, clock):
    class Cluster:
        def execute_command(self, *words):
            return client.execute_command(*words)

    lines = Lines(Common(Cluster(), "k", SCRIPTS, clock))
    line = lines.line()
    assert lines.run("push", "a") == 1
    line.send("push", "b")
    assert line.run("list") == [b"b", b"a"]
    assert line.patience == 60


def test_replies_are_bytes_even_where_the_client_decodes(redis_server, clock, client):
    with connect(redis_server.port, decode_responses=True) as decoding:
        lines = Lines(Common(decoding, "k", SCRIPTS, clock))
        lines.run("push", b"\xff")
        assert lines.run("list") == [b"\xff"]


def test_a_blocking_command_is_shorter_than_the_connection_s_patience(lines):
    assert lines.line().patience == 2.5


def test_a_dead_server_is_an_error_that_comes_quickly(tmp_path, clock):
    with Redis(tmp_path) as server, connect(server.port) as client:
        lines = Lines(Common(client, "k", SCRIPTS, clock))
        lines.run("push", "a")
        server.kill()
        for _ in range(3):
            began = time.monotonic()
            with pytest.raises(redis.exceptions.ConnectionError):
                lines.run("push", "b")
            assert time.monotonic() - began < 30
        server.start()
        assert lines.run("push", "c") == 1
