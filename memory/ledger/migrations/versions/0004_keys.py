"""Keys of one user, when they were last used, and their own limits."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("keys", sa.Column("bound_user", sa.Text(), nullable=True))
    op.add_column("keys", sa.Column("last_used_at", sa.BigInteger(), nullable=True))
    op.add_column("keys", sa.Column("limits", sa.JSON(), nullable=True))


def downgrade() -> None:
    for name in ("limits", "last_used_at", "bound_user"):
        op.drop_column("keys", name)
