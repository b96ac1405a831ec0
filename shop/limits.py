"""Limits: how often something may be tried, counted in Redis, by one script.

Three kinds, since they answer three questions:

    a quota     so many in a window, for an address, a network, an account or a route: "q per w"
    a cap       so many open at a time, for an address or a network
    a lock      a secret that may be guessed: after five failures a pause, which doubles with every further one

Names of accounts are counted by an HMAC, so that unknown ones count like known ones and Redis holds no list of them.  A
try is counted before it is made, so that a hundred at the same moment are not all the first; what turns out right is
given back, and does not wipe what was wrong before.

Without Redis nothing is let through: whoever limits the guessing of passwords must not open when the counter is down.

A route is counted for all who call it together: what comes from a thousand addresses at once is nobody's quota else.

Addresses and routes are not counted in the sandbox (unless ADDRESS_LIMITS is on): a class of thirty sits behind one
address, and tries what a thousand do.

This file knows counters; what is counted is in QUOTAS, CAPS, LOCKS and the edge.
"""

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from dada.errors import Rejected
from shop import events
from shop.keyring import lasting_key
from shop.services import Services

__all__ = [
    "CAPS", "LOCKS", "NOWHERE", "QUOTAS", "Lock", "Place", "Quota", "Standing", "TooMany", "begin", "close", "end_well",
    "give_back", "open_one", "take", "unlock",
]  # fmt: skip


class Quota(NamedTuple):
    """So many in a window of seconds; *of* is what is counted: an "address", a "network", an "account", a "route"."""

    name: str
    of: str
    quota: int
    window: int


class Lock(NamedTuple):
    """Failures that are free within a window (seconds), then a pause that doubles from *first* to *longest* seconds."""

    name: str
    free: int
    window: int
    first: int
    longest: int


class Place(NamedTuple):
    """Where a request comes from, an address (of IPv6 its /64) and its network; and where it goes, the route's path."""

    address: str = ""
    network: str = ""
    route: str = ""


NOWHERE: Final = Place()


class Standing(NamedTuple):
    """Where somebody stands with the quota that is nearest: what is left, and in how many seconds it is full again."""

    name: str
    quota: int
    window: int
    left: int
    seconds: int


class TooMany(Rejected):
    """A quota is used up, or a lock is on (RFC 6585 §4); *standing* says which, and for how long."""

    def __init__(self, standing: Standing) -> None:
        super().__init__("quota-exceeded", "RFC 6585 §4", f"{standing.name}: again in {standing.seconds} s")
        self.standing = standing


# A route's quota is what two cores bear beside everything else, and its window is short: it opens again soon.
QUOTAS: Final = {
    "login": (
        Quota("login-address", "address", 20, 60),
        Quota("login-network", "network", 100, 60),
        Quota("login-route", "route", 1200, 60),
    ),
    "names": (  # who is told that a name is taken could list all names
        Quota("names", "address", 10, 3600),
        Quota("names-network", "network", 100, 3600),
        Quota("names-route", "route", 300, 60),
    ),
    "register": (
        Quota("register", "address", 5, 3600),
        Quota("register-network", "network", 50, 3600),
        Quota("register-route", "route", 300, 60),
    ),
    "resend": (Quota("resend", "account", 1, 60), Quota("resend-day", "account", 5, 86_400)),
    "reset": (Quota("reset", "account", 1, 60),),
    "letters": (  # resend and reset together
        Quota("letters", "address", 20, 3600),
        Quota("letters-network", "network", 100, 3600),
        Quota("letters-route", "route", 600, 60),
    ),
    "receiver": (Quota("receiver", "account", 10, 86_400),),  # letters of a kind to one address: the worker's, silently
    "denied": (Quota("denied", "account", 20, 60),),  # things of others that one asked for
    "tokens": (  # of letters, tried
        Quota("tokens", "address", 20, 60),
        Quota("tokens-network", "network", 200, 60),
        Quota("tokens-route", "route", 3000, 60),
    ),
    "refresh": (  # for a session's family
        Quota("refresh", "account", 30, 60),
        Quota("refresh-route", "route", 6000, 60),
    ),
    "oauth": (
        Quota("oauth", "address", 20, 60),
        Quota("oauth-network", "network", 200, 60),
        Quota("oauth-route", "route", 1200, 60),
    ),
    "oauth-return": (
        Quota("oauth-return", "address", 20, 60),
        Quota("oauth-return-network", "network", 200, 60),
        Quota("oauth-return-route", "route", 1200, 60),
    ),
}
# Flows that began and did not come back: whoever left them open would fill Redis with what they remember.  A window is
# the seconds after which one is over by itself.
CAPS: Final = {
    "oauth-open": (
        Quota("oauth-open", "address", 20, 600),
        Quota("oauth-open-network", "network", 200, 600),
        # Where addresses are not counted: twenty for each of a class of thirty.
        Quota("oauth-open-all", "all", 600, 600),
    ),
}
LOCKS: Final = {
    "login": Lock("login", 5, 300, 30, 900),  # by the name or the address that was typed
    "password": Lock("password", 5, 300, 30, 900),  # the present one, asked for while one is logged in
}

