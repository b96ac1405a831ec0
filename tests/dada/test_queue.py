"""The queue: the same contract on Debian's Redis, the embedded Valkey, a cluster, and after a Sentinel's failover."""

import json
import threading
import time

import pytest
import redis
from hypothesis import given, settings
from hypothesis import strategies as st

from dada.errors import Misuse
from dada.queue import Broken, Counts, Known, Queue
from dada.queue_cron import Crontab
from tests.machines import Cluster, Watched, blocked_clients, client_of
from tests.proxy import Proxy
from tests.servers import PATIENCE, Redis, wait_until

GRACE = 0.2


MACHINES = {
    "redis": Redis,
    "valkey": lambda folder: Redis(folder, valkey=True),
    "cluster": Cluster,
    "failover": Watched,
}


@pytest.fixture(scope="module", params=MACHINES)
def server(request, tmp_path_factory):
    with MACHINES[request.param](tmp_path_factory.mktemp(request.param)) as running:
        if request.param == "failover":
            running.fail()
        yield running


connect = client_of


@pytest.fixture
def client(server):
    with connect(server.port) as connection:
        connection.flushall()
        yield connection


@pytest.fixture
def queue(client):
    return Queue(client, "mail", grace=GRACE, max_crashes=2)


def grow_silent(queue, worker):
    """Let a worker be silent for longer than the grace: the register says when it was last heard."""
    queue._redis.zadd("{mail}:workers", {worker: 1})


# --- a job's life ----------------------------------------------------------------------------------------


def test_a_job_is_put_taken_and_done(queue):
    job_id = queue.put("mail.send", to="ada", n=[1, None, "達"])
    assert queue.counts() == Counts(put=1, ready=1, held=0, later=0, dead=0, done=0)
    (job,) = queue.claim("w1")
    assert (job.id, job.task, job.args, job.tries) == (job_id, "mail.send", {"to": "ada", "n": [1, None, "達"]}, 0)
    assert queue.counts() == Counts(put=1, ready=0, held=1, later=0, dead=0, done=0)
    assert queue.done("w1", job)
    assert queue.check() == Counts(put=1, ready=0, held=0, later=0, dead=0, done=1)


def test_the_first_put_is_the_first_taken(queue):
    ids = [queue.put("t", n=n) for n in range(5)]
    assert [job.id for job in queue.claim("w1", 3) + queue.claim("w1", 3)] == ids


def test_many_are_put_at_once_in_order(queue):
    ids = queue.put_many("t", [{"n": n} for n in range(1203)])
    assert len(set(ids)) == 1203
    assert [job.args["n"] for job in queue.claim("w1", 2000)] == list(range(1203))
    assert queue.put_many("t", []) == []


def test_a_full_redis_refuses_jobs_and_lets_workers_go_on(queue, client):
    queue.put_many("t", [{"n": n} for n in range(8)])
    (held,) = queue.claim("w1")
    client.config_set("maxmemory", "1")
    try:
        for put in (queue.put, lambda task: queue.put_many(task, [{}] * 3), lambda task: queue.put(task, key="k"),
                    lambda task: queue.put(task, delay=60)):  # fmt: skip
            with pytest.raises(redis.exceptions.OutOfMemoryError):
                put("t")
        assert queue.beat("w1")
        one, two, three = queue.claim("w1", 3, done=[held])
        assert queue.again("w1", one, 3600, "not yet")
        assert queue.bury("w1", two, "never")
        assert queue.done("w1", three)
        for job in queue.claim("w1", 2):
            queue.acknowledge("w1", job)
        (given_back,) = queue.claim("w1")
        assert queue.leave("w1") == 1
        assert [job.id for job in queue.claim("w2")] == [given_back.id]
        assert queue.check() == Counts(put=8, ready=1, held=1, later=1, dead=1, done=4)
    finally:
        client.config_set("maxmemory", "0")


def test_there_may_be_none(queue):
    assert queue.claim("w1") == []
    assert queue.claim("w1", 5, wait=0.05) == []


def test_done_jobs_are_acknowledged_with_the_next_claim(queue):
    queue.put_many("t", [{"n": n} for n in range(4)])
    first = queue.claim("w1", 2)
    second = queue.claim("w1", 2, done=first)
    assert [job.args["n"] for job in second] == [2, 3]
    assert queue.check().done == 2
    assert queue.claim("w1", 2, done=second) == []
    assert queue.check() == Counts(4, 0, 0, 0, 0, 4)


def test_a_body_can_be_read_by_eye(queue, client):
    queue.put("t", id="one", x=1)
    assert json.loads(client.lindex("{mail}:ready", 0)) == {
        "id": "one", "task": "t", "args": {"x": 1}, "tries": 0, "key": "id:one",
    }  # fmt: skip


def test_a_waiting_worker_wakes_when_a_job_comes(queue, server):
    got = []

    def work():
        with connect(server.port) as connection:
            got.extend(Queue(connection, "mail").claim("w1", 1, wait=30))

    thread = threading.Thread(target=work)
    thread.start()
    wait_until(lambda: blocked_clients(server.port), "the worker to wait")
    job_id = queue.put("t")
    thread.join(PATIENCE)
    assert [job.id for job in got] == [job_id]
    assert queue.check().held == 1


# --- later, again, dead ----------------------------------------------------------------------------------


def test_a_delayed_job_waits_for_its_time(queue, client):
    job_id = queue.put("t", delay=3600)
    assert queue.claim("w1") == []
    assert (queue.counts().later, queue.state(job_id)) == (1, "later")
    ((body, due),) = client.zrange("{mail}:later", 0, -1, withscores=True)
    seconds, micros = client.time()
    assert 3500_000 < due - (seconds * 1000 + micros / 1000) <= 3600_000
    client.zadd("{mail}:later", {body: 1})
    assert [job.id for job in queue.claim("w1")] == [job_id]


def test_a_failed_job_runs_again_and_knows_how_often_it_failed(queue):
    queue.put("t", x=1)
    (job,) = queue.claim("w1")
    assert queue.again("w1", job, 0, "no answer")
    (job,) = queue.claim("w1")
    assert (job.tries, job.args) == (1, {"x": 1})
    assert queue.done("w1", job)
    assert queue.check() == Counts(1, 0, 0, 0, 0, 1)
    assert queue._redis.hgetall("{mail}:why") == {}


