"""events

Revision ID: 0002
Revises: 0001
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_OPTIONS: dict[str, Any] = {"mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin", "mysql_engine": "InnoDB"}


def _id() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _digest() -> sa.types.TypeEngine[bytes]:
    return sa.LargeBinary(length=32).with_variant(mysql.BINARY(length=32), "mysql", "mariadb")


def upgrade() -> None:
    op.create_table(
        "events",
        sa.Column("id", _id(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("outcome", sa.String(length=64), nullable=False),
        sa.Column("user_id", _id(), nullable=True),
        sa.Column("actor_id", _id(), nullable=True),
        sa.Column("request", sa.String(length=64), nullable=False),
        sa.Column("network", sa.String(length=64), nullable=False),
        sa.Column("agent", sa.String(length=8), nullable=False),
        sa.Column("mac", _digest(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
        **_OPTIONS,
    )
    op.create_index("ix_events_user_id", "events", ["user_id", "id"])
    op.create_index("ix_events_user_kind_agent", "events", ["user_id", "kind", "agent"])
    head = op.create_table(
        "event_head",
        sa.Column("only", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("last", _id(), nullable=False),
        sa.Column("mac", _digest(), nullable=False),
        sa.PrimaryKeyConstraint("only", name=op.f("pk_event_head")),
        **_OPTIONS,
    )
    op.bulk_insert(head, [{"only": 1, "last": 0, "mac": bytes(32)}])


def downgrade() -> None:
    op.drop_table("event_head")
    op.drop_table("events")