# KEYS: a counter each.  ARGV: a quota and a window in milliseconds for each.  All are counted, or none.
# Returns which is nearest to its end (from 1), what is left of it (-1: it was used up), and its milliseconds.
_TAKE: Final = """
local near, left, ms
for i = 1, #KEYS do
  local quota, window = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  local used = tonumber(redis.call('GET', KEYS[i]) or 0)
  local rest = redis.call('PTTL', KEYS[i])
  if rest < 0 then rest = window end
  if used >= quota then return {i, -1, rest} end
  if not left or quota - used - 1 < left then near, left, ms = i, quota - used - 1, rest end
end
for i = 1, #KEYS do
  if redis.call('INCR', KEYS[i]) == 1 then redis.call('PEXPIRE', KEYS[i], ARGV[2 * i]) end
end
return {near, left, ms}
"""

# KEYS: a sorted set each, of what is open by the moment it is over.  ARGV: its name, then a cap and a life in
# milliseconds for each.  It is opened in all sets, or in none: then which is full (from 1), and the milliseconds until
# the oldest of it is over.
_OPEN: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for i = 1, #KEYS do
  redis.call('ZREMRANGEBYSCORE', KEYS[i], '-inf', now)
  if redis.call('ZCARD', KEYS[i]) >= tonumber(ARGV[2 * i]) then
    return {i, redis.call('ZRANGE', KEYS[i], 0, 0, 'WITHSCORES')[2] - now}
  end
end
for i = 1, #KEYS do
  redis.call('ZADD', KEYS[i], string.format('%.0f', now + ARGV[2 * i + 1]), ARGV[1])
  redis.call('PEXPIRE', KEYS[i], ARGV[2 * i + 1])
end
return {0, 0}
"""

# KEYS: a counter each.
_GIVE_BACK: Final = """
for i = 1, #KEYS do
  if redis.call('EXISTS', KEYS[i]) == 1 then redis.call('DECR', KEYS[i]) end
end
return 1
"""

# KEYS: the failures' hash.  ARGV: free, window, first, longest (ms).
# Returns 0 and the milliseconds of the pause, or 1 and what is left of the free ones.
_BEGIN: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local ends = tonumber(redis.call('HGET', KEYS[1], 'ends') or 0)
if now < ends then return {0, ends - now} end
local free, window = tonumber(ARGV[1]), tonumber(ARGV[2])
local failures = redis.call('HINCRBY', KEYS[1], 'failures', 1)
if failures == 1 then redis.call('PEXPIRE', KEYS[1], window) end
if failures < free then return {1, free - failures} end
local pause = math.min(tonumber(ARGV[3]) * 2 ^ (failures - free), tonumber(ARGV[4]))
redis.call('HSET', KEYS[1], 'ends', string.format('%.0f', now + pause))
redis.call('PEXPIRE', KEYS[1], string.format('%.0f', pause + tonumber(ARGV[4])))
return {1, 0}
"""

# KEYS: the failures' hash.  ARGV: 1 if the try began a pause.  What was counted in advance was no failure.
_END_WELL: Final = """
if redis.call('EXISTS', KEYS[1]) == 1 then
  redis.call('HINCRBY', KEYS[1], 'failures', -1)
  if ARGV[1] == '1' then redis.call('HDEL', KEYS[1], 'ends') end
end
return 1
"""