def test_a_buried_job_is_dead_with_its_reason_and_can_be_revived(queue):
    job_id = queue.put("t", x=1)
    (job,) = queue.claim("w1")
    queue.again("w1", job, 0, "no answer")
    (job,) = queue.claim("w1")
    assert queue.bury("w1", job, "no such address")
    (dead,) = queue.dead()
    assert (dead.id, dead.task, dead.args, dead.tries, dead.error) == (job_id, "t", {"x": 1}, 1, "no such address")
    assert queue.check().dead == 1
    assert queue.revive(job_id)
    assert not queue.revive(job_id)
    (job,) = queue.claim("w1")
    assert job.tries == 0
    assert queue.check() == Counts(1, 0, 1, 0, 0, 0)


def test_the_latest_dead_come_first_and_are_never_trimmed(queue):
    ids = [queue.put("t") for _ in range(5)]
    for number, job in enumerate(queue.claim("w1", 5)):
        queue.bury("w1", job, "x")
        queue._redis.zadd("{mail}:dead", {job.body: number})
    assert [dead.id for dead in queue.dead(2)] == [ids[4], ids[3]]
    assert queue.counts().dead == 5


def test_what_is_not_held_cannot_be_finished(queue):
    queue.put("t")
    (job,) = queue.claim("w1")
    for finish in (queue.done, lambda w, j: queue.again(w, j, 0, ""), lambda w, j: queue.bury(w, j, "")):
        assert not finish("w2", job)
    assert queue.done("w1", job)
    assert not queue.done("w1", job)
    assert queue.check() == Counts(1, 0, 0, 0, 0, 1)


# --- keys and ids ----------------------------------------------------------------------------------------


def test_a_key_is_for_one_job_at_a_time(queue):
    job_id = queue.put("t", key="order:7")
    with pytest.raises(Known) as caught:
        queue.put("t", key="order:7")
    assert caught.value.id == job_id
    (job,) = queue.claim("w1")
    with pytest.raises(Known):
        queue.put("t", key="order:7")
    queue.again("w1", job, 0, "x")
    with pytest.raises(Known):
        queue.put("t", key="order:7")
    (job,) = queue.claim("w1")
    queue.done("w1", job)
    assert queue.put("t", key="order:7") != job_id
    assert queue.check() == Counts(2, 1, 0, 0, 0, 1)


@pytest.mark.parametrize("end", ["bury", "cancel", "done with the next claim"])
def test_a_key_is_free_when_its_job_ends(queue, end):
    job_id = queue.put("t", key="k")
    if end == "cancel":
        queue.cancel(job_id)
    else:
        (job,) = queue.claim("w1")
        if end == "bury":
            queue.bury("w1", job, "x")
        else:
            queue.claim("w1", done=[job])
    assert queue.put("t", key="k")


def test_a_revived_job_takes_its_key_back_or_hears_who_has_it(queue):
    first = queue.put("t", key="k")
    queue.bury("w1", queue.claim("w1")[0], "x")
    second = queue.put("t", key="k")
    with pytest.raises(Known) as caught:
        queue.revive(first)
    assert caught.value.id == second
    queue.done("w1", queue.claim("w1")[0])
    assert queue.revive(first)
    with pytest.raises(Known):
        queue.put("t", key="k")


def test_an_id_of_one_s_own_is_not_put_twice_while_its_job_is_not_done(queue):
    for _ in range(3):
        assert queue.put("t", id="outbox-1", x=1) == "outbox-1"
    (job,) = queue.claim("w1", 9)
    queue.put("t", id="outbox-1", x=1)
    queue.again("w1", job, 0, "x")
    queue.put("t", id="outbox-1", x=1)
    (job,) = queue.claim("w1", 9)
    queue.bury("w1", job, "x")
    queue.put("t", id="outbox-1", x=1)
    assert queue.check() == Counts(1, 0, 0, 0, 1, 0)
    assert queue.revive("outbox-1")
    queue.done("w1", queue.claim("w1")[0])
    queue.put("t", id="outbox-1", x=1)
    assert queue.check() == Counts(2, 1, 0, 0, 0, 1)


def test_a_job_with_an_id_and_a_key_is_put_once_by_either(queue):
    assert queue.put("t", id="a", key="order:7") == "a"
    assert queue.put("t", id="a", key="order:7") == "a"  # its reply was lost
    assert queue.put("t", id="a", key="order:8") == "a"
    assert queue.put("t", id="a") == "a"
    with pytest.raises(Known):
        queue.put("t", id="b", key="order:7")
    (job,) = queue.claim("w1", 9)
    queue.bury("w1", job, "x")
    assert queue.put("t", id="a", key="order:7") == "a"  # it is dead: it is not put beside itself
    assert queue.check() == Counts(1, 0, 0, 0, 1, 0)
    assert queue.put("t", id="b", key="order:7") == "b"  # the key is free
    queue.done("w1", queue.claim("w1")[0])
    assert queue.revive("a")
    queue.done("w1", queue.claim("w1")[0])
    assert queue.put("t", id="a", key="order:7") == "a"
    assert queue.put("t", id="b") == "b"
    assert queue.check() == Counts(4, 2, 0, 0, 0, 2)


# --- workers that die, leave, or are slow ----------------------------------------------------------------


def test_a_dead_worker_s_jobs_go_to_the_head_of_the_line_in_their_order(queue):
    queue.put_many("t", [{"n": n} for n in range(6)])
    queue.claim("w1", 3)
    grow_silent(queue, "w1")
    # Whoever was near a crash runs alone.
    assert [[job.args["n"] for job in queue.claim("w2", 9)] for _ in range(4)] == [[0], [1], [2], [3, 4, 5]]
    assert queue.check().held == 6


