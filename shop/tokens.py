"""Tokens: an access token for ten minutes, and a refresh token that is good once (RFC 9068, RFC 9700 §4.14).

A log-in starts a session: a family of refresh tokens of which one, the tip, is good.  Using it makes the next one.  A
refresh token that was good before and comes again is a thief's or its owner's, and nobody can tell: the whole family
ends.  Only one case is forgiven: the answer was lost, or two tabs asked at once; within ten seconds the token before
the tip is answered with the same pair.

Refresh tokens are kept as hashes.  So that the same tip can be given again, its secret is kept in a box that only the
token before it opens: the reader of the database opens none.

Access tokens are signed (`dada/jwt.py`) and carry the session's id: each call looks whether the session still lives,
in the cache, or in the database behind it.  Whatever ends a session writes that into the cache first: it acts on the
very next call.

This file knows sessions; who may have one is for `accounts.py`.
"""

import functools
import hashlib
import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace
from hmac import compare_digest
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Row, delete, insert, select, update

from dada import base64url
from dada.jws import Check, Reading, TokenError
from dada.jwt import CLAIMS, Issuer, Verifier
from shop import accounts, events, limits, liveness, outbox
from shop.accounts import Account, must_be_active
from shop.errors import Refused
from shop.keyring import ACCESS, REFRESH, Ring
from shop.limits import NOWHERE, Place
from shop.services import Services
from shop.tables import sessions, users

__all__ = [
    "Caller", "Device", "Grant", "Session", "end_all", "end_by_token", "end_session", "identify", "log_in",
    "owner_of", "read_access_token", "refresh", "reissue", "renew", "sessions_of",
]  # fmt: skip

ACCESS_SECONDS: Final = 600
SKEW_SECONDS: Final = 60  # by which the clock of the machine that signed may be ahead of ours
IDLE_MS: Final = 14 * 86_400_000
ABSOLUTE_MS: Final = 30 * 86_400_000
GRACE_MS: Final = 10_000
CLIENT: Final = "dada-page"


class Device(NamedTuple):
    """Where a log-in comes from, as far as it is kept: for the list that its owner sees."""

    user_agent: str = ""
    network: str = ""


class Grant(NamedTuple):
    """A pair of tokens, and the seconds that each lives."""

    access_token: str
    expires_in: int
    refresh_token: str
    refresh_expires_in: int
    username: str


class Caller(NamedTuple):
    """Who calls, proved by an access token."""

    user_id: int
    username: str
    key: str
    session: str
    authenticated_at: int


class Session(NamedTuple):
    """A session as its owner sees it; times in milliseconds since 1970."""

    id: str
    created_at: int
    last_used_at: int
    user_agent: str
    network: str
    current: bool


# --- access tokens ---------------------------------------------------------------------------------------


class _Allowed(NamedTuple):
    """What the check of an age reads of a verifier, in seconds."""

    leeway: float = SKEW_SECONDS
    max_age: float = ACCESS_SECONDS


_ALLOWED: Final = _Allowed()
_CHECKS: Final = {check.name: check for check in CLAIMS}
_INTEGERS: Final = ("exp", "nbf", "iat", "auth_time", "epoch")


def _age(_: Verifier, reading: Reading) -> str:
    return _CHECKS["age"].test(_ALLOWED, reading)


def _dates(_: Verifier, reading: Reading) -> str:
    wrong = (name for name in _INTEGERS if type(reading.claims.get(name, 0)) is not int)  # True is none
    return next((f"{name} is no integer" for name in wrong), "")


_TESTS: Final = {"age": _age, "dates": _dates}


class _AccessVerifier(Verifier):
    """Makes every check of a Verifier; but an iat may lie a little ahead, since clocks of two machines differ.

    An exp gets no such leeway: nobody is let in for longer by it.  And a number is whole, as we write it: a fraction,
    which dates of others may have (RFC 7519 §2), or a true, which Python takes for a 1, is not of our making.
    """

    payload_checks: tuple[Check, ...] = tuple(  # type: ignore[assignment]  # as many, two of them others
        replace(check, test=_TESTS.get(check.name, check.test)) for check in Verifier.payload_checks
    )


