"""Settings: read once from the environment, proved whole, then frozen.

    DADA_ENV              production (default) or sandbox: the sandbox alone may use secrets made for it
    DATABASE_URL          mysql+pymysql://… or sqlite:////…
    REDIS_URL             redis://, rediss://, unix://, redis+sentinel://, redis+cluster://: see shop/redis_url.py
    API_URL               this API as the page and the mails name it: http://127.0.0.1:8000
    PAGE_ORIGIN           the page's origin, the only one that may read answers: http://127.0.0.1:7000
    SECRETS_DIR           a folder, mode 0700, with three files, mode 0600: keys.json (what tokens are signed with),
                          lasting_secret (for what must be checked for years: the chain of events), weibo_client_secret;
                          and providers.json, 0600 too, if one may log in with others than Weibo (shop/providers.py)
    WEIBO_CLIENT_ID       our AppKey
    WEIBO_URL             the provider: https://api.weibo.com
    SMTP_URL              smtp://host:port, smtps://…, smtp+starttls://…, with user:password@ where needed
    MAIL_FROM             the sender of letters
    API_WORKERS           how many processes gunicorn starts for the API
    HASHES_AT_ONCE        how many passwords all of them together hash at a time, 46 MiB and a core each: a number that
                          leaves each process at least one, or auto (default): as many as there are cores
    WORKER_PROCESSES      how many processes one `python -m worker` starts; 1: it works itself
    WORKER_THREADS        how many jobs each of them runs at once
    WORKER_STOP_SECONDS   how long a job may go on after SIGTERM
    ADDRESS_LIMITS        whether requests are counted by address, and for a route in all: on, off, or auto (default):
                          on but in the sandbox
    ACCESS_LOG            whether each request is a line of the log: on, off, or auto (default): on but in the sandbox
    OAUTH_RETURN_BY_GET   whether a browser's return from a provider is taken by GET, its code in the query: on, off,
                          or auto (default): in the sandbox only
    METRICS_DIR           a folder, best in memory, where processes count for `dada metrics`; unset, nobody counts
    TRUSTED_PROXIES       networks whose X-Forwarded-For is believed: 10.0.0.0/8, 192.0.2.7

This file knows names, texts and what they must look like; it opens nothing but the secrets.
"""

import json
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from dada import base64url
from dada.errors import Misuse, Problem
from dada.origins import is_loopback, parse_origin
from shop import redis_url
from shop.providers import Described, read_descriptions

__all__ = ["Network", "Settings", "made_for_the_sandbox"]

Network = IPv4Network | IPv6Network

DEFAULTS: Final = {
    "DADA_ENV": "production",
    "API_URL": "http://127.0.0.1:8000",
    "PAGE_ORIGIN": "http://127.0.0.1:7000",
    "WEIBO_URL": "https://api.weibo.com",
    "MAIL_FROM": "达达商城 <no-reply@dada.example>",
    "API_WORKERS": "2",
    "HASHES_AT_ONCE": "auto",
    "WORKER_PROCESSES": "1",
    "WORKER_THREADS": "1",
    "WORKER_STOP_SECONDS": "25",
    "ADDRESS_LIMITS": "auto",
    "ACCESS_LOG": "auto",
    "OAUTH_RETURN_BY_GET": "auto",
    "METRICS_DIR": "",
    "TRUSTED_PROXIES": "",
}
_REQUIRED: Final = ("DATABASE_URL", "REDIS_URL", "SECRETS_DIR", "SMTP_URL", "WEIBO_CLIENT_ID")