def test_a_worker_that_was_taken_for_dead_changes_nothing_any_more(queue):
    queue.put("t")
    (job,) = queue.claim("w1")
    assert queue.beat("w1")
    grow_silent(queue, "w1")
    (again,) = queue.claim("w2")
    assert not queue.beat("w1")
    assert not queue.done("w1", job)
    assert not queue.bury("w1", job, "x")
    assert queue.done("w2", again)
    assert queue.check() == Counts(1, 0, 0, 0, 0, 1)


def test_a_beat_keeps_a_worker_alive(queue):
    queue.put("t")
    queue.claim("w1")
    grow_silent(queue, "w1")
    assert queue.beat("w1")
    assert queue.claim("w2") == []


def test_a_job_that_kills_its_workers_is_dead_after_the_last_that_is_allowed(queue):
    job_id = queue.put("poison")
    for number in range(3):
        (job,) = queue.claim(f"w{number}")
        assert job.tries == 0  # a crash is no failure
        grow_silent(queue, f"w{number}")
    assert queue.claim("w9") == []
    (dead,) = queue.dead()
    assert (dead.id, dead.error) == (job_id, "its worker died 3 times")
    assert queue.check() == Counts(1, 0, 0, 0, 1, 0)


def test_jobs_that_were_held_beside_a_poisonous_one_are_not_buried_with_it(queue):
    queue.put("good", n=1)
    queue.put("poison")
    queue.put("good", n=2)
    done = []
    for number in range(9):
        worker = f"w{number}"
        for job in queue.claim(worker, 3):
            if job.task == "poison":
                break
            queue.done(worker, job)
            done.append(job.args["n"])
        else:
            continue
        grow_silent(queue, worker)
    assert sorted(done) == [1, 2]
    assert queue.check() == Counts(3, 0, 0, 0, 1, 2)


def test_who_leaves_gives_back_what_he_holds_and_nothing_is_counted_against_it(queue):
    queue.put_many("t", [{"n": n} for n in range(4)])
    jobs = queue.claim("w1", 3)
    queue.done("w1", jobs[0])
    assert queue.leave("w1") == 2
    assert [job.args["n"] for job in queue.claim("w2", 9)] == [1, 2, 3]
    assert queue._redis.hgetall("{mail}:crashes") == {}
    assert not queue.beat("w1")


def test_a_list_that_nobody_owns_is_adopted(queue, client, server):
    queue.put("t")
    client.lmove("{mail}:ready", "{mail}:work:ghost", "RIGHT", "LEFT")
    assert queue.check().held == 1
    fresh = Queue(connect(server.port), "mail", grace=GRACE)
    assert [job.task for job in fresh.claim("w2")] == ["t"]
    assert queue.check() == Counts(1, 0, 1, 0, 0, 0)


# --- replies that are lost -------------------------------------------------------------------------------


@pytest.fixture
def proxy(server):
    """Stands before the node that has the queue."""
    with connect(server.port) as asked:
        node = asked.get_node_from_key("{mail}:") if isinstance(asked, redis.RedisCluster) else None
    with Proxy(node.port if node else server.master_port) as proxy:
        proxy.remap = node and {(node.host, node.port): ("127.0.0.1", proxy.port)}
        yield proxy


@pytest.fixture
def cut_queue(client, server, proxy):
    options = {"address_remap": lambda address: proxy.remap.get(address, address)} if proxy.remap else {}
    with connect(server.port if proxy.remap else proxy.port, **options) as connection:
        queue = Queue(connection, "mail", grace=GRACE)
        queue.put("warm-up")  # the scripts are loaded
        queue.done("w1", queue.claim("w1")[0])
        yield queue


def test_a_job_whose_reply_was_lost_is_given_at_the_next_claim(cut_queue, proxy):
    cut_queue.put_many("t", [{"n": n} for n in range(3)])
    proxy.cut("after")
    with pytest.raises(redis.exceptions.ConnectionError):
        cut_queue.claim("w1", 2)
    assert [job.args["n"] for job in cut_queue.claim("w1", 2)] == [0, 1]
    assert [job.args["n"] for job in cut_queue.claim("w1", 2)] == [2]
    assert cut_queue.check().held == 3


def test_a_job_that_the_worker_has_in_hand_is_not_given_twice(cut_queue, proxy):
    cut_queue.put_many("t", [{"n": n} for n in range(3)])
    (first,) = cut_queue.claim("w1")
    proxy.cut("after")
    with pytest.raises(redis.exceptions.ConnectionError):
        cut_queue.claim("w1")
    assert [job.args["n"] for job in cut_queue.claim("w1")] == [1]
    assert cut_queue.done("w1", first)


def test_an_acknowledgement_whose_reply_was_lost_counts_once(cut_queue, proxy):
    cut_queue.put("t")
    (job,) = cut_queue.claim("w1")
    proxy.cut("after")
    with pytest.raises(redis.exceptions.ConnectionError):
        cut_queue.done("w1", job)
    assert not cut_queue.done("w1", job)
    assert cut_queue.claim("w1") == []
    assert cut_queue.check().done == 2


def test_a_put_with_an_id_of_one_s_own_can_be_repeated_after_a_lost_reply(cut_queue, proxy):
    proxy.cut("after")
    with pytest.raises(redis.exceptions.ConnectionError):
        cut_queue.put("t", id="mine")
    cut_queue.put("t", id="mine")
    assert len(cut_queue.claim("w1", 9)) == 1


def test_a_client_that_lost_its_memory_reads_its_own_list(queue, server):
    queue.put("t", n=1)
    queue.claim("w1")
    again = Queue(connect(server.port), "mail", grace=GRACE)
    assert [job.args["n"] for job in again.claim("w1")] == [1]


def test_a_worker_whose_jobs_went_elsewhere_forgets_them(queue):
    queue.put("t", n=1)
    queue.claim("w1")
    grow_silent(queue, "w1")
    queue.done("w2", queue.claim("w2")[0])
    queue.put("t", n=2)
    assert [job.args["n"] for job in queue.claim("w1")] == [2]  # its list was not what it knew


def test_scripts_that_redis_forgot_are_loaded_again(queue, client):
    queue.put("t")
    client.script_flush()
    assert len(queue.claim("w1")) == 1
    client.script_flush()
    assert queue.counts().held == 1


# --- acknowledged without waiting -------------------------------------------------------------------------


