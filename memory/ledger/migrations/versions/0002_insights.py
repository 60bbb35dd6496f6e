"""Intent and risk of sessions, reviews, and how good contexts were."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _insights()
    _reviews()
    _recalls()


def _insights() -> None:
    op.create_table(
        "insights",
        sa.Column("session_id", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("last_seq", sa.BigInteger(), nullable=False),
        sa.Column("intent_state", sa.JSON(), nullable=True),
        sa.Column("risk_state", sa.JSON(), nullable=True),
        sa.Column("label", sa.Text(), nullable=True),
        sa.Column("intent_group", sa.Text(), nullable=True),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.Column("abstained", sa.Boolean(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("mood_first", sa.Float(), nullable=True),
        sa.Column("mood_last", sa.Float(), nullable=True),
        sa.Column("user_turns", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name=op.f("fk_insights_session_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["tenant"], ["tenants.name"], name=op.f("fk_insights_tenant"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("session_id", name=op.f("pk_insights")),
    )
    op.create_index(op.f("ix_insights_tenant_updated_at"), "insights", ["tenant", "updated_at"], unique=False)


def _reviews() -> None:
    op.create_table(
        "reviews",
        sa.Column("id", _NUMBER, autoincrement=True, nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("session_id", _NUMBER, nullable=False),
        sa.Column("turn_id", _NUMBER, nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=True),
        sa.Column("relabelled", sa.Text(), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name=op.f("fk_reviews_session_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["tenant"], ["tenants.name"], name=op.f("fk_reviews_tenant"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["turn_id"], ["turns.id"], name=op.f("fk_reviews_turn_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reviews")),
        sa.UniqueConstraint("session_id", "policy", name=op.f("uq_reviews_session_id_policy")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_reviews_turn_id"), "reviews", ["turn_id"], unique=False)
    op.create_index(op.f("ix_reviews_tenant_id"), "reviews", ["tenant", "id"], unique=False)


def _recalls() -> None:
    op.create_table(
        "recalls",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("day", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("contexts", sa.BigInteger(), nullable=False),
        sa.Column("abstained", sa.BigInteger(), nullable=False),
        sa.Column("degraded", sa.BigInteger(), nullable=False),
        sa.Column("recall_sum", sa.Float(), nullable=False),
        sa.Column("sufficient_sum", sa.Float(), nullable=False),
        sa.Column("used_sum", sa.BigInteger(), nullable=False),
        sa.Column("saved_sum", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant"], ["tenants.name"], name=op.f("fk_recalls_tenant"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant", "day", "label", name=op.f("pk_recalls")),
    )


def downgrade() -> None:
    op.drop_table("recalls")
    op.drop_index(op.f("ix_reviews_turn_id"), table_name="reviews")
    op.drop_index(op.f("ix_reviews_tenant_id"), table_name="reviews")
    op.drop_table("reviews")
    op.drop_index(op.f("ix_insights_tenant_updated_at"), table_name="insights")
    op.drop_table("insights")