class _Signing:
    """Issuer and verifiers for the ring of the moment."""

    def __init__(self, ring: Ring, api_url: str, clock: Callable[[], float]) -> None:
        keys = ring.keys(ACCESS)
        names: dict[str, Any] = {"issuer": api_url, "audience": f"{api_url}/v1"}
        required = ("exp", "iat", "sub", "jti", "client_id", "sid", "epoch", "auth_time")  # RFC 9068 §2.2, and ours
        rules: dict[str, Any] = {"typ": "at+jwt", "require": required, "max_length": 4096, "clock": clock}
        self.issuer = Issuer(keys[0], **names, lifetime=ACCESS_SECONDS, typ="at+jwt", clock=clock)
        self.verifier = _AccessVerifier(keys, **names, **rules)
        # For logging out: a token whose time is over still says truly whose session it was.
        self.late_verifier = Verifier(keys, **names, **rules, leeway=ABSOLUTE_MS / 1000)
        self.refresh_keys = ring.keys(REFRESH)


@functools.lru_cache(maxsize=16)
def _signing(ring: Ring, api_url: str, clock: Callable[[], float]) -> _Signing:
    return _Signing(ring, api_url, clock)


def _signer(services: Services) -> _Signing:
    return _signing(services.keys.ring, services.settings.api_url, services.clock)


def _access_token(services: Services, row: Any, account: Account, secret: bytes, second: int) -> str:
    claims = {
        "iat": second,
        "exp": second + ACCESS_SECONDS,
        "sub": str(account.id),
        "client_id": CLIENT,
        "jti": base64url.encode(hashlib.sha256(b"jti " + secret).digest()[:12]),
        "sid": row.id,
        "epoch": account.epoch,
        "auth_time": row.authenticated_at // 1000,
    }
    return _signer(services).issuer.sign(claims)


def read_access_token(services: Services, token: str, *, even_late: bool = False) -> dict[str, Any]:
    """Return the claims of an access token of ours.  Raise :exc:`TokenError`; looks at no session."""
    signer = _signer(services)
    return dict((signer.late_verifier if even_late else signer.verifier).verify(token).claims)


def identify(services: Services, token: str) -> Caller:
    """Return who calls with this access token.

    Raise :exc:`TokenError` for a token that is not good, :exc:`Refused` (session-ended) for one whose session, epoch or
    user is no more (accounts' rules 15, 20, 23).
    """
    claims = read_access_token(services, token)
    alive = liveness.find(services, claims["sub"], claims["sid"])
    if alive is None or alive.epoch != claims["epoch"]:
        raise Refused("session-ended")
    return Caller(alive.user_id, alive.username, alive.key, claims["sid"], claims["auth_time"])


# --- refresh tokens --------------------------------------------------------------------------------------
#
# sid (16 bytes) . secret (32 bytes) . MAC over both (32 bytes), in base64url.  The MAC tells a token that was given out
# once from one that somebody made up: only the former can end a family.


def _refresh_token(services: Services, sid: str, secret: bytes) -> str:
    signed = bytes.fromhex(sid) + secret
    return base64url.encode(signed + _signer(services).refresh_keys[0].mac(signed))


def _read_refresh_token(services: Services, token: str) -> tuple[str, bytes]:
    """Return the session's id and the secret.  Raise :exc:`Refused` for what was never given out."""
    data = _refresh_bytes(token)
    signed, mac = data[:48], data[48:]
    if not data or not any(compare_digest(key.mac(signed), mac) for key in _signer(services).refresh_keys):
        raise Refused("refresh-invalid")
    return signed[:16].hex(), signed[16:]


def _refresh_bytes(token: str) -> bytes:
    """Return the 80 bytes of what has the form of a refresh token; none of anything else."""
    try:
        return base64url.decode(token) if len(token) == 107 else b""
    except base64url.NotBase64url:
        return b""


def _digest(secret: bytes) -> bytes:
    return hashlib.sha256(b"kept " + secret).digest()


def _box(secret: bytes, opener: bytes) -> bytes:
    """Close *secret* so that only *opener* opens it, or open it: a pad that is used once."""
    pad = hashlib.sha256(b"box " + opener).digest()
    return bytes(a ^ b for a, b in zip(secret, pad, strict=True))


def _lock(tx: Connection, user_id: int, epoch: int, otherwise: str) -> None:
    """Lock the user's row.  Raise :exc:`Refused` (*otherwise*) if the epoch, in which he proved who he is, is over."""
    user = accounts.lock(tx, user_id)
    if user is None or (user.token_epoch, user.state) != (epoch, "active"):
        raise Refused(otherwise)