def test_what_is_acknowledged_is_done_before_the_next_claim(queue):
    queue.put_many("t", [{"n": n} for n in range(6)])
    for _ in range(2):
        for job in queue.claim("w1", 3):
            queue.acknowledge("w1", job)
    assert queue.claim("w1", 3) == []
    assert queue.check() == Counts(6, 0, 0, 0, 0, 6)


def test_an_acknowledgement_arrives_though_nobody_waits_for_it(queue):
    queue.put_many("t", [{}, {}])
    queue.acknowledge("w1", queue.claim("w1")[0])
    queue.acknowledge("w1", queue.claim("w1")[0])
    wait_until(lambda: queue.counts().done == 2, "the second to arrive")


@pytest.mark.parametrize("lost", ["script flush", "connection"])
def test_an_acknowledgement_that_did_not_arrive_is_sent_again_and_the_job_does_not_run_again(queue, client, lost):
    queue.put_many("t", [{"n": n} for n in range(4)])
    queue.acknowledge("w1", queue.claim("w1")[0])
    (second,) = queue.claim("w1")
    taken = []
    if lost == "script flush":
        client.script_flush()
        queue.acknowledge("w1", second)
    else:
        client.client_kill_filter(_type="normal", skipme=True)
        try:
            queue.acknowledge("w1", second)
            taken = queue.claim("w1")  # a cluster's client may have another connection
        except redis.exceptions.ConnectionError:
            pass
    assert [job.args["n"] for job in taken or queue.claim("w1")] == [2]
    assert queue.check() == Counts(4, 1, 1, 0, 0, 2)


def test_who_leaves_does_not_give_back_what_he_acknowledged(queue, client):
    queue.put_many("t", [{"n": n} for n in range(4)])
    jobs = queue.claim("w1", 3)
    queue.acknowledge("w1", jobs[0])
    client.script_flush()
    queue.acknowledge("w1", jobs[1])
    assert queue.leave("w1") == 1
    assert queue.check() == Counts(4, 2, 0, 0, 0, 2)


# --- rates ------------------------------------------------------------------------------------------------


def waits(client):
    """Return for each job held back how many seconds it still waits, in order."""
    seconds, micros = client.time()
    return [due / 1000 - seconds - micros / 1e6 for _, due in client.zrange("{mail}:later", 0, -1, withscores=True)]


def let_time_pass(client, seconds):
    """What is later is due *seconds* sooner, and so is every turn."""
    for body, due in client.zrange("{mail}:later", 0, -1, withscores=True):
        client.zadd("{mail}:later", {body: due - seconds * 1000})
    for task, turn in client.hgetall("{mail}:next").items():
        client.hset("{mail}:next", task, repr(float(turn) - seconds * 1000))


def test_a_task_starts_no_more_often_than_its_rate(queue, client):
    queue.limit("t", 0.1)
    queue.put_many("t", [{"n": n} for n in range(4)])
    assert [job.args["n"] for job in queue.claim("w1", 9)] == [0]
    assert [round(wait) for wait in waits(client)] == [10, 20, 30]  # in their order, each at its turn
    for n in (1, 2, 3):
        assert queue.claim("w1", 9) == []
        let_time_pass(client, 10)
        assert [job.args["n"] for job in queue.claim("w1", 9)] == [n]
    assert client.scard("{mail}:passes") == 0
    assert queue.check() == Counts(4, 0, 4, 0, 0, 0)


def test_a_burst_comes_at_once(queue, client):
    queue.limit("t", 0.1, burst=3)
    queue.put_many("t", [{"n": n} for n in range(5)])
    assert len(queue.claim("w1", 9)) == 3
    assert [round(wait) for wait in waits(client)] == [10, 20]


def test_a_rate_holds_for_all_workers_and_for_its_task_alone(queue):
    queue.limit("t", 0.001)
    queue.put_many("t", [{}, {}])
    queue.put_many("other", [{}, {}])
    assert [job.task for job in queue.claim("w1", 1) + queue.claim("w2", 9)] == ["t", "other", "other"]


def test_a_job_that_is_held_back_is_not_looked_at_again_and_again(queue, client):
    queue.limit("t", 0.001)
    queue.put_many("t", [{}] * 350)
    queue.claim("w1")
    while queue.counts().ready:
        assert queue.claim("w1") == []
    client.config_resetstat()
    assert queue.claim("w1") == []
    assert "cmdstat_srem" not in client.info("commandstats")
    assert queue.check() == Counts(350, 0, 1, 349, 0, 0)


def test_a_rate_can_be_lifted(queue):
    queue.limit("t", 0.001)
    queue.limit("t", None)
    queue.put_many("t", [{}, {}])
    assert len(queue.claim("w1", 9)) == 2


@pytest.mark.parametrize("rate", [(0, 1), (-1, 1), (float("nan"), 1), ("5", 1), (1, 0), (1, 1.5), (1e9, 1)])
def test_a_rate_that_cannot_be_is_misuse(queue, rate):
    with pytest.raises(Misuse):
        queue.limit("t", *rate)


# --- schedules --------------------------------------------------------------------------------------------


def test_a_slot_is_put_once_whoever_sees_it_first(queue, client, server):
    others = [Queue(connect(server.port), "mail") for _ in range(3)]
    assert [other.fire("hourly", Crontab("0 * * * *"), "t") for other in others] == [None] * 3  # it begins now
    client.hincrby("{mail}:cron", "hourly", -3600_000)
    fired = [other.fire("hourly", Crontab("0 * * * *"), "t", x=1) for other in others]
    assert [bool(job_id) for job_id in fired] == [True, False, False]
    (job,) = queue.claim("w1", 9)
    assert (job.id, job.args) == (fired[0], {"x": 1})
    queue.done("w1", job)
    assert queue.fire("hourly", Crontab("0 * * * *"), "t") is None
    assert queue.check() == Counts(1, 0, 0, 0, 0, 1)


def test_slots_that_went_by_while_nobody_looked_come_to_one_job(queue, client):
    queue.fire("hourly", Crontab("0 * * * *"), "t")
    client.hincrby("{mail}:cron", "hourly", -50 * 3600_000)
    assert queue.fire("hourly", Crontab("0 * * * *"), "t")
    assert queue.fire("hourly", Crontab("0 * * * *"), "t") is None
    assert queue.counts().put == 1


