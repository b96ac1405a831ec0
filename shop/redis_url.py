"""REDIS_URL: where Redis is, on one machine or on many.

    redis://host:port/db                                rediss:// with TLS, unix:///path for a socket
    redis+sentinel://host:port,host:port/name/db        whoever the Sentinels at these addresses call the master *name*
    redis+cluster://host:port,host:port                 the cluster that these nodes belong to; the others are found

Each may begin with user:password@, percent-encoded; with rediss+ instead of redis+ all of it goes through TLS.
Sentinels that want a password of their own are told it by ?sentinels=user:password at the end.

This file knows the text; it opens no connection.
"""

import re
from typing import Any, Final, NamedTuple
from urllib.parse import unquote, urlsplit

__all__ = ["Place", "read", "wrong"]

_MANY: Final = ("redis+sentinel", "rediss+sentinel", "redis+cluster", "rediss+cluster")
_ONE: Final = ("redis", "rediss", "unix")
_PORTS: Final = {"sentinel": 26379, "cluster": 6379}


class Place(NamedTuple):
    """Where Redis is.

    kind     "one", "sentinel" or "cluster"
    nodes    host and port of each Sentinel, or of nodes of the cluster; none for one
    master   the name by which Sentinels know the master
    db       its database; a cluster has but one
    options  user, password and TLS, as a client takes them
    asking   the same for the Sentinels
    """

    kind: str
    nodes: tuple[tuple[str, int], ...] = ()
    master: str = ""
    db: int = 0
    options: dict[str, Any] = {}  # noqa: RUF012 nobody writes into it
    asking: dict[str, Any] = {}  # noqa: RUF012


def wrong(url: str) -> str:
    """Return all that is wrong with *url*, in a sentence that quotes none of it; "" if it is right."""
    return "; ".join(_read(url)[1])


def read(url: str) -> Place:
    """Return the place that *url* names.  Raise :exc:`ValueError` with all that is wrong."""
    place, problems = _read(url)
    if problems:
        raise ValueError("; ".join(problems))
    return place


def _read(url: str) -> tuple[Place, list[str]]:
    try:
        parts = urlsplit(url)
    except ValueError:
        return Place("one"), ["this is no URL"]
    if parts.scheme in _MANY:
        return _many(*parts)
    if parts.scheme not in _ONE:
        return Place("one"), [f"this is no {', '.join((*_ONE, *_MANY))} URL"]
    try:
        parts.port  # noqa: B018 raises for a port that is no number
    except ValueError:
        return Place("one"), ["a port is no number up to 65535"]
    return Place("one"), [] if parts.hostname or parts.scheme == "unix" else ["the host is missing"]


def _many(scheme: str, netloc: str, path: str, query: str, fragment: str) -> tuple[Place, list[str]]:
    kind, problems = scheme.partition("+")[2], []
    credentials, _, hosts = netloc.rpartition("@")
    nodes = [_node(host, _PORTS[kind]) for host in hosts.split(",")]
    if not all(host for host, _ in nodes):
        problems.append("a host is missing")
    if not all(port for _, port in nodes):
        problems.append("a port is no number up to 65535")
    master, db = "", "0"
    if kind == "sentinel":
        master, _, db = path.removeprefix("/").partition("/")
        if not re.fullmatch(r"[A-Za-z0-9._-]+", master):
            problems.append("the master's name is missing, or none")
        if not re.fullmatch("[0-9]{1,4}", db or "0"):
            problems.append("the database is no number")
    elif path not in ("", "/", "/0"):
        problems.append("a cluster has one database, 0")
    named, _, theirs = query.partition("=")
    if fragment or (query and (kind, named) != ("sentinel", "sentinels")):
        problems.append("nothing but ?sentinels=user:password may follow, for Sentinels")
    if problems:
        return Place(kind), problems
    tls = scheme.startswith("rediss")
    asking = _options(theirs, tls) if kind == "sentinel" else {}
    return Place(kind, tuple(nodes), master, int(db or "0"), _options(credentials, tls), asking), []


def _options(credentials: str, tls: bool) -> dict[str, Any]:
    """Return what is given of "user:password" and TLS, as a client takes it."""
    user, _, password = credentials.partition(":")
    given = {"username": unquote(user), "password": unquote(password), "ssl": tls}
    return {name: value for name, value in given.items() if value}


def _node(text: str, usual: int) -> tuple[str, int]:
    """Return host and port of one node; "" and 0 for what is none."""
    try:
        parts = urlsplit(f"//{text}")
        host = parts.hostname or ""
    except ValueError:  # a bracket that does not close
        return "", usual
    try:
        return host, usual if parts.port is None else parts.port
    except ValueError:
        return host, 0
