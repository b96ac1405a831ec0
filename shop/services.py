"""Services: everything impure, made once for a process and handed down.  The only door to Redis.

    db       shop/database.py    rows
    redis    a raw connection    lists, sets, scripts, streams: all of Redis
    cache    string keys with a time to live, on the same connection
    queue    dada/queue.py       jobs: letters; others by `queue_named`
    keys     shop/keyring.py     what tokens are signed with
    hasher   shop/passwords.py   argon2id, bounded
    http     shop/http.py        calls to other services
    post     shop/post.py        letters, by SMTP
    providers shop/providers.py  whose accounts one may log in with, by name
    clock    seconds since 1970

This file knows how the parts are made; it does not know what they are used for.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import redis
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode
from redis.retry import Retry
from redis.sentinel import Sentinel

from dada.queue import Queue
from shop import database, redis_url
from shop.database import Database
from shop.http import HTTP
from shop.keyring import Keyring
from shop.passwords import Hasher
from shop.post import Post
from shop.providers import Provider
from shop.settings import Settings
from shop.weibo import Weibo

__all__ = ["HOUSE", "MAIL", "OUTAGES", "Cache", "Services", "connect", "providers_of", "redis_client"]

MAIL = "mail"  # the queue of letters
HOUSE = "house"  # the queue of what nobody waits for


class Unwilling(redis.exceptions.ResponseError):
    """Redis answers and does nothing until somebody helps it: it cannot save, its replicas are gone, it became one."""


# redis-py has no class for these words, with which a Redis begins its answer; it looks each up in this table.
redis.connection.DefaultParser.EXCEPTION_CLASSES.update(
    dict.fromkeys(("MISCONF", "NOREPLICAS", "BUSY", "UNBLOCKED"), Unwilling)
)

OUTAGES: tuple[type[Exception], ...] = (
    *database.OUTAGES,
    redis.exceptions.ConnectionError,  # LOADING is one of these
    redis.exceptions.TimeoutError,
    redis.exceptions.OutOfMemoryError,
    redis.exceptions.ReadOnlyError,
    redis.exceptions.ClusterDownError,  # MASTERDOWN, too
    redis.exceptions.TryAgainError,
    redis.exceptions.RedisClusterException,  # no node of a cluster answers
    Unwilling,
)


_REPLACE_IF = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end
"""