def test_a_client_whose_calendar_is_ahead_fires_nothing(queue):
    class Ahead(Crontab):
        def latest(self, seconds):
            return super().latest(seconds) + 86400 * 365

    queue.fire("hourly", Crontab("0 * * * *"), "t")
    assert queue.fire("hourly", Ahead("0 * * * *"), "t") is None


# --- the invariants, by their numbers ----------------------------------------------------------------------


def test_i1_every_job_is_in_exactly_one_place(queue):
    for state in ("done", "dead", "held"):
        queue.put("t", id=state)
        (job,) = queue.claim(f"w-{state}")
        if state == "done":
            queue.done("w-done", job)
        elif state == "dead":
            queue.bury("w-dead", job, "x")
        queue.check()
    queue.put("t", id="later", delay=3600)
    queue.put("t", id="waiting")
    assert queue.check() == Counts(put=5, ready=1, held=1, later=1, dead=1, done=1)
    assert {name: queue.state(name) for name in ("waiting", "later", "held", "dead", "done")} == {
        "waiting": "waiting", "later": "later", "held": "held", "dead": "dead", "done": None,
    }  # fmt: skip


def test_i2_what_a_lost_reply_would_have_said_is_read_from_the_list(cut_queue, proxy):
    cut_queue.put("t", n=1)
    proxy.cut("after")
    with pytest.raises(redis.exceptions.ConnectionError):
        cut_queue.claim("w1")
    cut_queue.put("t", n=2)
    assert [job.args["n"] for job in cut_queue.claim("w1")] == [1]  # its own list before anything new


@pytest.mark.parametrize("offset", [-1e9, 1e9])
def test_i3_a_worker_s_clock_decides_nothing(client, server, offset, monkeypatch):
    wrong = Queue(client, "mail", grace=GRACE, clock=lambda: offset + time.monotonic() * 1000)
    monkeypatch.setattr(time, "time", lambda: offset)
    wrong.put("t", delay=3600)
    wrong.put("t")
    (job,) = wrong.claim("w1")
    assert wrong.claim("w2") == []  # w1 is alive
    wrong.again("w1", job, 3600, "x")
    assert wrong.claim("w1") == []
    assert wrong.check().later == 2


MOVES = {
    "done": lambda queue, job: queue.done("w1", job),
    "again": lambda queue, job: queue.again("w1", job, 0, "x"),
    "bury": lambda queue, job: queue.bury("w1", job, "x"),
    "leave": lambda queue, job: queue.leave("w1"),
    "recover": lambda queue, job: queue.claim("w2"),
    "claim": lambda queue, job: queue.claim("w1"),
    "claim and done": lambda queue, job: queue.claim("w1", done=[job]),
}


@pytest.mark.parametrize("move", MOVES.values(), ids=MOVES)
def test_i4_every_move_is_one_command_of_its_client(queue, client, move):
    """Whoever is killed, is killed before the script or after it: there is nothing in between."""
    queue.put("t")
    queue.put("t")
    (job,) = queue.claim("w1")
    queue.leave("w9")  # its script is known, too
    queue.again("w1", job, 0, "x")
    (job,) = queue.claim("w1")
    queue.bury("w1", job, "x")
    queue.put("t")
    (job,) = queue.claim("w1")
    grow_silent(queue, "w1")
    client.config_resetstat()
    move(queue, job)
    assert client.info("commandstats")["cmdstat_evalsha"]["calls"] == 1


def test_i5_only_the_holder_finishes(queue):
    queue.put("t")
    (job,) = queue.claim("w1")
    grow_silent(queue, "w1")
    (same,) = queue.claim("w2")
    assert not queue.done("w1", job)
    assert not queue.again("w1", job, 0, "x")
    assert not queue.bury("w1", job, "x")
    assert queue.check().held == 1
    assert queue.done("w2", same)


def test_i6_a_list_without_an_owner_is_adopted_within_a_minute(client):
    now = [0.0]
    queue = Queue(client, "mail", grace=GRACE, clock=lambda: now[0])
    queue.claim("w1")
    queue.put("t")
    client.lmove("{mail}:ready", "{mail}:work:ghost", "RIGHT", "LEFT")
    now[0] = 59.0
    assert queue.claim("w1") == []
    now[0] = 61.0
    assert len(queue.claim("w1")) == 1


def test_i7_a_job_comes_back_so_often_and_is_then_dead_and_not_gone(queue):
    job_id = queue.put("poison")
    for number in range(3):  # max_crashes is 2
        assert [job.id for job in queue.claim(f"w{number}")] == [job_id]
        grow_silent(queue, f"w{number}")
    assert queue.claim("w9") == []
    assert queue.state(job_id) == "dead"
    assert queue.check() == Counts(1, 0, 0, 0, 1, 0)


# --- traps that others fell into ---------------------------------------------------------------------------


def commands(client, work):
    """Return the names of the commands that Redis ran while *work* was done."""
    client.config_resetstat()
    work()
    return {name.removeprefix("cmdstat_") for name in client.info("commandstats")}


def test_no_command_takes_a_job_out_of_redis_before_it_is_done(queue, client):
    """Traps 1, 2, 14: BRPOP near a job; pop and then record; a group that begins at the end."""

    def work():
        queue.put("t", delay=0.001)
        queue.put_many("t", [{}] * 5)
        for job in queue.claim("w1", 3):
            queue.again("w1", job, 0, "x")
        queue.leave("w1")
        queue.claim("w1", wait=0.01)

    used = commands(client, work)
    assert used.isdisjoint({"rpop", "blpop", "blmove", "brpoplpush", "lpop", "zpopmin", "xreadgroup", "set", "keys"})
    assert queue.check().done == 0


def test_nobody_waits_for_a_lock_to_expire(queue, client):
    """Traps 3, 13: recovery behind a lock; bodies that expire."""
    queue.put("t", key="k")
    queue.put("t", delay=60)
    queue.bury("w1", queue.claim("w1")[0], "x")
    queue.put("t")
    queue.claim("w1")
    grow_silent(queue, "w1")
    queue.claim("w2")
    assert {client.ttl(key) for key in client.keys("*")} == {-1}