@dataclass(frozen=True)
class Settings:
    """What a process is told when it starts; see the head of this file."""

    env: str
    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    api_url: str
    page_origin: str
    secrets_dir: Path
    weibo_client_id: str
    weibo_client_secret: str = field(repr=False)
    weibo_url: str
    smtp_url: str = field(repr=False)
    mail_from: str
    api_workers: int
    hashes_at_once: int  # by one process of the API
    worker_processes: int
    worker_threads: int
    worker_stop_seconds: int
    lasting_secret: bytes = field(repr=False)
    address_limits: bool
    access_log: bool
    oauth_return_by_get: bool
    metrics_dir: Path | None
    trusted_proxies: tuple[Network, ...]
    providers: tuple[Described, ...] = field(repr=False)

    @property
    def sandbox(self) -> bool:
        """Whether this is the sandbox."""
        return self.env == "sandbox"

    @property
    def keys_file(self) -> Path:
        """Where the keys of tokens are."""
        return self.secrets_dir / "keys.json"

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "Settings":
        """Return the settings in *environ*.  Raise :exc:`Misuse` with every problem."""
        told = {**DEFAULTS, **{name: environ[name] for name in (*DEFAULTS, *_REQUIRED) if environ.get(name)}}
        problems = [
            Problem("setting-missing", name, "", "it is not set", _EXAMPLES[name])
            for name in _REQUIRED
            if name not in told
        ]
        for name, value in told.items():
            if wrong := _CHECKS[name](value):
                shown = "" if "@" in value else value[:80]  # a URL may hold a password
                problems.append(Problem("setting-wrong", name, shown, wrong, _EXAMPLES[name]))
        if not problems:
            problems += _too_few_hashes(told) + _only_for_production(told)
        secrets = _Secrets("", b"")
        if not problems:
            secrets, problems = _read_secrets(Path(told["SECRETS_DIR"]), sandbox=told["DADA_ENV"] == "sandbox")
        providers: tuple[Described, ...] = ()
        if not problems:
            try:
                providers = read_descriptions(Path(told["SECRETS_DIR"]) / "providers.json", told["PAGE_ORIGIN"])
            except Misuse as error:
                problems += error.problems
        if problems:
            raise Misuse(problems)
        return cls(
            env=told["DADA_ENV"],
            database_url=told["DATABASE_URL"],
            redis_url=told["REDIS_URL"],
            api_url=told["API_URL"],
            page_origin=told["PAGE_ORIGIN"],
            secrets_dir=Path(told["SECRETS_DIR"]),
            weibo_client_id=told["WEIBO_CLIENT_ID"],
            weibo_client_secret=secrets.weibo_client,
            weibo_url=told["WEIBO_URL"],
            smtp_url=told["SMTP_URL"],
            mail_from=told["MAIL_FROM"],
            api_workers=int(told["API_WORKERS"]),
            hashes_at_once=_hashes(told),
            worker_processes=int(told["WORKER_PROCESSES"]),
            worker_threads=int(told["WORKER_THREADS"]),
            worker_stop_seconds=int(told["WORKER_STOP_SECONDS"]),
            lasting_secret=secrets.lasting,
            address_limits=(told["ADDRESS_LIMITS"], told["DADA_ENV"]) in _ON,
            access_log=(told["ACCESS_LOG"], told["DADA_ENV"]) in _ON,
            oauth_return_by_get=(told["OAUTH_RETURN_BY_GET"], told["DADA_ENV"]) in _FOR_LESSONS,
            metrics_dir=Path(told["METRICS_DIR"]) if told["METRICS_DIR"] else None,
            trusted_proxies=_networks(told["TRUSTED_PROXIES"]),
            providers=providers,
        )


def _url(*schemes: str, host: bool = True) -> Any:
    def check(value: str) -> str:
        try:
            parts = urlsplit(value)
            parts.port  # noqa: B018 raises for a port that is no number
        except ValueError:
            return "this is no URL"
        if parts.scheme not in schemes:
            return f"this is no {' or '.join(schemes)} URL"
        return "the host is missing" if host and not parts.hostname else ""

    return check


def _networks(value: str) -> tuple[Network, ...]:
    return tuple(ip_network(part.strip()) for part in value.split(",") if part.strip())


def _proxies(value: str) -> str:
    try:
        _networks(value)
    except ValueError as error:
        return str(error)
    return ""


def _origin(value: str) -> str:
    return "" if parse_origin(value) else "this is no origin as browsers write it"


def _number(most: int) -> Any:
    def check(value: str) -> str:
        right = re.fullmatch("[0-9]{1,6}", value) and 1 <= int(value) <= most
        return "" if right else f"this is no number from 1 to {most}"

    return check


_ON: Final = frozenset({("on", "production"), ("on", "sandbox"), ("auto", "production")})
_FOR_LESSONS: Final = frozenset({("on", "production"), ("on", "sandbox"), ("auto", "sandbox")})
_EXAMPLES: Final = {
    "DADA_ENV": "production or sandbox",
    "DATABASE_URL": "mysql+pymysql://dada:…@127.0.0.1/dada?charset=utf8mb4, or sqlite:////var/lib/dada/shop.db",
    "REDIS_URL": "redis://127.0.0.1:6379/0, redis+sentinel://h:26379,h2:26379/name/0, redis+cluster://h:6379,h2:6379",
    "API_URL": "http://127.0.0.1:8000",
    "PAGE_ORIGIN": "http://127.0.0.1:7000",
    "SECRETS_DIR": "a folder with keys.json, lasting_secret and weibo_client_secret",
    "WEIBO_CLIENT_ID": "the AppKey that Weibo gave you",
    "WEIBO_URL": "https://api.weibo.com",
    "SMTP_URL": "smtp://127.0.0.1:25",
    "MAIL_FROM": "Shop <no-reply@shop.example>",
    "API_WORKERS": "2",
    "HASHES_AT_ONCE": "auto, or 4",
    "WORKER_PROCESSES": "2",
    "WORKER_THREADS": "4",
    "WORKER_STOP_SECONDS": "25",
    "ADDRESS_LIMITS": "auto, on, off",
    "ACCESS_LOG": "auto, on, off",
    "OAUTH_RETURN_BY_GET": "auto, on, off",
    "METRICS_DIR": "/run/dada/metrics",
    "TRUSTED_PROXIES": "10.0.0.0/8, 192.0.2.7",
}
_CHECKS: Final = {
    "DADA_ENV": lambda value: "" if value in ("production", "sandbox") else "there are two kinds",
    "DATABASE_URL": lambda value: _url("mysql+pymysql", "sqlite", host=not value.startswith("sqlite"))(value),
    "REDIS_URL": redis_url.wrong,
    "API_URL": _origin,
    "PAGE_ORIGIN": _origin,
    "SECRETS_DIR": lambda value: "" if Path(value).is_dir() else "there is no such folder",
    "WEIBO_CLIENT_ID": lambda value: "" if re.fullmatch(r"[0-9A-Za-z._-]{1,64}", value) else "this is no AppKey",
    "WEIBO_URL": _origin,
    "SMTP_URL": _url("smtp", "smtps", "smtp+starttls"),
    "MAIL_FROM": lambda value: "" if "@" in value and value.isprintable() else "this is no mail address",
    "API_WORKERS": _number(64),
    "HASHES_AT_ONCE": lambda value: "" if value == "auto" else str(_number(512)(value)),
    "WORKER_PROCESSES": _number(64),
    "WORKER_THREADS": _number(64),
    "WORKER_STOP_SECONDS": _number(3600),
    "ADDRESS_LIMITS": lambda value: "" if value in ("auto", "on", "off") else "there are three",
    "ACCESS_LOG": lambda value: "" if value in ("auto", "on", "off") else "there are three",
    "OAUTH_RETURN_BY_GET": lambda value: "" if value in ("auto", "on", "off") else "there are three",
    "METRICS_DIR": lambda value: (
        "" if not value or value.startswith("/") else "the path of a folder begins with a slash"
    ),
    "TRUSTED_PROXIES": _proxies,
}


