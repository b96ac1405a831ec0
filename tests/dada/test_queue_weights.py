"""Several queues, served by one worker."""

import random
import threading

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from dada.errors import Misuse
from dada.queue import Queue
from dada.queue_weights import Weighted
from tests.servers import PATIENCE, wait_until


@pytest.fixture
def client(redis_server):
    with redis.Redis(port=redis_server.port, retry=Retry(NoBackoff(), 0), socket_timeout=PATIENCE) as connection:
        connection.flushall()
        yield connection


@pytest.fixture
def queues(client):
    return Queue(client, "mail"), Queue(client, "slow")


def test_claims_are_shared_by_weight(queues):
    mail, slow = queues
    drawn = random.Random(7)
    weighted = Weighted([(mail, 3), (slow, 1)], draw=drawn.random)
    first = sum(weighted.order()[0] is mail for _ in range(4000))
    assert 2850 < first < 3150


def test_no_queue_starves_while_another_is_full(queues):
    mail, slow = queues
    mail.put_many("m", [{}] * 400)
    slow.put_many("s", [{}] * 20)
    weighted = Weighted([(mail, 10), (slow, 1)], draw=random.Random(7).random)
    served = []
    for _ in range(420):
        queue, (job,) = weighted.claim("w")
        queue.done("w", job)
        served.append(job.task)
    assert served.index("s") < 60
    assert 19 < len(served) - served[::-1].index("s") < 420
    assert (mail.check().done, slow.check().done) == (400, 20)


def test_strictly_the_first_is_emptied_first(queues):
    mail, slow = queues
    slow.put_many("s", [{}] * 3)
    mail.put_many("m", [{}] * 3)
    weighted = Weighted([(mail, 1), (slow, 9)], strict=True)
    assert [weighted.claim("w")[1][0].task for _ in range(6)] == ["m", "m", "m", "s", "s", "s"]


def test_each_queue_has_its_own_size_of_a_claim(queues):
    mail, slow = queues
    mail.put_many("m", [{}] * 30)
    slow.put_many("s", [{}] * 30)
    weighted = Weighted([(mail, 1), (slow, 1)], limits={"mail": 20}, strict=True)
    assert len(weighted.claim("w")[1]) == 20
    assert len(weighted.claim("w")[1]) == 10
    assert len(weighted.claim("w")[1]) == 1


def test_there_may_be_none(queues):
    assert Weighted([(queues[0], 1), (queues[1], 1)]).claim("w")[1] == []
    assert Weighted([(queues[0], 1), (queues[1], 1)]).claim("w", wait=0.05)[1] == []


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("pooled", [True, False], ids=["one server", "as in a cluster"])
def test_a_worker_that_waits_wakes_for_each_of_them(queues, client, number, pooled):
    if not pooled:
        for queue in queues:
            queue._lines.common.pool = None
    got = []
    weighted = Weighted([(queues[0], 1), (queues[1], 1)], strict=True)
    thread = threading.Thread(target=lambda: got.append(weighted.claim("w", wait=30)))
    thread.start()
    wait_until(lambda: client.info("clients")["blocked_clients"], "the worker to wait")
    job_id = queues[number].put("t")
    thread.join(PATIENCE)
    ((queue, jobs),) = got
    assert queue is queues[number]
    assert [job.id for job in jobs] == [job_id]


WRONG = {"nothing": [], "a weight of none": [0], "a weight below": [-1], "a text": ["1"], "NaN": [float("nan")]}


@pytest.mark.parametrize("weights", WRONG.values(), ids=WRONG)
def test_what_cannot_be_right_is_misuse(queues, weights):
    with pytest.raises(Misuse):
        Weighted([(queues[0], weight) for weight in weights])