def test_recovery_needs_no_traffic_and_no_restart(queue, server):
    """Traps 4, 5: a worker that waits idle takes back what another one held."""
    job_id = queue.put("t")
    queue.claim("w1")
    got = []
    other = Queue(connect(server.port), "mail", grace=GRACE)
    thread = threading.Thread(target=lambda: got.extend(other.claim("w2", 1, wait=30)))
    thread.start()
    thread.join(PATIENCE)
    assert [job.id for job in got] == [job_id]


def test_a_lease_is_the_list_that_holds_the_job(queue, client):
    """Traps 6, 7: nothing that can vanish apart from the job says who holds it; and taking is being registered."""
    queue.put("t")
    queue.claim("w1")
    assert client.zscore("{mail}:workers", "w1")
    client.delete("{mail}:workers")
    fresh = Queue(client, "mail", grace=GRACE)
    assert len(fresh.claim("w2")) == 1
    assert queue.check().held == 1


def test_what_a_worker_took_in_advance_comes_back_with_the_rest_after_one_grace(queue):
    """Trap 8: prefetched jobs are held, not hidden."""
    queue.put_many("t", [{}] * 20)
    queue.claim("w1", 20)
    grow_silent(queue, "w1")
    queue.claim("w2")
    assert queue.counts() == Counts(20, 19, 1, 0, 0, 0)


def test_a_crash_spends_no_try(queue):
    """Trap 9."""
    queue.put("t")
    queue.claim("w1")
    grow_silent(queue, "w1")
    assert [job.tries for job in queue.claim("w2")] == [0]


def test_a_line_of_ten_thousand_is_no_trouble(queue):
    """Trap 12: a table that is too large to be unpacked."""
    ids = queue.put_many("t", [{}] * 10_000)
    taken = queue.claim("w1", 5000)
    assert [job.id for job in taken] == ids[:5000]
    assert queue.claim("w1", 5000, done=taken)[-1].id == ids[-1]
    grow_silent(queue, "w1")
    queue.claim("w2")
    assert queue.check() == Counts(10_000, 4999, 1, 0, 0, 5000)


def test_a_client_that_retries_in_silence_is_refused(server):
    """Trap 15."""
    with redis.Redis(port=server.port) as client, pytest.raises(Misuse, match="puts jobs twice"):
        Queue(client, "mail").examine()


def test_a_blocked_client_that_died_takes_no_job_with_it(queue, client):
    """Trap 16: what a ghost may still be served is a bell."""
    client.lpush("{mail}:bell", "")
    client.brpop("{mail}:bell")  # somebody who is gone
    job_id = queue.put("t")
    client.delete("{mail}:bell")
    assert [job.id for job in queue.claim("w1", wait=5)] == [job_id]


def test_a_bell_that_was_lost_costs_a_second_and_no_job(queue, client, server):
    got = []
    other = Queue(connect(server.port), "mail")
    thread = threading.Thread(target=lambda: got.extend(other.claim("w1", 1, wait=30)))
    thread.start()
    wait_until(lambda: client.info("clients")["blocked_clients"], "the worker to wait")
    client.lpush("{mail}:ready", '{"id":"silent","task":"t","args":{},"tries":0}')  # nobody rings
    thread.join(PATIENCE)
    assert [job.id for job in got] == ["silent"]


def test_every_waiting_worker_is_woken_when_several_jobs_come_at_once(queue, client, server):
    got = []

    def work(name):
        got.extend(Queue(connect(server.port), "mail").claim(name, 1, wait=30))

    threads = [threading.Thread(target=work, args=(f"w{number}",)) for number in range(3)]
    for thread in threads:
        thread.start()
    wait_until(lambda: client.info("clients")["blocked_clients"] == 3, "all to wait")
    ids = queue.put_many("t", [{}] * 3)
    for thread in threads:
        thread.join(PATIENCE)
    assert sorted(job.id for job in got) == sorted(ids)


# --- what is where ---------------------------------------------------------------------------------------


def test_a_job_s_state_is_told(queue):
    waiting, later = queue.put("t"), queue.put("t", delay=60)
    assert (queue.state(waiting), queue.state(later), queue.state("unknown"), queue.state("")) == (
        "waiting", "later", None, None,
    )  # fmt: skip
    (job,) = queue.claim("w1")
    assert queue.state(waiting) == "held"
    queue.bury("w1", job, "x")
    assert queue.state(waiting) == "dead"


def test_a_cancelled_job_does_not_run(queue):
    waiting, later = queue.put("t"), queue.put("t", delay=60)
    assert queue.cancel(waiting)
    assert queue.cancel(later)
    assert not queue.cancel(waiting)
    assert not queue.cancel("unknown")
    assert queue.claim("w1") == []
    assert {dead.error for dead in queue.dead()} == {"cancelled"}
    assert queue.check() == Counts(2, 0, 0, 0, 2, 0)


def test_a_running_job_s_worker_hears_that_it_was_cancelled(queue):
    job_id = queue.put("t")
    (job,) = queue.claim("w1")
    assert queue.told_to_stop("w1") == frozenset()
    assert queue.cancel(job_id)
    assert queue.told_to_stop("w1") == {job_id}
    queue.bury("w1", job, "cancelled")
    assert queue.told_to_stop("w1") == frozenset()


def test_a_running_job_may_be_cancelled_twice_and_one_that_ended_not_at_all(queue, client):
    job_id = queue.put("t")
    (job,) = queue.claim("w1")
    assert queue.cancel(job_id)
    assert queue.cancel(job_id)
    queue.done("w1", job)
    assert not queue.cancel(job_id)
    assert client.exists("{mail}:cancel") == 0


def test_workers_are_told_with_what_they_hold(queue):
    queue.put_many("t", [{}] * 3)
    queue.claim("w1", 2)
    queue.claim("w2", 1)
    queue.claim("w2", 1)
    told = {seen.name: seen for seen in queue.workers()}
    assert {name: seen.holds for name, seen in told.items()} == {"w1": 2, "w2": 1}
    assert all(0 <= seen.seconds < 60 for seen in told.values())
    grow_silent(queue, "w1")
    assert {seen.name: seen.seconds > 1000 for seen in queue.workers()} == {"w1": True, "w2": False}