def _hashes(told: Mapping[str, str]) -> int:
    """Return how many hashes one process of the API makes at a time: its part of the machine's, and at least one."""
    cores = len(os.sched_getaffinity(0)) if told["HASHES_AT_ONCE"] == "auto" else int(told["HASHES_AT_ONCE"])
    return max(1, cores // int(told["API_WORKERS"]))


def _too_few_hashes(told: Mapping[str, str]) -> list[Problem]:
    most, workers = told["HASHES_AT_ONCE"], told["API_WORKERS"]
    if most == "auto" or int(most) >= int(workers):
        return []
    why = f"{workers} processes (API_WORKERS) need a place each"
    return [Problem("setting-wrong", "HASHES_AT_ONCE", most, why, f"{workers} or more, or fewer processes")]


def _only_for_production(told: Mapping[str, str]) -> list[Problem]:
    """Outside the sandbox nothing that matters travels in the clear, except on this machine."""
    problems: list[Problem] = []
    for name in ("API_URL", "PAGE_ORIGIN", "WEIBO_URL") if told["DADA_ENV"] == "production" else ():
        parts = urlsplit(told[name])
        if parts.scheme != "https" and not is_loopback(parts.hostname or ""):
            problems.append(
                Problem("setting-insecure", name, told[name][:80], "tokens would travel in the clear", "https://…")
            )
    return problems


class _Secrets(NamedTuple):
    weibo_client: str
    lasting: bytes


def _read_secrets(folder: Path, *, sandbox: bool) -> tuple[_Secrets, list[Problem]]:
    """Return the secrets that never rotate, and what is wrong with the secrets: they are never shown."""
    problems = []
    others = ["providers.json"] if (folder / "providers.json").exists() else []  # it holds the secrets of others
    for name in ("keys.json", "lasting_secret", "weibo_client_secret", *others):
        path = folder / name
        if not path.is_file():
            problems.append(
                Problem("secret-missing", str(path), "", "there is no such file", "dada keys create, or copy it")
            )
        elif path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            problems.append(
                Problem("secret-open", str(path), "", "others on this machine may read it", f"chmod 600 {path}")
            )
    if problems:
        return _Secrets("", b""), problems
    secret = (folder / "weibo_client_secret").read_text().strip()
    if not secret:
        problems.append(
            Problem("secret-empty", "weibo_client_secret", "", "it is empty", "the AppSecret that Weibo gave you")
        )
    lasting = _decoded((folder / "lasting_secret").read_text().strip())
    if len(lasting) < 32:
        problems.append(
            Problem("secret-short", "lasting_secret", "", "this is no 32 random bytes in base64url", "dada keys create")
        )
    if not sandbox and (secret.startswith("sandbox-") or made_for_the_sandbox(folder / "keys.json")):
        why = "these secrets were made for the sandbox, where everybody may see them"
        problems.append(
            Problem("secret-sandbox", str(folder), "", why, "secrets of production's own: dada keys create")
        )
    return _Secrets(secret, lasting), problems


def _decoded(text: str) -> bytes:
    try:
        return base64url.decode(text)
    except base64url.NotBase64url:
        return b""


def made_for_the_sandbox(path: Path) -> bool:
    """Whether the key ring in *path* was made for the sandbox, where everybody may see what it signs."""
    try:
        return bool(json.loads(path.read_text()).get("sandbox"))
    except (ValueError, AttributeError):
        return False  # what is no key file at all is told when the keys are read
