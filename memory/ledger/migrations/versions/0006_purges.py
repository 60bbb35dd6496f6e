"""Purges that are proved, legal holds, retention."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("purges", sa.Column("sought", sa.LargeBinary(), nullable=True))
    op.add_column("purges", sa.Column("receipt", sa.JSON(), nullable=True))
    op.add_column("purges", sa.Column("attempts", sa.Integer(), server_default="0", nullable=False))
    op.add_column("purges", sa.Column("due_at", sa.BigInteger(), server_default="0", nullable=False))
    op.create_index(op.f("ix_purges_status_due_at"), "purges", ["status", "due_at"], unique=False)
    op.add_column("sessions", sa.Column("expires_at", sa.BigInteger(), nullable=True))
    op.create_index(op.f("ix_turns_tenant_created_at"), "turns", ["tenant", "created_at"], unique=False)
    _holds()
    _retention()


def _holds() -> None:
    op.create_table(
        "holds",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant"], ["tenants.name"], name=op.f("fk_holds_tenant"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant", "name", name=op.f("pk_holds")),
    )


def _retention() -> None:
    op.create_table(
        "retention",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("days", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant"], ["tenants.name"], name=op.f("fk_retention_tenant"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant", "source", name=op.f("pk_retention")),
    )
    op.create_table(
        "sweeps",
        sa.Column("id", _NUMBER, autoincrement=True, nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=False),
        sa.Column("turns", sa.BigInteger(), nullable=False),
        sa.Column("held", sa.BigInteger(), nullable=False),
        sa.Column("waiting", sa.BigInteger(), nullable=False),
        sa.Column("receipts", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant"], ["tenants.name"], name=op.f("fk_sweeps_tenant"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sweeps")),
    )
    op.create_index(op.f("ix_sweeps_tenant_id"), "sweeps", ["tenant", "id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_sweeps_tenant_id"), table_name="sweeps")
    for table in ("sweeps", "retention", "holds"):
        op.drop_table(table)
    op.drop_index(op.f("ix_turns_tenant_created_at"), table_name="turns")
    op.drop_column("sessions", "expires_at")
    op.drop_index(op.f("ix_purges_status_due_at"), table_name="purges")
    for column in ("due_at", "attempts", "receipt", "sought"):
        op.drop_column("purges", column)
