"""Services: the cache, the client that repeats nothing, and which parts answer."""

import threading

import pytest
import redis

from dada.queue import Queue
from shop.services import OUTAGES, Unwilling, connect, redis_client
from tests.conftest import environment
from tests.machines import MASTER, Sentinel
from tests.servers import Redis, free_port, wait_until


def test_the_cache_keeps_for_a_while_and_forgets(services):
    cache = services.cache
    assert cache.get("a") is None
    assert cache.set("a", "達", 60)
    assert not cache.set("a", "other", 60, if_new=True)
    assert cache.get("a") == "達"
    assert cache.get_all("a", "b") == ["達", None]
    assert 0 < services.redis.pttl("a") <= 60_000
    cache.forget("a", "b")
    cache.forget()
    assert cache.get("a") is None


def test_what_is_taken_is_gone(services):
    services.cache.set("a", "1", 60)
    assert (services.cache.take("a"), services.cache.take("a")) == ("1", None)


def test_what_somebody_wrote_meanwhile_is_neither_replaced_nor_forgotten(services):
    cache = services.cache
    cache.set("a", "mine", 60)
    cache.replace_if("a", "another's", "new", 60)
    assert cache.get("a") == "mine"
    cache.replace_if("a", "mine", "new", 30)
    assert cache.get("a") == "new"
    assert 0 < services.redis.pttl("a") <= 30_000
    cache.forget_unless("a", "new")
    assert cache.get("a") == "new"
    cache.forget_unless("a", "old")
    assert cache.get("a") is None


def test_the_raw_connection_is_all_of_redis(services):
    services.redis.sadd("set", "a")
    services.redis.lpush("list", "b")
    assert services.redis.eval("return redis.call('SCARD', KEYS[1])", 1, "set") == 1


def test_a_command_is_sent_once(redis_server):
    with redis_client(redis_server.url) as client:
        assert client.get_retry()._retries == 0


def test_a_redis_is_reached_by_a_socket_of_the_system(tmp_path):
    path = tmp_path / "socket"
    with Redis(tmp_path / "redis", "--unixsocket", str(path)), redis_client(f"unix://{path}?db=1") as client:
        queue = Queue(client, "mail")
        queue.put_many("t", [{}] * 3)
        assert [queue.done("w", job) for job in queue.claim("w", 9)] == [True] * 3
        assert queue.check().done == 3


def test_a_redis_url_with_an_option_that_no_connection_has_is_refused(redis_server):
    with pytest.raises(ValueError, match="an option that no connection has"):
        redis_client(f"{redis_server.url}?patience=1")


def test_a_part_that_is_down_is_told(services, redis_server):
    assert services.parts() == {"database": True, "redis": True}
    redis_server.stop()
    try:
        assert services.parts() == {"database": True, "redis": False}
        with pytest.raises(OUTAGES):
            services.cache.get("a")
    finally:
        redis_server.start()
    assert services.parts() == {"database": True, "redis": True}


def test_a_process_s_services_are_made_of_its_settings(database_url, redis_server, secrets_folder, world):
    from shop.settings import Settings

    made = connect(Settings.read(environment(database_url, redis_server.url, secrets_folder, world)))
    assert made.parts() == {"database": True, "redis": True}
    assert made.now_ms > 1_700_000_000_000
    made.close()


def test_a_redis_that_is_not_there_is_an_outage():
    with redis_client(f"redis://127.0.0.1:{free_port()}/0") as client, pytest.raises(OUTAGES):
        client.ping()
    assert redis.exceptions.ConnectionError in OUTAGES


@pytest.mark.parametrize("where", ["redis://127.0.0.1:{}", "redis+sentinel://127.0.0.1:{}/dada"])
def test_every_kind_of_client_sends_once(where):
    with redis_client(where.format(free_port())) as client:
        assert client.connection_pool.connection_kwargs["retry"]._retries == 0
        assert client.connection_pool.connection_kwargs["socket_timeout"] == 5
        with pytest.raises(OUTAGES):
            client.ping()


def test_sentinels_and_master_are_each_told_their_own_password(tmp_path):
    with Redis(tmp_path / "master") as master:
        sentinel = Sentinel(tmp_path / "sentinel")
        sentinel.watch(master.port)
        with sentinel, sentinel.client() as watching, master.client() as watched:
            watching.sentinel_set(MASTER, "auth-pass", "of the master")
            for server, password in ((watched, "of the master"), (watching, "of sentinels")):
                server.acl_setuser("default", enabled=True, reset_passwords=True, passwords=[f"+{password}"])
            place = f"redis+sentinel://:of%20the%20master@127.0.0.1:{sentinel.port}/{MASTER}"
            with redis_client(f"{place}?sentinels=:of%20sentinels") as client:
                assert client.ping()
            with redis_client(place) as client, pytest.raises(OUTAGES):
                client.ping()


def test_a_cluster_of_which_no_node_answers_is_an_outage():
    with pytest.raises(OUTAGES):
        redis_client(f"redis+cluster://127.0.0.1:{free_port()},127.0.0.1:{free_port()}")


def test_a_redis_that_is_busy_with_a_script_is_an_outage(tmp_path):
    with Redis(tmp_path, "--busy-reply-threshold", "1") as server, redis_client(server.url) as client:

        def work():
            with pytest.raises(redis.ResponseError):
                client.eval("while 1 do end", 0)

        endless = threading.Thread(target=work)
        endless.start()

        def refused():
            try:
                return not client.get("a") and None
            except Unwilling as error:
                assert isinstance(error, OUTAGES)
                return True

        wait_until(refused, "Redis to be busy")
        client.script_kill()
        endless.join()
        assert client.get("a") is None


def test_a_master_that_becomes_a_replica_under_whoever_waits_there_is_an_outage(tmp_path):
    """UNBLOCKED is not READONLY: it is told to those who were waiting for a job when the failover came."""
    heard = []
    with Redis(tmp_path) as server, redis_client(server.url) as waiting, server.client() as client:

        def wait():
            try:
                waiting.brpop("nothing", 60)
            except OUTAGES as error:
                heard.append(error)

        waiter = threading.Thread(target=wait)
        waiter.start()
        wait_until(lambda: client.info("clients")["blocked_clients"] == 1, "it to wait")
        client.replicaof("127.0.0.1", free_port())
        waiter.join()
    assert [type(error) for error in heard] == [Unwilling]
