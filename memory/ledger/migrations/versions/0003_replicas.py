"""What replicas must agree on about a user: the version of what can be recalled, and who indexes it."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("users", sa.Column("version", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("users", sa.Column("claimed_by", sa.Text(), nullable=True))
    op.add_column("users", sa.Column("claimed_until", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    for name in ("claimed_until", "claimed_by", "version"):
        op.drop_column("users", name)