def take(services: Services, what: str, place: Place, account: str = "") -> Standing | None:
    """Count one *what* for everybody whom QUOTAS names, and return the nearest standing; None where nothing is counted.

    account  whose it is, in any spelling that is the same for the same account

    Raise :exc:`TooMany`, and count nothing, if one of the quotas is used up.
    """
    quotas, keys = _counted(services, QUOTAS[what], place, account)
    if not quotas:
        return None
    numbers = [number for quota in quotas for number in (quota.quota, quota.window * 1000)]
    which, left, ms = _run(services, _TAKE, keys, numbers)
    near = quotas[which - 1]
    standing = Standing(near.name, near.quota, near.window, max(0, left), -(-ms // 1000))
    if left >= 0:
        return standing
    raise _too_many(services, keys[which - 1], standing)


def _too_many(services: Services, key: str, standing: Standing) -> TooMany:
    """Return the refusal, after the events said so: once, or a flood is two."""
    if services.cache.set(f"{key}:told", "", standing.seconds, if_new=True):
        events.note(services, "limit", None, standing.name)
    return TooMany(standing)


def give_back(services: Services, what: str, place: Place, account: str = "") -> None:
    """Count one *what* less: it was taken in advance, and came to nothing."""
    _, keys = _counted(services, QUOTAS[what], place, account)
    if keys:
        _run(services, _GIVE_BACK, keys, ())


def open_one(services: Services, what: str, name: str, place: Place) -> None:
    """Count *name* as open, until `close` or the end of its time.  Raise :exc:`TooMany` where too many are."""
    caps, keys = _counted(services, CAPS[what], place)
    if not keys:
        return
    numbers = [number for cap in caps for number in (cap.quota, cap.window * 1000)]
    full, ms = _run(services, _OPEN, keys, [name, *numbers])
    if full:
        cap = caps[full - 1]
        raise _too_many(services, keys[full - 1], Standing(cap.name, cap.quota, cap.window, 0, -(-ms // 1000)))


def close(services: Services, what: str, name: str, place: Place) -> None:
    """Count *name* as open no more."""
    for key in _counted(services, CAPS[what], place)[1]:
        services.redis.zrem(key, name)


def _counted(
    services: Services, quotas: Iterable[Quota], place: Place, account: str = ""
) -> tuple[list[Quota], list[str]]:
    """Return the quotas that count here, and their counters."""
    whose = {**place._asdict(), "account": _hidden(services, account), "all": ""}
    on = services.settings.address_limits
    counting = [quota for quota in quotas if quota.of == "account" or (whose[quota.of] if on else quota.of == "all")]
    return counting, [f"{{limits}}:{quota.name}:{whose[quota.of]}" for quota in counting]


def begin(services: Services, what: str, account: str) -> Standing:
    """Count a try to guess the secret of *account*, before it is made.  Raise :exc:`TooMany` while the lock is on."""
    lock = LOCKS[what]
    numbers = (lock.free, lock.window * 1000, lock.first * 1000, lock.longest * 1000)
    open_, number = _run(services, _BEGIN, [_lock_key(services, lock, account)], numbers)
    if not open_:
        raise TooMany(Standing(lock.name, lock.free, lock.window, 0, -(-number // 1000)))
    return Standing(lock.name, lock.free, lock.window, number, lock.window)


def end_well(services: Services, what: str, account: str, begun: Standing) -> None:
    """Give back the try that *begun* stands for: it was no failure.  The pause goes only if this try began it."""
    _run(services, _END_WELL, [_lock_key(services, LOCKS[what], account)], (0 if begun.left else 1,))


def unlock(services: Services, what: str, account: str) -> None:
    """Forget the failures: somebody proved in another way who he is."""
    services.cache.forget(_lock_key(services, LOCKS[what], account))


def _lock_key(services: Services, lock: Lock, account: str) -> str:
    return f"{{limits}}:{lock.name}:{_hidden(services, account)}"


def _hidden(services: Services, account: str) -> str:
    return lasting_key(services.settings.lasting_secret, "limits").mac(account.encode("utf-8", "replace")).hex()[:32]


def _run(services: Services, script: str, keys: list[str], told: Iterable[int | str]) -> Any:
    return services.redis.eval(script, len(keys), *keys, *told)
