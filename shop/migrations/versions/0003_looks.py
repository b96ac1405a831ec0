"""looks: a name looks like its key, and like what is written

Revision ID: 0003
Revises: 0002
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from shop.usernames import looks_of, skeleton

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_OPTIONS: dict[str, Any] = {"mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin", "mysql_engine": "InnoDB"}
_users = sa.table("users", sa.column("id"), sa.column("username"), sa.column("username_key"))


def _id() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    looks = op.create_table(
        "looks",
        sa.Column("skeleton", sa.String(length=128), nullable=False),
        sa.Column("user_id", _id(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_looks_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("skeleton", name=op.f("pk_looks")),
        **_OPTIONS,
    )
    op.create_index(op.f("ix_looks_user_id"), "looks", ["user_id"])
    rows = op.get_bind().execute(sa.select(_users).order_by(_users.c.id)).all()
    taken: dict[str, int] = {}
    for row in rows:  # of two that look alike already, the look is the older one's
        for look in sorted(looks_of(row.username, row.username_key)):
            taken.setdefault(look, row.id)
    op.bulk_insert(looks, [{"skeleton": look, "user_id": user_id} for look, user_id in taken.items()])
    with op.batch_alter_table("users") as users:
        users.drop_constraint("uq_users_username_skeleton", type_="unique")
        users.drop_column("username_skeleton")


def downgrade() -> None:
    with op.batch_alter_table("users") as users:
        users.add_column(sa.Column("username_skeleton", sa.String(length=128), nullable=True))
    bind = op.get_bind()
    table = sa.table("users", sa.column("id"), sa.column("username_skeleton"))
    for row in bind.execute(sa.select(_users)).all():
        bind.execute(table.update().where(table.c.id == row.id).values(username_skeleton=skeleton(row.username_key)))
    with op.batch_alter_table("users") as users:
        users.alter_column("username_skeleton", existing_type=sa.String(length=128), nullable=False)
        users.create_unique_constraint("uq_users_username_skeleton", ["username_skeleton"])
    op.drop_table("looks")
