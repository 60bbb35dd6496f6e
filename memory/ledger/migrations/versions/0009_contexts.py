"""How contexts spread over the estimate of being sufficient, and what outcomes say of it."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

_COUNTED = ("contexts", "failed", "liked", "disliked")


def upgrade() -> None:
    op.add_column("recalls", sa.Column("budget_sum", sa.BigInteger(), server_default="0", nullable=False))
    op.create_table(
        "recall_bins",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("day", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("bin", sa.Integer(), autoincrement=False, nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in _COUNTED),
        sa.Column("sufficient_sum", sa.Float(), nullable=False),
        sa.Column("judged_sum", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant"], ["tenants.name"], name=op.f("fk_recall_bins_tenant"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant", "day", "bin", name=op.f("pk_recall_bins")),
    )
    op.create_table(
        "last_contexts",
        sa.Column(
            "session_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("bin", sa.Integer(), nullable=False),
        sa.Column("sufficient", sa.Float(), nullable=False),
        sa.Column("failed", sa.Boolean(), nullable=False),
        sa.Column("judged", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name=op.f("fk_last_contexts_session_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["tenant"], ["tenants.name"], name=op.f("fk_last_contexts_tenant"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("session_id", name=op.f("pk_last_contexts")),
    )


def downgrade() -> None:
    op.drop_table("last_contexts")
    op.drop_table("recall_bins")
    op.drop_column("recalls", "budget_sum")