def test_figures_add_up(queue):
    assert queue.tally() == {}
    queue.tally({"t:done": 2, "t:milliseconds": 30})
    queue.tally({"t:done": 1})
    queue.tally({})
    assert queue.tally() == {"t:done": 3, "t:milliseconds": 30}


def test_jobs_with_ids_of_one_s_own_are_put_in_bulk_and_once(queue):
    jobs = [(f"job-{number}", "t", {"n": number}) for number in range(1200)]
    assert queue.put_once(jobs[:700]) == 700
    assert queue.put_once(jobs) == 500
    assert queue.check() == Counts(1200, 1200, 0, 0, 0, 0)
    for job in queue.claim("w1", 1200):
        queue.done("w1", job)
    assert queue.put_once(jobs[:1]) == 1


@pytest.mark.parametrize("limit", [0, -1, 5001])
def test_a_claim_of_none_or_of_too_many_is_misuse(queue, limit):
    with pytest.raises(Misuse):
        queue.claim("w1", limit)


@pytest.mark.parametrize("worker", ["", "a b", "x" * 129, None, "a\n"])
def test_a_worker_without_a_name_is_misuse(queue, worker):
    with pytest.raises(Misuse):
        queue.claim(worker)


def test_a_cancelled_job_whose_worker_died_does_not_run_again(queue):
    job_id = queue.put("t")
    queue.claim("w1")
    queue.cancel(job_id)
    grow_silent(queue, "w1")
    assert queue.claim("w2") == []
    assert queue.state(job_id) == "dead"


def test_a_broken_law_is_told_with_the_ids_that_break_it(queue, client):
    job_id = queue.put("t")
    body = client.lindex("{mail}:ready", 0)
    client.zadd("{mail}:later", {body: 10**15})
    with pytest.raises(Broken, match=job_id) as caught:
        queue.check()
    assert caught.value.ids == [job_id]
    client.delete("{mail}:later", "{mail}:ready")
    with pytest.raises(Broken, match="twice: none"):
        queue.check()


UNREADABLE = {
    "no JSON": b"{",
    "no object": b"[]",
    "bytes that are no text": b'{"id":"x","task":"t","args":{},"tries":0}\xff',
    "no task": b'{"id":"x","args":{},"tries":0}',
    "arguments that are a list": b'{"id":"x","task":"t","args":[],"tries":0}',
    "tries that are true": b'{"id":"x","task":"t","args":{},"tries":true}',
    "a pickle": b"\x80\x04\x95.",
    "nothing": b"",
    "a key and no id": b'{"task":"t","args":{},"tries":0,"key":"k"}',
    "a key and an id that is an object": b'{"id":{},"task":"t","args":{},"tries":0,"key":"k"}',
    "an id that we would not write": '{"id":"é","task":"t","args":{},"tries":0}'.encode(),
}


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE)
def test_a_body_that_is_no_job_goes_to_the_dead_and_stops_nobody(queue, client, body):
    client.lpush("{mail}:ready", body)
    queue.put("t")
    assert [job.task for job in queue.claim("w1", 9)] == ["t"]
    (dead,) = queue.dead()
    assert dead.error.startswith("unreadable")


def test_a_body_that_is_no_text_does_not_keep_the_worker_whose_list_it_is_in(queue, client):
    queue.claim("w1")
    client.lpush("{mail}:work:w1", b'{"id":"x","task":"t","args":{"a":"\xff"},"tries":0}')  # its reply was lost
    job_id = queue.put("t")
    assert [job.id for job in queue.claim("w1", 9)] == [job_id]
    assert [dead.error.split(":")[0] for dead in queue.dead()] == ["unreadable"]


def test_a_waiting_body_that_is_no_text_can_be_cancelled(queue, client):
    client.lpush("{mail}:ready", b'{"id":"x","task":"t\xff","args":{},"tries":0}')
    assert queue.cancel("x")
    assert (queue.state("x"), queue.revive("x")) == ("dead", False)


def test_two_jobs_with_one_id_are_given_once_each(queue, client):
    for n in range(2):  # by another producer: ours would not
        client.lpush("{mail}:ready", f'{{"id":"x","task":"t","args":{{"n":{n}}},"tries":0}}')
    jobs = queue.claim("w1", 9)
    assert [job.args["n"] for job in jobs] == [0, 1]
    assert queue.claim("w1", 9) == []
    assert [queue.done("w1", job) for job in jobs] == [True, True]


@pytest.mark.parametrize("error", ["a file named \udcff", "\ud800", "\x00\n", "", "達" * 3000])
def test_whatever_an_error_says_the_job_ends(queue, error):
    queue.put("t")
    assert queue.again("w1", queue.claim("w1")[0], 0, error)
    assert queue.bury("w1", queue.claim("w1")[0], error)
    assert queue.dead()[0].error == error[:2000].encode("utf-8", "backslashreplace").decode()


