"""The Redis of the model answers as a real one: command by command, and the queue's scripts in drawn orders."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dada.queue import Known, Queue
from dada.queue_cron import Crontab
from tests.machines import client_of
from tests.model.memory import Memory

KINDS = {"l": "list", "h": "hash", "s": "set", "z": "zset", "t": "string"}
words = st.sampled_from(["a", "b", "c", "達", ""])
places = st.sampled_from(["-9", "-2", "-1", "0", "1", "9"])
scores = st.sampled_from(["0", "1", "2.5", "-1", "1000000000000"])
bounds = st.sampled_from(["-inf", "+inf", "0", "1", "2.5"])
ends = st.sampled_from(["LEFT", "RIGHT"])


def keys(kind):
    return st.sampled_from([f"{kind}1", f"{kind}2"])


def draw(name, *parts):
    return st.tuples(st.just(name), *parts)


COMMANDS = {
    "EXISTS": draw("EXISTS", keys("l"), keys("z")),
    "DEL": draw("DEL", keys("l"), keys("h")),
    "PERSIST": draw("PERSIST", keys("z")),
    "GET": draw("GET", keys("t")),
    "SET": draw("SET", keys("t"), words),
    "SET NX": draw("SET", keys("t"), words, st.just("NX")),
    "LPUSH": draw("LPUSH", keys("l"), words, words),
    "RPUSH": draw("RPUSH", keys("l"), words, words),
    "LPOP": draw("LPOP", keys("l")),
    "RPOP": draw("RPOP", keys("l")),
    "BRPOP": draw("BRPOP", keys("l"), keys("l"), st.just("0.001")),
    "LPOS": draw("LPOS", keys("l"), words),
    "LMOVE": draw("LMOVE", keys("l"), keys("l"), ends, ends),
    "LREM": draw("LREM", keys("l"), st.sampled_from(["-2", "-1", "0", "1", "2"]), words),
    "LRANGE": draw("LRANGE", keys("l"), places, places),
    "LTRIM": draw("LTRIM", keys("l"), places, places),
    "LINDEX": draw("LINDEX", keys("l"), places),
    "LLEN": draw("LLEN", keys("l")),
    "HGET": draw("HGET", keys("h"), words),
    "HSET": draw("HSET", keys("h"), words, st.sampled_from(["1", "-7"])),
    "HDEL": draw("HDEL", keys("h"), words, words),
    "HEXISTS": draw("HEXISTS", keys("h"), words),
    "HINCRBY": draw("HINCRBY", keys("h"), words, st.sampled_from(["1", "-1", "5"])),
    "HLEN": draw("HLEN", keys("h")),
    "HMGET": draw("HMGET", keys("h"), words, words),
    "HGETALL": draw("HGETALL", keys("h")),
    "SADD": draw("SADD", keys("s"), words, words),
    "SREM": draw("SREM", keys("s"), words, words),
    "SISMEMBER": draw("SISMEMBER", keys("s"), words),
    "SCARD": draw("SCARD", keys("s")),
    "SMEMBERS": draw("SMEMBERS", keys("s")),
    "ZADD": draw("ZADD", keys("z"), scores, words),
    "ZADD NX": draw("ZADD", keys("z"), st.just("NX"), scores, words),
    "ZREM": draw("ZREM", keys("z"), words, words),
    "ZSCORE": draw("ZSCORE", keys("z"), words),
    "ZCARD": draw("ZCARD", keys("z")),
    "ZCOUNT": draw("ZCOUNT", keys("z"), bounds, bounds),
    "ZRANGE": draw("ZRANGE", keys("z"), places, places),
    "ZRANGE REV": draw("ZRANGE", keys("z"), places, places, st.just("REV"), st.just("WITHSCORES")),
    "ZRANGEBYSCORE": draw("ZRANGEBYSCORE", keys("z"), bounds, bounds),
    "ZRANGEBYSCORE LIMIT": draw(
        "ZRANGEBYSCORE", keys("z"), bounds, bounds, st.just("LIMIT"), st.sampled_from("01"), st.sampled_from(["0", "1"])
    ),
}


@pytest.fixture(scope="module")
def real(redis_server):
    with client_of(redis_server.port) as client:
        client.flushall()
        yield client


def call(client, command):
    """Return the bare reply: a client's ideas of a command do not matter here."""
    if command[0] == "BRPOP":  # which no script may call
        return list(client.execute_command(*command) or ()) or None
    answered = client.eval("return redis.call(unpack(ARGV))", 0, *command)
    return sorted(answered) if command[0] == "SMEMBERS" else pairs(answered) if command[0] == "HGETALL" else answered


def model(memory, command):
    answered = memory.run("return redis.call(unpack(ARGV))", [], list(command))
    return pairs(answered) if command[0] == "HGETALL" else answered


def pairs(parts):
    return sorted(zip(parts[::2], parts[1::2], strict=True))


def dump(client):
    """Return everything in a real Redis in the shape of Memory.freeze."""
    found = {}
    for key in client.keys("*"):
        name = key.decode()
        match client.type(key).decode():
            case "list":
                value = ("l", tuple(latin(part) for part in client.lrange(key, 0, -1)))
            case "hash":
                value = ("h", tuple(sorted((latin(field), latin(text)) for field, text in client.hgetall(key).items())))
            case "set":
                value = ("s", tuple(sorted(map(latin, client.smembers(key)))))
            case "zset":
                members = client.zrange(key, 0, -1, withscores=True)
                value = ("z", tuple(sorted((latin(member), score) for member, score in members)))
            case "string":
                value = ("t", latin(client.get(key)))
        found[name] = value
    return tuple(sorted(found.items()))


