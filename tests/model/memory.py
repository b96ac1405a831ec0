"""A Redis in this process, as small as the queue's scripts need: its whole state is a value, to be kept and put back.

The scripts are the real ones, run by a real Lua 5.1, the language version of Redis.  What is modelled is the commands
they call; `test_memory.py` holds them to a real Redis, command by command and reply by reply.

Texts are kept as Latin-1: a character is a byte, as in Redis.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from lupa import lua51

__all__ = ["Frozen", "Memory"]

Store = dict[str, Any]  # a LIST is a list, a HASH a dict of texts, a ZSET a _Sorted, a SET a set, a STRING a str
Frozen = tuple[tuple[str, Any], ...]


class _Sorted(dict[str, float]):
    """A ZSET: members with their scores."""

    def in_order(self) -> list[str]:
        return sorted(self, key=lambda member: (self[member], member))


class NoScriptError(Exception):
    """This Redis has not seen that script."""


class Memory:
    """What a client without a pool sees, as a cluster's: commands, scripts, the walk through keys."""

    def __init__(self, now: int = 10**12) -> None:
        self.now = now  # milliseconds
        self.store: Store = {}
        self._scripts: dict[str, Any] = {}  # compiled, by text
        self._digests: dict[str, str] = {}
        self._lua = lua51.LuaRuntime(encoding="latin-1", register_eval=False, unpack_returned_tuples=False)
        setup = self._lua.eval(
            "function(call, decode)"
            "  redis = {call = call, pcall = call}"
            "  cjson = {decode = decode}"
            "  return function(text)"
            "    return assert(loadstring('return function(KEYS, ARGV) ' .. text .. '\\nend'))()"
            "  end"
            " end"
        )
        self._compile = setup(self._call, self._decode)

    # --- the state as a value ---

    def freeze(self) -> Frozen:
        """Return the state, to be compared, hashed, and put back."""
        return tuple(sorted((key, _frozen(value)) for key, value in self.store.items()))

    def thaw(self, frozen: Frozen) -> None:
        """Put a state back."""
        self.store = {key: _thawed(value) for key, value in frozen}

    # --- what a client calls ---

    def execute_command(self, name: str, *args: Any) -> Any:
        """Run what a client sends; a script by the digest of its text, once it was sent in full."""
        if name == "EVALSHA" and args[0] not in self._digests:
            raise NoScriptError
        if name in ("EVALSHA", "EVAL"):
            text = self._digests[args[0]] if name == "EVALSHA" else self.load(args[0])
            count = int(args[1])
            return self.run(text, list(args[2 : 2 + count]), args[2 + count :])
        reply = self.command(name, *args)
        if name == "TIME":
            return tuple(map(int, reply))
        return dict(zip(reply[::2], reply[1::2], strict=True)) if name == "HGETALL" else reply

    def load(self, text: str) -> str:
        """Remember a script by its digest, and return it."""
        self._digests[hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()] = text
        return text

    def run(self, text: str, keys: list[str], args: Any) -> Any:
        """Run a script, and return its reply as a client gets it."""
        if text not in self._scripts:
            self._scripts[text] = self._compile(text)
        given = (self._lua.table_from([_sent(part) for part in parts]) for parts in (keys, args))
        return _reply(self._scripts[text](*given))

    def command(self, name: str, *args: Any) -> Any:
        """Run a command, and return its reply as a client gets it."""
        return _bytes(self._commands(name, [_sent(arg) for arg in args]))

    def scan_iter(self, match: str, count: int | None = None) -> Iterator[bytes]:
        """Give the keys that fit."""
        pattern = re.sub(r"\\\\(.)|\\\*", lambda found: found[1] or ".*", re.escape(match))
        return iter([key.encode("latin-1") for key in sorted(self.store) if re.fullmatch(pattern, key)])

    # --- what scripts call ---

    def _call(self, name: str, *args: Any) -> Any:
        return self._to_lua(self._commands(name, [_said(arg) for arg in args]))

    def _to_lua(self, value: Any) -> Any:
        if value is None:
            return False
        if isinstance(value, list):
            return self._lua.table_from([self._to_lua(part) for part in value])
        return self._lua.table_from({"ok": "OK"}) if value is True else value

    def _decode(self, text: str) -> Any:
        return self._decoded(json.loads(text.encode("latin-1")))

    def _decoded(self, value: Any) -> Any:
        if isinstance(value, str):
            return value.encode().decode("latin-1")
        if isinstance(value, dict):
            return self._lua.table_from({self._decoded(name): self._decoded(part) for name, part in value.items()})
        return self._lua.table_from([self._decoded(part) for part in value]) if isinstance(value, list) else value

    def _commands(self, name: str, args: list[str]) -> Any:
        command = getattr(self, f"_do_{name.lower()}", None)
        if command is None:
            raise NotImplementedError(f"{name}: teach it to {__name__}, and test_memory.py")
        reply = command(*args)
        if args and not self.store.get(args[0], True) and self.store[args[0]] != "":
            del self.store[args[0]]  # what is empty is not there
        return reply

    def _get(self, key: str, kind: Callable[[], Any]) -> Any:
        if key not in self.store:
            self.store[key] = kind()
        return self.store[key]

    # keys and texts

    def _do_time(self) -> list[str]:
        return [str(self.now // 1000), str(self.now % 1000 * 1000)]

    def _do_exists(self, *keys: str) -> int:
        return sum(key in self.store for key in keys)

    def _do_persist(self, key: str) -> int:
        return 0  # nothing here goes away by itself

    def _do_del(self, *keys: str) -> int:
        return sum(self.store.pop(key, None) is not None for key in keys)

    def _do_get(self, key: str) -> str | None:
        return self.store.get(key)

    def _do_set(self, key: str, value: str, *options: str) -> bool | None:
        assert set(options) <= {"NX"}, options
        if "NX" in options and key in self.store:
            return None
        self.store[key] = value
        return True

    # lists, the left end first

    def _do_lpush(self, key: str, *values: str) -> int:
        values_before = self._get(key, list)
        values_before[:0] = reversed(values)
        return len(values_before)

    def _do_rpush(self, key: str, *values: str) -> int:
        self._get(key, list).extend(values)
        return len(self.store[key])

    def _do_lpop(self, key: str) -> str | None:
        values = self.store.get(key)
        return values.pop(0) if values else None

    def _do_rpop(self, key: str) -> str | None:
        values = self.store.get(key)
        return values.pop() if values else None

    def _do_brpop(self, *args: str) -> list[str] | None:
        for key in args[:-1]:  # nobody waits here
            if self.store.get(key):
                value = self.store[key].pop()
                if not self.store[key]:
                    del self.store[key]
                return [key, value]
        return None

    def _do_lpos(self, key: str, value: str) -> int | None:
        values = self.store.get(key, [])
        return values.index(value) if value in values else None

    def _do_lmove(self, source: str, target: str, where_from: str, where_to: str) -> str | None:
        if not self.store.get(source):
            return None
        value = self.store[source].pop(0 if where_from.upper() == "LEFT" else -1)
        values = self._get(target, list)
        values.insert(0 if where_to.upper() == "LEFT" else len(values), value)
        if not self.store[source]:
            del self.store[source]
        return value

    def _do_lrem(self, key: str, count: str, value: str) -> int:
        values, number, removed = self.store.get(key, []), int(count), 0
        places = [place for place, each in enumerate(values) if each == value]
        for place in sorted(places[::-1][:-number] if number < 0 else places[: number or None], reverse=True):
            del values[place]
            removed += 1
        return removed

    def _do_lrange(self, key: str, first: str, last: str) -> list[str]:
        return _range(self.store.get(key, []), int(first), int(last))

    def _do_lindex(self, key: str, place: str) -> str | None:
        values, number = self.store.get(key, []), int(place)
        return values[number] if -len(values) <= number < len(values) else None

    def _do_llen(self, key: str) -> int:
        return len(self.store.get(key, []))

    def _do_ltrim(self, key: str, first: str, last: str) -> bool:
        if key in self.store:
            self.store[key] = _range(self.store[key], int(first), int(last))
        return True

    # hashes

    def _do_hget(self, key: str, field: str) -> str | None:
        return self.store.get(key, {}).get(field)

    def _do_hset(self, key: str, *pairs: str) -> int:
        fields = self._get(key, dict)
        before = len(fields)
        fields.update(zip(pairs[::2], pairs[1::2], strict=True))
        return len(fields) - before

    def _do_hdel(self, key: str, *fields: str) -> int:
        return sum(self.store.get(key, {}).pop(field, None) is not None for field in fields)

    def _do_hexists(self, key: str, field: str) -> int:
        return int(field in self.store.get(key, {}))

    def _do_hincrby(self, key: str, field: str, by: str) -> int:
        fields = self._get(key, dict)
        fields[field] = str(int(fields.get(field, "0")) + int(float(by)))
        return int(fields[field])

    def _do_hlen(self, key: str) -> int:
        return len(self.store.get(key, {}))

    def _do_hmget(self, key: str, *fields: str) -> list[str | None]:
        return [self.store.get(key, {}).get(field) for field in fields]

    def _do_hgetall(self, key: str) -> list[str]:
        return [part for pair in self.store.get(key, {}).items() for part in pair]

    # sets

    def _do_sadd(self, key: str, *members: str) -> int:
        values = self._get(key, set)
        before = len(values)
        values.update(members)
        return len(values) - before

    def _do_srem(self, key: str, *members: str) -> int:
        values = self.store.get(key, set())
        before = len(values)
        values.difference_update(members)
        return before - len(values)

    def _do_sismember(self, key: str, member: str) -> int:
        return int(member in self.store.get(key, set()))

    def _do_scard(self, key: str) -> int:
        return len(self.store.get(key, set()))

    def _do_smembers(self, key: str) -> list[str]:
        return sorted(self.store.get(key, set()))

    # sorted sets

    def _do_zadd(self, key: str, *args: str) -> int:
        members = self._get(key, _Sorted)
        if_new = args[0] == "NX"
        pairs = args[1:] if if_new else args
        added = 0
        for score, member in zip(pairs[::2], pairs[1::2], strict=True):
            added += member not in members
            if not (if_new and member in members):
                members[member] = float(score)
        return added

    def _do_zrem(self, key: str, *removed: str) -> int:
        return sum(self.store.get(key, {}).pop(member, None) is not None for member in removed)

    def _do_zscore(self, key: str, member: str) -> str | None:
        score = self.store.get(key, {}).get(member)
        return None if score is None else f"{score:.17g}"

    def _do_zcard(self, key: str) -> int:
        return len(self.store.get(key, {}))

    def _do_zrange(self, key: str, first: str, last: str, *options: str) -> list[str]:
        assert set(options) <= {"REV", "WITHSCORES"}, options
        members = self.store.get(key, _Sorted())
        ordered = members.in_order()[:: -1 if "REV" in options else 1]
        found = _range(ordered, int(first), int(last))
        return (
            [part for each in found for part in (each, f"{members[each]:.17g}")] if "WITHSCORES" in options else found
        )

    def _do_zrangebyscore(self, key: str, low: str, high: str, *options: str) -> list[str]:
        assert options[:1] in ((), ("LIMIT",)), options
        members = self.store.get(key, _Sorted())
        found = [member for member in members.in_order() if float(low) <= members[member] <= float(high)]
        if options:
            start, count = int(options[1]), int(options[2])
            found = found[start:] if count < 0 else found[start : start + count]
        return found

    def _do_zcount(self, key: str, low: str, high: str) -> int:
        return len(self._do_zrangebyscore(key, low, high))


def _range(values: list[str], first: int, last: int) -> list[str]:
    size = len(values)
    start, end = (max(0, size + place) if place < 0 else place for place in (first, last))
    return values[start : end + 1] if last >= -size else []


def _sent(value: Any) -> str:
    """Return the bytes that a client sends for *value*, a character each."""
    if isinstance(value, bytes):
        return value.decode("latin-1")
    return value.encode().decode("latin-1") if isinstance(value, str) else _said(value)


def _said(value: Any) -> str:
    """Return what a script's *value* is to Redis."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise TypeError(f"{value!r} is no argument")
    if isinstance(value, str):
        return value
    return str(int(value)) if value == int(value) else f"{value:.17g}"


def _reply(value: Any) -> Any:
    """Return what a client gets for what a script returned."""
    if lua51.lua_type(value) == "table":
        if value["ok"]:
            return value["ok"].encode()
        parts: list[Any] = []
        while (part := value[len(parts) + 1]) is not None:
            parts.append(_reply(part))
        return parts
    return (
        {True: 1, False: None}[value]
        if isinstance(value, bool)
        else _bytes(int(value) if isinstance(value, float) else value)
    )


def _bytes(value: Any) -> Any:
    if isinstance(value, list):
        return [_bytes(part) for part in value]
    return value.encode("latin-1") if isinstance(value, str) else value


def _frozen(value: Any) -> Any:
    if isinstance(value, _Sorted):
        return ("z", tuple(sorted(value.items())))
    if isinstance(value, dict):
        return ("h", tuple(sorted(value.items())))
    if isinstance(value, set):
        return ("s", tuple(sorted(value)))
    return ("l", tuple(value)) if isinstance(value, list) else ("t", value)


_THAW: dict[str, Callable[[Any], Any]] = {"z": _Sorted, "h": dict, "s": set, "l": list, "t": str}


def _thawed(frozen: Any) -> Any:
    kind, value = frozen
    return _THAW[kind](value)