_FORGET_UNLESS = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return redis.call('DEL', KEYS[1]) end
"""


class Cache:
    """String keys that go away by themselves."""

    def __init__(self, connection: "redis.Redis") -> None:
        self._redis = connection

    def get(self, key: str) -> str | None:
        """Return what is kept under *key*, or None."""
        value: Any = self._redis.get(key)
        return None if value is None else str(value.decode())

    def get_all(self, *keys: str) -> list[str | None]:
        """Return what is kept under each of *keys*, in one round trip; in a cluster they share a hash tag."""
        values: Any = self._redis.mget(keys)
        return [None if value is None else str(value.decode()) for value in values]

    def set(self, key: str, value: str, seconds: float, *, if_new: bool = False) -> bool:
        """Keep *value* for *seconds*; with *if_new* only where nothing is kept yet.  Return whether it was kept."""
        return bool(self._redis.set(key, value, px=max(1, round(seconds * 1000)), nx=if_new))

    def take(self, key: str) -> str | None:
        """Return what is kept under *key* and forget it, in one step; None if there is nothing."""
        value: Any = self._redis.getdel(key)
        return None if value is None else str(value.decode())

    def replace_if(self, key: str, value: str, new: str, seconds: int) -> None:
        """Keep *new* for *seconds*, if *value* is still kept under *key*: somebody else may have written since."""
        self._redis.eval(_REPLACE_IF, 1, key, value, new, seconds * 1000)

    def forget_unless(self, key: str, value: str) -> None:
        """Forget what is kept under *key*, unless it is *value*."""
        self._redis.eval(_FORGET_UNLESS, 1, key, value)

    def forget(self, *keys: str) -> None:
        """Forget what is kept under *keys*."""
        if keys:
            self._redis.delete(*keys)


@dataclass(frozen=True)
class Services:
    """What a process works with; see the head of this file."""

    settings: Settings
    db: Database
    redis: "redis.Redis"
    cache: Cache
    queue: Queue
    keys: Keyring
    hasher: Hasher
    http: HTTP
    post: Post
    providers: Mapping[str, Provider]
    clock: Callable[[], float] = time.time
    queues: dict[str, Queue] = field(default_factory=dict, repr=False)

    def queue_named(self, name: str) -> Queue:
        """Return the queue of this name, the same one each time."""
        return self.queue if name == self.queue.name else self.queues.setdefault(name, Queue(self.redis, name))

    @property
    def now_ms(self) -> int:
        """The milliseconds since 1970, as the tables keep them."""
        return int(self.clock() * 1000)

    def parts(self) -> dict[str, bool]:
        """Return, for each part that a request needs, whether it answers."""
        return {"database": _answers(self.db.ping), "redis": _answers(self._redis_writes)}

    def _redis_writes(self) -> None:
        """A Redis that is full, or became a replica, answers and is of no use."""
        self.redis.set("ready", "", ex=60)

    def close(self) -> None:
        """Give all connections back."""
        self.db.close()
        self.redis.close()
        self.http.close()


def _answers(ping: Callable[[], object]) -> bool:
    try:
        ping()
    except OUTAGES:
        return False
    except redis.exceptions.RedisError:  # it answers, and does not do it
        return False
    return True


def connect(settings: Settings, clock: Callable[[], float] = time.time, *, patience: int = 20) -> Services:
    """Return the services that *settings* describe.  Raise :exc:`Misuse`; connections are made when they are used.

    patience  how many seconds to wait for an answer of the database
    """
    client = redis_client(settings.redis_url)
    return Services(
        settings=settings,
        db=Database(settings.database_url, patience=patience),
        redis=client,
        cache=Cache(client),
        queue=Queue(client, MAIL),
        keys=Keyring(settings.keys_file, clock),
        hasher=Hasher(at_once=settings.hashes_at_once),
        http=HTTP(),
        post=Post(settings.smtp_url, settings.mail_from),
        providers=providers_of(settings),
        clock=clock,
    )


def providers_of(settings: Settings) -> dict[str, Provider]:
    """Return the providers that the settings name."""
    weibo = Weibo.at(settings.weibo_url, settings.weibo_client_id, settings.weibo_client_secret, settings.page_origin)
    providers: tuple[Provider, ...] = (weibo, *settings.providers)
    return {provider.client.name: provider for provider in providers}


def redis_client(url: str) -> "redis.Redis":
    """Return a client for *url* that never sends a command twice: a silent retry doubles a push and loses a pop.

    Raise :exc:`ValueError` for what is no such URL (`shop/redis_url.py`).  A cluster is asked for its nodes here; all
    others connect when they are used.
    """
    place = redis_url.read(url)
    patience = {"socket_timeout": 5, "socket_connect_timeout": 2}
    options: dict[str, Any] = patience | place.options | {"health_check_interval": 30, "retry": Retry(NoBackoff(), 0)}
    if place.kind == "one":
        if not url.startswith("unix"):  # such a socket has no peer that could vanish
            options["socket_keepalive"] = True
        client = redis.Redis.from_url(url, **options)
        try:  # what stands behind the "?" is judged when a connection is made, which is not to be in a request
            client.connection_pool.connection_class(**client.connection_pool.connection_kwargs)
        except TypeError:
            raise ValueError("it has an option that no connection has") from None
        return client
    options["socket_keepalive"] = True
    if place.kind == "cluster":
        nodes = [ClusterNode(*node) for node in place.nodes]  # type: ignore[no-untyped-call]
        return cast("redis.Redis", redis.RedisCluster(startup_nodes=nodes, **options))  # with all of it that we use
    asking = {name: value for name, value in options.items() if name not in place.options} | place.asking
    sentinel = Sentinel(place.nodes, sentinel_kwargs=asking, **options)  # type: ignore[no-untyped-call]
    return cast("redis.Redis", sentinel.master_for(place.master, db=place.db))  # type: ignore[no-untyped-call]
