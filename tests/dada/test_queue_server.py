"""What the queue stands on: real servers, each set up as somebody might."""

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from dada.errors import Misuse
from dada.queue import Queue
from dada.queue_server import examine
from tests.servers import Redis


@pytest.fixture(scope="module", params=["redis", "valkey"])
def server(request, tmp_path_factory):
    with Redis(tmp_path_factory.mktemp(request.param), valkey=request.param == "valkey") as running:
        yield running


@pytest.fixture
def client(server):
    with redis.Redis(port=server.port, retry=Retry(NoBackoff(), 0)) as connection:
        yield connection
        for name, value in {"maxmemory": 0, "maxmemory-policy": "noeviction", "appendonly": "no", "save": ""}.items():
            connection.config_set(name, value)


def codes(client):
    with pytest.raises(Misuse) as caught:
        examine(client)
    return {problem.code for problem in caught.value.problems}


@pytest.mark.parametrize("policy", ["allkeys-lru", "allkeys-random", "volatile-ttl"])
def test_a_redis_that_may_evict_is_refused(client, policy):
    client.config_set("maxmemory-policy", policy)
    client.config_set("maxmemory", 100 << 20)
    assert codes(client) == {"redis-evicts"}
    with pytest.raises(Misuse, match="throw jobs away"):
        Queue(client, "mail").examine()


def test_a_policy_without_a_limit_evicts_nothing(client):
    client.config_set("maxmemory-policy", "allkeys-lru")
    (server,) = examine(client)
    assert (server.evicts, server.policy, server.memory) == (False, "allkeys-lru", 0)


def test_a_limit_without_eviction_is_what_we_want(client):
    client.config_set("maxmemory", 100 << 20)
    (server,) = Queue(client, "mail").examine()
    assert (server.evicts, server.memory) == (False, 100 << 20)


PERSISTENCE = {
    "nothing": ({"save": ""}, "none"),
    "snapshots": ({"save": "3600 1"}, "snapshots only"),
    "an append-only file": ({"appendonly": "yes", "appendfsync": "everysec"}, "takes the last second"),
    "one that waits for the disk": ({"appendonly": "yes", "appendfsync": "always"}, "nothing that was acknowledged"),
    "one that leaves it to the system": ({"appendonly": "yes", "appendfsync": "no"}, "the system had not written"),
}


@pytest.mark.parametrize(("settings", "told"), PERSISTENCE.values(), ids=PERSISTENCE)
def test_what_a_power_cut_takes_is_said(client, settings, told):
    for name, value in settings.items():
        client.config_set(name, value)
    assert told in examine(client)[0].persistence


def test_where_settings_may_not_be_asked_for_it_is_said_as_well_as_can_be(client, server):
    client.execute_command("ACL", "SETUSER", "small", "on", ">pw", "~*", "+@all", "-config")
    with redis.Redis(port=server.port, username="small", password="pw", retry=Retry(NoBackoff(), 0)) as small:
        assert examine(small)[0].persistence.startswith("snapshots")


def test_a_client_that_retries_in_silence_is_refused(server):
    with redis.Redis(port=server.port, retry=Retry(NoBackoff(), 3)) as client:
        assert codes(client) == {"redis-retries"}
    with redis.Redis.from_url(server.url) as client:
        assert len(examine(client)) == 1


def test_a_redis_that_is_too_old_is_refused(client, monkeypatch):
    told = client.info("everything")
    monkeypatch.setattr(client, "info", lambda *_: told | {"redis_version": "6.0.16"})
    assert codes(client) == {"redis-old"}


def test_every_master_of_a_cluster_is_examined(client, monkeypatch):
    told = client.info("everything")
    monkeypatch.setattr(client, "get_primaries", list, raising=False)
    evicting = told | {"maxmemory": 1, "maxmemory_policy": "allkeys-lru"}
    monkeypatch.setattr(client, "info", lambda *_, **__: {"a": told, "b": evicting})
    assert codes(client) == {"redis-evicts"}
    monkeypatch.setattr(client, "info", lambda *_, **__: told)
    assert len(examine(client)) == 1
