"""The tables: SQLAlchemy Core, the same on SQLite and MariaDB.

Times are milliseconds since 1970, digests are SHA-256, names are compared by bytes: what counts as equal is decided
in Python, once, and never by a database's collation.  (MariaDB's binary collation takes no notice of blanks at the end;
no key of ours has any.)

This file knows columns; what they mean is in the modules that write them.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects import mysql

__all__ = [
    "addresses", "event_head", "events", "identities", "looks", "metadata", "one_time_tokens", "outbox", "sessions",
    "users",
]  # fmt: skip

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)
_ENGINE: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}
_Id = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts up only what it calls INTEGER
_Digest = LargeBinary(32).with_variant(mysql.BINARY(32), "mysql", "mariadb")
_Body = Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")

users = Table(
    "users",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),
    Column("username", String(64), nullable=False),  # as its owner writes it
    Column("username_key", String(64), nullable=False, unique=True),  # as it is compared
    Column("email", String(254), nullable=False),  # where letters go
    Column("email_key", String(254), nullable=False, index=True),
    Column("verified_email_key", String(254), nullable=True, unique=True),  # set when its owner clicked
    Column("password_hash", String(255), nullable=True),  # argon2id, with its parameters
    Column("state", String(16), nullable=False),  # pending, active, disabled
    Column("token_epoch", Integer, nullable=False, default=0),  # counts up when every session must end
    Column("nickname", String(50), nullable=False, default=""),
    Column("phone", String(32), nullable=False, default=""),
    Column("about", String(300), nullable=False, default=""),
    Column("language", String(8), nullable=False, default="en"),
    Column("version", Integer, nullable=False, default=1),  # of the profile, for entity tags
    Column("created_at", BigInteger, nullable=False),
    **_ENGINE,
)

looks = Table(  # how names look: nobody takes a name that looks like another's
    "looks",
    metadata,
    Column("skeleton", String(128), primary_key=True),
    Column("user_id", _Id, ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    **_ENGINE,
)

one_time_tokens = Table(
    "one_time_tokens",
    metadata,
    Column("digest", _Digest, primary_key=True),
    Column("user_id", _Id, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("purpose", String(16), nullable=False),  # activation, reset
    Column("email_key", String(254), nullable=False),  # it proves this address and no other
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("used_at", BigInteger, nullable=True),
    Index("ix_one_time_tokens_user_purpose", "user_id", "purpose"),
    **_ENGINE,
)

sessions = Table(  # a family of refresh tokens: one log-in on one device
    "sessions",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("user_id", _Id, ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("epoch", Integer, nullable=False),  # the user's when it began: counting up ends it
    Column("tip", _Digest, nullable=False),  # of the one refresh token that is good
    Column("previous", _Digest, nullable=True),  # of the one before it
    Column("successor_box", _Digest, nullable=True),  # the tip's secret, opened by the one before it
    Column("rotated_at", BigInteger, nullable=False),
    Column("authenticated_at", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("user_agent", String(200), nullable=False, default=""),
    Column("network", String(64), nullable=False, default=""),
    **_ENGINE,
)

identities = Table(  # who somebody is elsewhere
    "identities",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),
    Column("provider", String(32), nullable=False),
    Column("subject", String(64), nullable=False),
    Column("user_id", _Id, ForeignKey("users.id", ondelete="CASCADE"), nullable=True),
    Column("name", String(120), nullable=False, default=""),
    Column("created_at", BigInteger, nullable=False),
    Column("bound_at", BigInteger, nullable=True),
    UniqueConstraint("provider", "subject"),
    UniqueConstraint("user_id", "provider"),
    **_ENGINE,
)

addresses = Table(
    "addresses",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),
    Column("user_id", _Id, ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("receiver", String(50), nullable=False),
    Column("phone", String(32), nullable=False),
    Column("region", String(100), nullable=False, default=""),
    Column("detail", String(200), nullable=False),
    Column("postcode", String(16), nullable=False, default=""),
    Column("tag", String(20), nullable=False, default=""),
    Column("is_default", Boolean(create_constraint=False), nullable=True),  # TRUE or NULL: at most one TRUE a user
    Column("version", Integer, nullable=False, default=1),
    Column("created_at", BigInteger, nullable=False),
    UniqueConstraint("user_id", "is_default"),
    **_ENGINE,
)

outbox = Table(  # jobs that were decided on, written with what decided them
    "outbox",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("queue", String(64), nullable=False),
    Column("task", String(64), nullable=False),
    Column("args", _Body, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("pushed_at", BigInteger, nullable=True),
    Index("ix_outbox_pushed_created", "pushed_at", "created_at"),
    **_ENGINE,
)

events = Table(  # what happened; no row is ever changed, and none leaves with its user
    "events",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("outcome", String(64), nullable=False),
    Column("user_id", _Id, nullable=True),
    Column("actor_id", _Id, nullable=True),
    Column("request", String(64), nullable=False),
    Column("network", String(64), nullable=False),
    Column("agent", String(8), nullable=False),
    Column("flow", String(17), nullable=False, default=""),  # of a log-in elsewhere: hashes' first digits
    Column("mac", _Digest, nullable=False),
    Index("ix_events_user_id", "user_id", "id"),
    Index("ix_events_user_kind_agent", "user_id", "kind", "agent"),
    **_ENGINE,
)

event_head = Table(  # one row: where the chain of events ends
    "event_head",
    metadata,
    Column("only", Integer, primary_key=True, autoincrement=False),
    Column("last", _Id, nullable=False),
    Column("mac", _Digest, nullable=False),
    Column("seal", _Digest, nullable=False),
    **_ENGINE,
)
