"""A queue on many machines: one slot of a cluster, and a failover in the middle of the work."""

import signal
import time

import pytest
import redis

from dada.queue import Known, Queue
from dada.testing import Client
from tests.conftest import PAGE, environment, make_services
from tests.faults.processes import Process
from tests.handlers.people import PASSWORD
from tests.machines import MASTER, Cluster, Watched, client_of
from tests.servers import wait_until
from wsgi import make_app

OUTAGES = (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError, redis.exceptions.ReadOnlyError)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with Cluster(tmp_path_factory.mktemp("cluster")) as running:
        yield running


@pytest.fixture
def watched(tmp_path):
    with Watched(tmp_path) as running:
        yield running


def live(queue):
    """Let jobs be in every place that a job can be in."""
    queue.put("t")
    queue.put("t", delay=3600)
    queue.put("t", key="order:7")
    with pytest.raises(Known):
        queue.put("t", key="order:7")
    queue.put_many("t", [{"n": n} for n in range(6)])
    jobs = queue.claim("w1", 5)
    queue.done("w1", jobs[0])
    queue.again("w1", jobs[1], 3600, "not yet")
    queue.bury("w1", jobs[2], "never")
    queue.cancel(jobs[3].id)


def nodes_with_keys(client):
    return {
        node.port: keys
        for node in client.get_primaries()
        if (keys := client.keys("*", target_nodes=node))
    }  # fmt: skip


@pytest.mark.parametrize("name", ["mail", "a.queue-of_its.own", "x" * 64])
def test_all_keys_of_a_queue_are_in_one_slot(cluster, name):
    with client_of(cluster.port) as client:
        client.flushall()
        live(Queue(client, name))
        ((_, keys),) = nodes_with_keys(client).items()
        assert len(keys) >= 6
        assert len({client.cluster_keyslot(key) for key in keys}) == 1


def test_queues_of_other_names_are_on_other_nodes(cluster):
    with client_of(cluster.port) as client:
        client.flushall()
        for number in range(20):
            Queue(client, f"queue-{number}").put("t")
        assert len(nodes_with_keys(client)) == 3


def until_it_answers(call, *args):
    """Call again until no outage is in the way, as a worker does."""

    def answer():
        try:
            return [call(*args)]
        except OUTAGES:
            return None

    return wait_until(answer, f"{call.__name__} to be answered")[0]


def test_a_failover_in_the_middle_of_the_work_loses_nothing(watched):
    with client_of(watched.port) as client:
        queue = Queue(client, "mail")
        ids = queue.put_many("t", [{"n": n} for n in range(100)])
        first = queue.claim("w1", 10)
        for job in first[:5]:
            assert queue.done("w1", job)
        assert client.wait(1, 5000) == 1  # the replica has it all
        old = watched.master
        watched.fail()
        assert watched.master is not old

        for job in first[5:]:
            assert until_it_answers(queue.done, "w1", job)
        ran = [job.id for job in first]
        while jobs := until_it_answers(queue.claim, "w1", 10):
            for job in jobs:
                assert until_it_answers(queue.done, "w1", job)
                ran.append(job.id)
        assert ran == ids
        assert queue.check() == (100, 0, 0, 0, 0, 100)


def test_who_forgot_everything_in_a_failover_reads_it_in_his_list(watched):
    with client_of(watched.port) as client:
        Queue(client, "mail").put("t", n=1)
        assert len(Queue(client, "mail").claim("w1")) == 1
        assert client.wait(1, 5000) == 1
        watched.fail()
        (job,) = until_it_answers(Queue(client, "mail").claim, "w1")
        assert job.args == {"n": 1}


@pytest.fixture
def environ(database_url, secrets_folder, world):
    world.mailbox.clear()
    return environment(database_url, "", secrets_folder, world)


def test_the_shop_goes_through_a_failover_that_it_knows_by_the_url_alone(watched, environ, world, tmp_path):
    sentinels = ",".join(f"127.0.0.1:{sentinel.port}" for sentinel in watched.sentinels)
    environ["REDIS_URL"] = f"redis+sentinel://{sentinels}/{MASTER}/0"
    services = make_services(environ, time.time)  # the worker's clock, too
    api = Client(make_app(services), {"Origin": PAGE})
    with Process("-m", "worker", env=environ, log=tmp_path / "log") as process:
        process.says('"message": "ready"')
        assert api("POST", "/v1/users", new("ada")).status == 202
        wait_until(lambda: world.mailbox.mails("ada@example.org"), "the first letter")
        old = watched.master
        watched.fail()
        assert watched.master is not old

        answer = until_it_is_no_outage(lambda: api("POST", "/v1/users", new("bob")))
        assert answer.status == 202
        wait_until(lambda: world.mailbox.mails("bob@example.org"), "the second letter")
        process.tell(signal.SIGTERM)
        assert process.wait() == 0
        assert "this must not happen" not in process.output
    assert services.parts()["redis"]
    services.close()


def test_the_shop_works_on_a_cluster_and_waits_for_a_node_that_is_down(cluster, environ, world, tmp_path):
    environ["REDIS_URL"] = "redis+cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in cluster.nodes)
    services = make_services(environ, time.time)  # the worker's clock, too
    services.redis.flushall()
    api = Client(make_app(services), {"Origin": PAGE})
    with Process("-m", "worker", env=environ, log=tmp_path / "log") as process:
        process.says('"message": "ready"')
        assert api("POST", "/v1/users", new("ada")).status == 202
        wait_until(lambda: world.mailbox.mails("ada@example.org"), "the first letter")
        port = services.redis.get_node_from_key("{mail}:").port
        (house,) = (node for node in cluster.nodes if node.port == port)
        house.kill()
        process.says("waiting for ")
        house.start()

        answer = until_it_is_no_outage(lambda: api("POST", "/v1/users", new("bob")))
        assert answer.status == 202
        wait_until(lambda: world.mailbox.mails("bob@example.org"), "the second letter")
        process.tell(signal.SIGTERM)
        assert process.wait() == 0
        assert "this must not happen" not in process.output
    services.close()


def new(name):
    return {"username": name, "password": PASSWORD, "email": f"{name}@example.org"}


def until_it_is_no_outage(ask):
    """Ask again while the answer is 503, and nothing else but that is in the way; return the answer."""

    def answer():
        told = ask()
        assert told.status != 500, told
        return None if told.status == 503 else told

    return wait_until(answer, "an answer")