def log_in(services: Services, account: Account, device: Device) -> Grant:
    """Start a session for *account*, who just proved who he is.

    Raise :exc:`Refused`: session-ended if all his sessions ended since, by a new password or otherwise.
    """
    must_be_active(account)
    sid, secret, now = secrets.token_hex(16), secrets.token_bytes(32), services.now_ms
    row = {
        "id": sid,
        "user_id": account.id,
        "epoch": account.epoch,
        "tip": _digest(secret),
        "rotated_at": now,
        "authenticated_at": now,
        "created_at": now,
        "expires_at": now + ABSOLUTE_MS,
        "user_agent": device.user_agent[:200],
        "network": device.network[:64],
    }
    try:
        with services.db.write() as tx:
            _lock(tx, account.id, account.epoch, "session-ended")
            tx.execute(insert(sessions).values(row))
            written = tx.execute(select(sessions).where(sessions.c.id == sid)).one()
            if events.is_new_device(tx, account.id, device.user_agent):
                outbox.put(tx, services, "mail.new_device", user=account.id)
            events.write(tx, services, "login", account.id, actor_id=account.id, user_agent=device.user_agent)
    except Refused as refused:
        events.note(services, "login", account.id, refused.reason)
        raise
    return _grant(services, written, account, secret, now)


def renew(services: Services, sid: str, account: Account) -> Grant:
    """Let the session *sid* go on in the account's new epoch, with a new pair: its owner just proved who he is.

    Raise :exc:`Refused` (session-ended) if it ended meanwhile.
    """
    secret, now = secrets.token_bytes(32), services.now_ms
    fresh = {
        "tip": _digest(secret),
        "previous": None,
        "successor_box": None,
        "rotated_at": now,
        "authenticated_at": now,
    }
    with services.db.write() as tx:
        _lock(tx, account.id, account.epoch, "session-ended")
        tx.execute(update(sessions).where(sessions.c.id == sid).values(epoch=account.epoch, **fresh))
        row = tx.execute(select(sessions).where(sessions.c.id == sid)).one_or_none()
    if row is None:  # it was ended elsewhere at this moment
        raise Refused("session-ended")
    liveness.forget(services, account.id, sid)
    return _grant(services, row, account, secret, now)


def reissue(services: Services, sid: str) -> Grant:
    """Return a new pair for the session *sid*, whose last one never arrived: the refresh token before it dies.

    Raise :exc:`Refused` (refresh-invalid) for a session that is no more.
    """
    row, secret, now = _refreshable(services, sid), secrets.token_bytes(32), services.now_ms
    fresh = {"tip": _digest(secret), "previous": None, "successor_box": None, "rotated_at": now}
    with services.db.write() as tx:
        _lock(tx, row.user_id, row.epoch, "refresh-invalid")
        if tx.execute(update(sessions).where(sessions.c.id == sid).values(fresh)).rowcount != 1:
            raise Refused("refresh-invalid")  # it was ended at this moment
    return _grant(services, row, _account(row), secret, now)


