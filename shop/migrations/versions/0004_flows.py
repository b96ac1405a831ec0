"""events.flow: which log-in elsewhere an event belongs to

The rows that are there belong to none that is known, and their place in the chain stays what it was.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("events") as events:
        events.add_column(sa.Column("flow", sa.String(length=17), nullable=False, server_default=""))
    with op.batch_alter_table("events") as events:
        events.alter_column("flow", existing_type=sa.String(length=17), existing_nullable=False, server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("events") as events:
        events.drop_column("flow")
