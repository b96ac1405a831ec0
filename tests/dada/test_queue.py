"""The queue: the same contract on Debian's Redis, the embedded Valkey, a cluster, and after a Sentinel's failover."""

import json
import threading

import pytest
import redis
from hypothesis import given, settings
from hypothesis import strategies as st

from dada.errors import Misuse
from dada.queue import Broken, Counts, Known, Queue
from tests.machines import Cluster, Watched, blocked_clients, client_of
from tests.proxy import Proxy
from tests.servers import Redis, wait_until

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
    thread.join(10)
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
}


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE)
def test_a_body_that_is_no_job_goes_to_the_dead_and_stops_nobody(queue, client, body):
    client.lpush("{mail}:ready", body)
    queue.put("t")
    assert [job.task for job in queue.claim("w1", 9)] == ["t"]
    (dead,) = queue.dead()
    assert dead.error.startswith("unreadable")


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