def latin(data):
    return data.decode("latin-1")


def test_every_command_that_is_modelled_is_compared():
    modelled = {name.removeprefix("_do_").upper() for name in dir(Memory) if name.startswith("_do_")}
    assert modelled == {name.partition(" ")[0] for name in COMMANDS} | {"TIME"}


@settings(max_examples=300)
@given(st.lists(st.one_of(COMMANDS.values()), min_size=1, max_size=25))
def test_commands_answer_and_leave_what_they_do_in_redis(real, commands):
    real.flushall()
    memory = Memory()
    for command in commands:
        assert model(memory, command) == call(real, command), command
    assert memory.freeze() == dump(real)


def test_a_state_that_is_put_back_is_the_same():
    memory = Memory()
    for command in ("LPUSH", "l", "a", "達"), ("HSET", "h", "a", "1"), ("SADD", "s", "a"), ("ZADD", "z", "1", "a"):
        memory.command(*command)
    memory.command("SET", "t", "x")
    kept = memory.freeze()
    memory.command("DEL", "l", "h", "s", "z", "t")
    assert memory.freeze() == ()
    memory.thaw(kept)
    assert memory.freeze() == kept


# --- the queue, on both ----------------------------------------------------------------------------------

STEPS = [
    "put", "put-id", "put-key", "put-many", "put-later", "claim", "claim-3", "claim-done", "wait", "done", "again",
    "again-later", "bury", "silence", "beat", "leave", "cancel", "revive", "counts", "check", "state", "forget",
    "ghost",
]  # fmt: skip


FINISHES = ("done", "again", "again-later", "bury", "acknowledge")
YEARLY = Crontab("0 0 1 1 *")


class Driven:
    """A queue that is told what to do in words; what it answers can be compared."""

    def __init__(self, client, command):
        ids = iter(f"job-{number}" for number in range(10**6))
        self.queue = Queue(client, "mail", grace=3600, max_crashes=1, new_id=lambda: next(ids))
        self.command = command
        self.hands = {"w1": [], "w2": []}

    def step(self, what, worker, number):
        queue, hand, job_id = self.queue, self.hands[worker], f"job-{number}"
        job = hand.pop(0) if hand and what in FINISHES else None
        try:
            match what:
                case "put":
                    return queue.put("t", n=number, text="達")
                case "put-id":
                    return queue.put("t", id="own")
                case "put-key":
                    return queue.put("t", key="k")
                case "put-many":
                    return queue.put_many("t", [{"n": n} for n in range(number)])
                case "put-once":
                    return queue.put_once([(f"once-{n}", "t", {}) for n in range(number)])
                case "fire":
                    return queue.fire("yearly", YEARLY, "t")
                case "limit" | "no-limit":
                    return queue.limit("t", 1e-6 if what == "limit" else None, 1 + number)
                case "acknowledge":
                    return job and queue.acknowledge(worker, job)
                case "tally":
                    queue.tally({"t:done": number})
                    return queue.tally()
                case "put-later":
                    return queue.put("t", delay=9999)
                case "claim" | "claim-3":
                    hand += queue.claim(worker, 3 if what == "claim-3" else 1)
                    return hand
                case "claim-done":
                    finished = hand[:2]
                    hand[:2] = []
                    hand += queue.claim(worker, 1, done=finished)
                    return hand
                case "wait":
                    return queue.rest(worker, 0.001) > 0
                case "done":
                    return job and queue.done(worker, job)
                case "again" | "again-later":
                    return job and queue.again(worker, job, 9999 if what == "again-later" else 0, "no answer")
                case "bury":
                    return job and queue.bury(worker, job, "never")
                case "silence":
                    return self.command("ZADD", "{mail}:workers", "1", worker)
                case "beat":
                    return queue.told_to_stop(worker)
                case "leave":
                    hand.clear()
                    return queue.leave(worker)
                case "cancel":
                    return queue.cancel(job_id)
                case "revive":
                    return queue.revive(job_id)
                case "counts":
                    return queue.counts()
                case "check":
                    return queue.check()
                case "state":
                    return queue.state(job_id)
                case "forget":
                    return queue._hands.clear()
                case "ghost":
                    return self.command("LMOVE", "{mail}:ready", "{mail}:work:ghost", "RIGHT", "LEFT")
        except Known as known:
            return str(known)


def without_times(frozen):
    """Leave out when; who is silent, and what is due, stays."""
    return [
        (key, [(member, score < 10**6) for member, score in value[1]] if value[0] == "z" else value)
        for key, value in frozen
        if key != "{mail}:next"
    ]


@settings(max_examples=150)
@given(st.lists(st.tuples(st.sampled_from(STEPS), st.sampled_from(["w1", "w2"]), st.integers(0, 5)), max_size=40))
def test_the_scripts_answer_and_leave_what_they_do_in_redis(real, steps):
    real.flushall()
    memory = Memory()
    ours, theirs = Driven(memory, memory.command), Driven(real, real.execute_command)
    for step in steps:
        seconds, micros = real.time()
        memory.now = seconds * 1000 + micros // 1000
        assert ours.step(*step) == theirs.step(*step), step
        assert without_times(memory.freeze()) == without_times(dump(real)), step


def test_a_command_that_nobody_taught_it_is_told():
    with pytest.raises(NotImplementedError, match="XADD"):
        Memory().command("XADD", "s", "*", "a", "b")
