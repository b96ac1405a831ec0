"""What the queue stands on: a Redis that keeps what it is given, and a client that sends everything once.

A Redis that may evict keys to make room would throw jobs away without a word; a client that retries in silence sends
a job twice.  Both are refused before the first job.  How much a power cut takes is for whoever runs Redis to decide;
here it is said in a sentence.

This file knows what Redis tells of itself; it does not know jobs.
"""

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from dada.errors import Misuse, Problem

__all__ = ["Server", "examine"]

_OLDEST: Final = (6, 2)  # LMOVE, LPOS, ZRANGE … REV


class Server(NamedTuple):
    """What one Redis tells of itself.

    version      "7.0.15"; that of the protocol that a Valkey speaks
    policy       what it does when its memory is full: "noeviction" is the one that loses nothing
    memory       bytes that it may use; 0: as much as there is
    persistence  what a power cut takes, in a sentence
    """

    version: str
    policy: str
    memory: int
    persistence: str

    @property
    def evicts(self) -> bool:
        """Whether it may throw keys away."""
        return self.memory > 0 and self.policy != "noeviction"


def examine(redis: Any) -> list[Server]:
    """Return what each Redis behind *redis* (one; a cluster's masters) tells of itself.

    Raise :exc:`Misuse` with every reason why no queue can be kept there; what the client raises passes through.
    """
    servers = [_server(info, redis) for info in _infos(redis)]
    problems = []
    for server in servers:
        if server.evicts:
            why = f"with {server.memory} bytes it would throw jobs away when it is full"
            problems.append(
                Problem("redis-evicts", "maxmemory-policy", server.policy, why, "maxmemory-policy noeviction")
            )
        if tuple(map(int, re.findall(r"\d+", server.version)[:2])) < _OLDEST:
            problems.append(Problem("redis-old", "version", server.version, "LMOVE is missing", "Redis 6.2 or newer"))
    if _retries(redis):
        why = "a client that sends again in silence puts jobs twice"
        problems.append(Problem("redis-retries", "retry", "", why, "retry=Retry(NoBackoff(), 0)"))
    if problems:
        raise Misuse(problems)
    return servers


def _infos(redis: Any) -> list[Mapping[str, Any]]:
    if not hasattr(redis, "get_primaries"):
        return [redis.info("everything")]
    told = redis.info("everything", target_nodes="primaries")
    return [told] if "redis_version" in told else list(told.values())


def _retries(redis: Any) -> bool:
    pool = getattr(redis, "connection_pool", None)
    retry = pool.connection_kwargs.get("retry") if pool is not None else getattr(redis, "retry", None)
    return getattr(retry, "_retries", 0) != 0


def _server(info: Mapping[str, Any], redis: Any) -> Server:
    return Server(
        version=str(info.get("redis_version", "0.0")),
        policy=str(info.get("maxmemory_policy", "unknown")),
        memory=int(info.get("maxmemory", 0)),
        persistence=_persistence(info, redis),
    )


def _persistence(info: Mapping[str, Any], redis: Any) -> str:
    if not info.get("aof_enabled"):
        saves = _setting(redis, "save")
        if saves == "":
            return "none: whatever Redis holds is gone when it stops"
        return "snapshots only: a power cut takes what came after the last one"
    fsync = {
        "always": "nothing that was acknowledged is lost",
        "everysec": "a power cut takes the last second",
        "no": "a power cut takes what the system had not written",
    }
    return f"append-only file: {fsync.get(_setting(redis, 'appendfsync') or '', 'a power cut takes little')}"


def _setting(redis: Any, name: str) -> str | None:
    """Return a setting of Redis; None where it may not be asked for."""
    try:
        told = redis.config_get(name)
    except Exception as error:
        if type(error).__name__ not in ("ResponseError", "NoPermissionError"):
            raise
        return None
    return str(told[name]) if isinstance(told, Mapping) and name in told else None