NAN = float("nan")
MISUSED = {
    "a worker that is no name, beating": lambda queue, _: queue.beat(None),
    "a worker that is a list": lambda queue, _: queue.claim([]),
    "a worker that is a list, finishing": lambda queue, job: queue.done([], job),
    "a limit that is a text": lambda queue, _: queue.claim("w", "1"),
    "a limit with a fraction": lambda queue, _: queue.claim("w", 1.5),
    "a limit that is true": lambda queue, _: queue.claim("w", True),
    "a wait of NaN": lambda queue, _: queue.claim("w", 1, NAN),
    "a wait that is nothing": lambda queue, _: queue.claim("w", 1, None),
    "a wait beyond every number": lambda queue, _: queue.claim("w", 1, 10**400),
    "a retry after NaN": lambda queue, job: queue.again("w", job, NAN, "x"),
    "a retry in the past": lambda queue, job: queue.again("w", job, -1, "x"),
    "a retry after the end of the world": lambda queue, job: queue.again("w", job, 1e300, "x"),
    "a retry after a text": lambda queue, job: queue.again("w", job, "1", "x"),
    "less than no dead": lambda queue, _: queue.dead(-1),
    "half a dead": lambda queue, _: queue.dead(1.5),
    "dead without number": lambda queue, _: queue.dead(10**30),
    "a schedule without a name": lambda queue, _: queue.fire(None, Crontab("* * * * *"), "t"),
    "a rate of half a character": lambda queue, _: queue.limit("\ud800", 5),
    "a rate of nothing": lambda queue, _: queue.limit(None, None),
    "a burst beyond every number": lambda queue, _: queue.limit("t", 5, 10**400),
    "jobs that are a number": lambda queue, _: queue.put_many("t", 5),
    "jobs that are names": lambda queue, _: queue.put_many("t", {"a": 1}),
    "jobs of one's own that are a number": lambda queue, _: queue.put_once(5),
    "a job of one's own that is a number": lambda queue, _: queue.put_once([5]),
    "a job of one's own that is a pair": lambda queue, _: queue.put_once([("a", "t")]),
}


@pytest.mark.parametrize("ask", MISUSED.values(), ids=MISUSED)
def test_what_cannot_be_right_is_misuse_and_changes_nothing(queue, ask):
    queue.put("t")
    (job,) = queue.claim("w")
    with pytest.raises(Misuse):
        ask(queue, job)
    assert queue.check() == Counts(1, 0, 1, 0, 0, 0)
    assert queue.done("w", job)


@pytest.mark.parametrize("job_id", ["\ud800", "", None, 5, b"x", "?"])
def test_what_is_no_id_is_the_id_of_no_job(queue, job_id):
    queue.put("t")
    assert (queue.state(job_id), queue.cancel(job_id), queue.revive(job_id)) == (None, False, False)


def test_none_of_the_dead_are_none(queue):
    queue.put("t")
    queue.bury("w1", queue.claim("w1")[0], "x")
    assert (len(queue.dead(1)), queue.dead(0)) == (1, [])


def test_two_queues_do_not_see_each_other(client):
    one, two = Queue(client, "one"), Queue(client, "two")
    one.put("t")
    assert two.claim("w") == []
    assert len(one.claim("w")) == 1


def test_a_client_that_decodes_replies_will_do(server, client):
    with connect(server.port, decode_responses=True) as decoding:
        queue = Queue(decoding, "mail")
        queue.put("t", name="達")
        (job,) = queue.claim("w1")
        assert job.args == {"name": "達"}
        assert queue.done("w1", job)
        assert queue.beat("w1")


# --- what cannot be right --------------------------------------------------------------------------------

MISUSE = {
    "a name with a brace": {"name": "a}b"},
    "an empty name": {"name": ""},
    "no grace": {"grace": 0},
    "a grace that is a text": {"grace": "10"},
    "crashes below zero": {"max_crashes": -1},
    "crashes that are true": {"max_crashes": True},
}


@pytest.mark.parametrize("settings", MISUSE.values(), ids=MISUSE)
def test_a_queue_that_cannot_be_right_is_misuse(client, settings):
    with pytest.raises(Misuse) as caught:
        Queue(client, **({"name": "mail"} | settings))
    assert len(caught.value.problems) == 1


BAD_JOBS = {
    "a task that is none": ("a b", {}),
    "a task that is no text": (7, {}),
    "an argument that JSON has not": ("t", {"x": {1}}),
    "NaN": ("t", {"x": float("nan")}),
    "an id with a quotation mark": ("t", {"id": 'a"b'}),
    "an empty id": ("t", {"id": ""}),
    "a delay below zero": ("t", {"delay": -1}),
    "a delay of NaN": ("t", {"delay": float("nan")}),
    "an empty key": ("t", {"key": ""}),
    "a key that is a number": ("t", {"key": 7}),
    "two megabytes": ("t", {"x": "x" * (2 << 20)}),
}


@pytest.mark.parametrize(("task", "arguments"), BAD_JOBS.values(), ids=BAD_JOBS)
def test_what_is_no_job_is_misuse_and_nothing_is_put(queue, task, arguments):
    with pytest.raises(Misuse):
        queue.put(task, **arguments)
    assert queue.counts().put == 0


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                [
                    "put",
                    "put-later",
                    "put-key",
                    "claim",
                    "claim2",
                    "done",
                    "again",
                    "bury",
                    "die",
                    "leave",
                    "cancel",
                    "revive",
                    "flush",
                    "forget",
                ]
            ),
            st.sampled_from(["w1", "w2"]),
        ),
        max_size=40,
    )
)
def test_whatever_happens_in_whatever_order_the_law_holds(client, server, steps):
    client.flushall()
    queue = Queue(client, "mail", grace=GRACE, max_crashes=1)
    hands: dict[str, list] = {"w1": [], "w2": []}
    ids = []
    for step, worker in steps:
        if step == "put":
            ids.append(queue.put("t"))
        elif step == "put-later":
            ids.append(queue.put("t", delay=0.001))
        elif step == "put-key":
            try:
                ids.append(queue.put("t", key="k"))
            except Known as error:
                assert error.id in ids
        elif step in ("claim", "claim2"):
            hands[worker] += queue.claim(worker, 1 + (step == "claim2"))
        elif step in ("done", "again", "bury") and hands[worker]:
            job = hands[worker].pop(0)
            {
                "done": queue.done,
                "again": lambda w, j: queue.again(w, j, 0, "x"),
                "bury": lambda w, j: queue.bury(w, j, "x"),
            }[step](worker, job)
        elif step == "die":
            if client.zscore("{mail}:workers", worker) is not None:
                grow_silent(queue, worker)
            hands[worker] = []
        elif step == "leave":
            queue.leave(worker)
            hands[worker] = []
        elif step == "cancel" and ids:
            queue.cancel(ids[len(ids) // 2])
        elif step == "revive" and ids:
            try:
                queue.revive(ids[len(ids) // 2])
            except Known:
                pass
        elif step == "flush":
            client.script_flush()
        elif step == "forget":
            queue._hands.clear()
            hands = {"w1": [], "w2": []}
        queue.check()