def _grant(services: Services, row: Any, account: Account, secret: bytes, since: int) -> Grant:
    """Return the pair that a session has *since* its tip's secret was made: the same, however often it is asked for."""
    access = _access_token(services, row, account, secret, since // 1000)
    left = ACCESS_SECONDS - (services.now_ms - since) // 1000
    refresh_left = (min(since + IDLE_MS, row.expires_at) - services.now_ms) // 1000
    return Grant(access, left, _refresh_token(services, row.id, secret), refresh_left, account.username)


def refresh(services: Services, token: str, place: Place = NOWHERE) -> Grant:
    """Return the next pair for a refresh token.

    Raise :exc:`Refused`: refresh-invalid for one that is unknown or too old, refresh-reused for one that was used
    before, which ends its family.  Raise :exc:`TooMany` for a family that asks too often, or when too many do.
    """
    sid, secret = _read_refresh_token(services, token)
    limits.take(services, "refresh", place, sid)
    row, now = _refreshable(services, sid), services.now_ms
    if compare_digest(row.tip, _digest(secret)):
        successor = secrets.token_bytes(32)
        if _rotate(services, row, secret, successor, now):
            return _grant(services, row, _account(row), successor, now)
        row = _refreshable(services, sid)  # another call with this token was faster by a moment
    if row.previous == _digest(secret) and now < row.rotated_at + GRACE_MS:
        return _grant(services, row, _account(row), _box(row.successor_box, secret), row.rotated_at)
    _end_family(services, sid, row.user_id)
    raise Refused("refresh-reused")


def _refreshable(services: Services, sid: str) -> Any:
    with services.db.read() as connection:
        row = connection.execute(liveness.live(sid)).first()
    now = services.now_ms
    if row is None or now >= row.expires_at or now >= row.rotated_at + IDLE_MS:
        raise Refused("refresh-invalid")
    return row


def _account(row: Any) -> Account:
    return Account(row.user_id, row.username, row.username_key, "active", row.token_epoch)


def _rotate(services: Services, row: Any, secret: bytes, successor: bytes, now: int) -> bool:
    """Make *successor* the tip, if *secret* still is it: one compare-and-swap.

    Raise :exc:`Refused` (refresh-invalid) if the session ended with its epoch since *row* was read.
    """
    swap = (
        update(sessions)
        .where(sessions.c.id == row.id, sessions.c.tip == _digest(secret))
        .values(
            tip=_digest(successor),
            previous=_digest(secret),
            successor_box=_box(successor, secret),
            rotated_at=now,
        )
    )
    with services.db.write() as tx:
        _lock(tx, row.user_id, row.epoch, "refresh-invalid")
        swapped: bool = tx.execute(swap).rowcount == 1
        if swapped:
            events.write(tx, services, "refresh", row.user_id, actor_id=row.user_id)
    return swapped


# --- ending ----------------------------------------------------------------------------------------------


def end_session(services: Services, sid: str, of: int | None = None) -> bool:
    """End one session, and return whether there was one; ending it again is as good.

    of  the user whose it must be; None for whomever
    """
    with services.db.write() as tx:
        user_id = tx.execute(select(sessions.c.user_id).where(sessions.c.id == sid)).scalar()
        if user_id is None or of not in (None, user_id):
            return False
        accounts.lock(tx, user_id)
        liveness.mark_ended(services, user_id, [sid])
        if tx.execute(delete(sessions).where(sessions.c.id == sid)).rowcount != 1:
            return False  # who ended it at the same moment told of it
        events.write(tx, services, "logout", user_id, actor_id=user_id)
    return True


def owner_of(services: Services, sid: str) -> int | None:
    """Return whose session this is, for the record of who asked for another's; None for none."""
    with services.db.read() as connection:
        return connection.execute(select(sessions.c.user_id).where(sessions.c.id == sid)).scalar()


def _end_family(services: Services, sid: str, user_id: int) -> None:
    with services.db.write() as tx:
        accounts.lock(tx, user_id)
        liveness.mark_ended(services, user_id, [sid])
        if tx.execute(delete(sessions).where(sessions.c.id == sid)).rowcount != 1:
            return  # who showed it at the same moment ended it, and its owner is told once
        outbox.put(tx, services, "mail.token_reused", user=user_id)
        events.write(tx, services, "token.reuse", user_id, "refresh-reused")


def end_by_token(services: Services, token: str) -> bool:
    """End the session of a token: an access token, also one whose time is over, or a refresh token, also a used one.

    Return whether it has the form of a token.  One that is not good ends nothing, and is no error: whoever brings it is
    not logged in (RFC 7009 §2.2).
    """
    try:
        if token.count(".") == 2:
            sid = read_access_token(services, token, even_late=True)["sid"]
        else:
            sid, _ = _read_refresh_token(services, token)
    except TokenError as error:
        return error.reason != "malformed"
    except Refused:
        return bool(_refresh_bytes(token))
    end_session(services, sid)
    return True


def end_all(services: Services, user_id: int, *, but: str = "") -> None:
    """End all sessions of a user, but for the session *but*: each access token fails on its next call."""
    if not but:
        accounts.count_up(services, user_id, "logout-all")
        return
    others = (sessions.c.user_id == user_id) & (sessions.c.id != but)
    with services.db.write() as tx:
        accounts.lock(tx, user_id)
        liveness.mark_ended(services, user_id, tx.execute(select(sessions.c.id).where(others)).scalars().all())
        tx.execute(delete(sessions).where(others))
        events.write(tx, services, "logout-all", user_id)


def sessions_of(
    services: Services, user_id: int, current: str, *, after: Sequence[Any] = (), limit: int = 100
) -> list[Session]:
    """Return up to *limit* of a user's live sessions, the latest log-in first.

    after  (created_at, id) of the last one that was seen; the order does not change while somebody turns pages
    """
    now, begun, sid = services.now_ms, sessions.c.created_at, sessions.c.id
    epoch = select(users.c.token_epoch).where(users.c.id == user_id).scalar_subquery()  # others ended with theirs
    alive = (sessions.c.expires_at > now) & (sessions.c.rotated_at > now - IDLE_MS) & (sessions.c.epoch == epoch)
    if after:
        alive &= (begun < after[0]) | ((begun == after[0]) & (sid < after[1]))
    query = select(sessions).where(sessions.c.user_id == user_id, alive).order_by(begun.desc(), sid.desc()).limit(limit)
    with services.db.read() as connection:
        rows: list[Row[Any]] = list(connection.execute(query).all())
    return [
        Session(row.id, row.created_at, row.rotated_at, row.user_agent, row.network, row.id == current) for row in rows
    ]
