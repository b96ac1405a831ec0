"""looks: what looks like two letters, or hides a dot, looks like what is read

The names that are there get the looks that they have by now; of two that look alike already, the look is the older
one's.  What they had stays: it keeps names away that look like the older tables' idea of them.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

from shop.usernames import looks_of

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_users = sa.table("users", sa.column("id"), sa.column("username"), sa.column("username_key"))
_looks = sa.table("looks", sa.column("skeleton"), sa.column("user_id"))


def upgrade() -> None:
    bind = op.get_bind()
    taken = set(bind.execute(sa.select(_looks.c.skeleton)).scalars())
    new = []
    for row in bind.execute(sa.select(_users).order_by(_users.c.id)).all():
        for look in sorted(looks_of(row.username, row.username_key) - taken):
            taken.add(look)
            new.append({"skeleton": look, "user_id": row.id})
    op.bulk_insert(_looks, new)


def downgrade() -> None:
    """Nothing goes back: the older program takes no notice of looks that it would not have written."""
