"""Redis on many machines: a cluster of three masters, and a master with a replica that Sentinels watch.

All on loopback, on free ports, in temporary folders, gone when the tests are.
"""

import signal
from pathlib import Path
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode
from redis.retry import Retry

from tests.servers import Redis, free_port, program, wait_until

__all__ = ["MASTER", "Cluster", "Watched", "blocked_clients", "client_of"]

SLOTS = 16384
MASTER = "dada"


def never() -> Retry:
    """Return what makes a client send each command once."""
    return Retry(NoBackoff(), 0)


def client_of(port: int, **options: Any) -> Any:
    """Return a client without retries for whatever listens at *port*: one Redis, a node of a cluster, a Sentinel."""
    given = {"socket_timeout": 5, **options}
    with redis.Redis(port=port, retry=never(), socket_timeout=5) as asked:
        told = asked.info("server")
    mode = told.get("redis_mode") or told["server_mode"]  # Valkey's word
    if mode == "cluster":
        return redis.RedisCluster(startup_nodes=[ClusterNode("127.0.0.1", port)], retry=never(), **given)
    if mode == "sentinel":
        sentinels = redis.sentinel.Sentinel([("127.0.0.1", port)], socket_timeout=5)
        return sentinels.master_for(MASTER, retry=never(), **given)
    return redis.Redis(port=port, retry=never(), **given)


class Cluster:
    """A Redis Cluster of three masters, each with a third of the slots."""

    def __init__(self, folder: Path) -> None:
        self._buses = [free_port() for _ in range(3)]
        self.nodes = [
            Redis(folder / str(number), "--cluster-enabled", "yes", "--cluster-port", str(bus),
                  "--cluster-node-timeout", "2000")
            for number, bus in enumerate(self._buses)
        ]  # fmt: skip

    @property
    def port(self) -> int:
        """The port of one node: it knows the others."""
        return self.nodes[0].port

    def __enter__(self) -> "Cluster":
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _start(self) -> None:
        for number, node in enumerate(self.nodes):
            node.start()
            with node.client() as client:
                client.execute_command("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
                first, last = SLOTS * number // 3, SLOTS * (number + 1) // 3 - 1
                client.execute_command("CLUSTER", "ADDSLOTSRANGE", first, last)
        with self.nodes[0].client() as client:
            for node, bus in zip(self.nodes[1:], self._buses[1:], strict=True):
                client.execute_command("CLUSTER", "MEET", "127.0.0.1", node.port, bus)
        wait_until(lambda: all(self._sees_all(node) for node in self.nodes), "three masters to know each other")

    @staticmethod
    def _sees_all(node: Redis) -> bool:
        with node.client() as client:
            told = client.execute_command("CLUSTER", "INFO").split()
        return b"cluster_state:ok" in told and b"cluster_known_nodes:3" in told

    def __exit__(self, *_: object) -> None:
        for node in self.nodes:
            node.kill()


class Sentinel(Redis):
    """A Redis that watches others."""

    def command(self) -> list[str]:
        return [program("redis-sentinel"), str(self.folder / "sentinel.conf")]

    def watch(self, master: int) -> None:
        """Write the settings: two of three Sentinels decide; a busy machine is silent for a second now and then."""
        (self.folder / "sentinel.conf").write_text(
            f"port {self.port}\nbind 127.0.0.1\ndir {self.folder}\n"
            f"sentinel monitor {MASTER} 127.0.0.1 {master} 2\n"
            f"sentinel down-after-milliseconds {MASTER} 4000\n"
            f"sentinel failover-timeout {MASTER} 5000\n"
        )


class Watched:
    """A master and a replica, and three Sentinels that put the one in the other's place."""

    def __init__(self, folder: Path) -> None:
        self.servers = [Redis(folder / name, "--repl-diskless-sync-delay", "0") for name in ("one", "two")]
        self.sentinels = [Sentinel(folder / f"sentinel-{number}") for number in range(3)]

    @property
    def port(self) -> int:
        """The port of a Sentinel: it knows who the master is."""
        return self.sentinels[0].port

    @property
    def master(self) -> Redis:
        """Who the Sentinels say is the master."""
        with self.sentinels[0].client() as client:
            _, port = client.sentinel_get_master_addr_by_name(MASTER)
        return next(server for server in self.servers if server.port == port)

    @property
    def master_port(self) -> int:
        """The port of the master."""
        return self.master.port

    def __enter__(self) -> "Watched":
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _start(self) -> None:
        one, two = self.servers
        one.start()
        two.start()
        with two.client() as client:
            client.replicaof("127.0.0.1", one.port)
        for sentinel in self.sentinels:
            sentinel.watch(one.port)
            sentinel.start()
        self.settled()

    def settled(self) -> None:
        """Wait until every Sentinel agrees on a master that has its replica, and knows the other Sentinels."""
        wait_until(self._is_settled, "the Sentinels to agree")

    def _is_settled(self) -> bool:
        seen = []
        for sentinel in self.sentinels:
            with sentinel.client() as client:
                told = client.sentinel_master(MASTER)
            seen.append((told["port"], told["num-slaves"], told["num-other-sentinels"], told["flags"]))
        if len(set(map(str, seen))) > 1 or seen[0][1:3] != (1, 2):
            return False
        with self.master.client() as client:
            replication = client.info("replication")
        return (
            replication["role"] == "master"
            and replication["connected_slaves"] == 1
            and replication["slave0"]["state"] == "online"
        )

    def fail(self) -> None:
        """Kill the master, wait until the replica has its place, and let the old master come back as a replica."""
        old = self.master
        old.kill()
        wait_until(lambda: self.master is not old, "the Sentinels to choose another master")
        wait_until(lambda: self._role(self.master) == "master", "the chosen one to know it")
        old.start()
        with old.client() as client:  # as a Sentinel would tell it, in ten seconds
            client.replicaof("127.0.0.1", self.master.port)
        self.settled()

    @staticmethod
    def _role(server: Redis) -> str:
        with server.client() as client:
            return str(client.info("replication")["role"])

    def __exit__(self, *_: object) -> None:
        for server in [*self.sentinels, *self.servers]:
            if server.process and server.process.poll() is None:
                server.stop(signal.SIGKILL)


def blocked_clients(port: int) -> int:
    """Return how many clients wait for a list at *port*, on all nodes together."""
    client = client_of(port)
    nodes = client.get_primaries() if isinstance(client, redis.RedisCluster) else [None]
    with client:
        told = [client.info("clients", target_nodes=node) if node else client.info("clients") for node in nodes]
    return sum(each["blocked_clients"] for each in told)
