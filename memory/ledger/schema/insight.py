"""What is known about sessions, and how good contexts were."""

import sqlalchemy as sa

from memory.ledger.schema.base import Number, id_column, key_of, reference, tables, tenant_column

events = sa.Table(
    "events",
    tables,
    id_column(),
    tenant_column(),
    reference("session_id", "sessions.id"),
    sa.Column("turn_id", Number, sa.ForeignKey("turns.id", ondelete="CASCADE")),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Index(None, "session_id", "id"),
)

# What is known about a session: its tag and risk, and the sums from which the next turn goes on.
insights = sa.Table(
    "insights",
    tables,
    key_of("session_id", "sessions.id"),
    tenant_column(),
    sa.Column("last_seq", sa.BigInteger, nullable=False),
    sa.Column("intent_state", sa.JSON),
    sa.Column("risk_state", sa.JSON),
    sa.Column("label", sa.Text),
    sa.Column("intent_group", sa.Text),
    sa.Column("confidence", sa.Float, nullable=False),
    sa.Column("abstained", sa.Boolean, nullable=False),
    sa.Column("level", sa.Text, nullable=False),
    sa.Column("mood_first", sa.Float),
    sa.Column("mood_last", sa.Float),
    sa.Column("user_turns", sa.BigInteger, nullable=False),
    sa.Column("updated_at", sa.BigInteger, nullable=False),
    sa.Index(None, "tenant", "updated_at"),
)

reviews = sa.Table(
    "reviews",
    tables,
    id_column(),
    tenant_column(),
    reference("session_id", "sessions.id"),
    sa.Column("turn_id", Number, sa.ForeignKey("turns.id", ondelete="CASCADE"), nullable=False),
    sa.Column("policy", sa.Text, nullable=False),
    sa.Column("level", sa.Text, nullable=False),
    sa.Column("score", sa.Float, nullable=False),
    sa.Column("opened_at", sa.BigInteger, nullable=False),
    sa.Column("decision", sa.Text),
    sa.Column("relabelled", sa.Text),
    sa.Column("decided_by", sa.Text),
    sa.Column("decided_at", sa.BigInteger),
    sa.UniqueConstraint("session_id", "policy"),
    sa.Index(None, "turn_id"),  # a turn that is erased takes its reviews with it
    sa.Index(None, "tenant", "id"),
    sqlite_autoincrement=True,  # a number is never used again, whatever was purged
)

# How good contexts were, summed by day and intent; nothing of any user.
recalls = sa.Table(
    "recalls",
    tables,
    tenant_column(key=True),
    sa.Column("day", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("label", sa.Text, primary_key=True),
    sa.Column("contexts", sa.BigInteger, nullable=False),
    sa.Column("abstained", sa.BigInteger, nullable=False),
    sa.Column("degraded", sa.BigInteger, nullable=False),
    sa.Column("recall_sum", sa.Float, nullable=False),
    sa.Column("sufficient_sum", sa.Float, nullable=False),
    sa.Column("used_sum", sa.BigInteger, nullable=False),
    sa.Column("saved_sum", sa.BigInteger, nullable=False),
    sa.Column("budget_sum", sa.BigInteger, nullable=False, server_default="0"),
)

# The same contexts by their estimate of being sufficient, in tenths, and what outcomes said of them.
recall_bins = sa.Table(
    "recall_bins",
    tables,
    tenant_column(key=True),
    sa.Column("day", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("bin", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("contexts", sa.BigInteger, nullable=False),
    sa.Column("failed", sa.BigInteger, nullable=False),
    sa.Column("liked", sa.BigInteger, nullable=False),
    sa.Column("disliked", sa.BigInteger, nullable=False),
    sa.Column("sufficient_sum", sa.Float, nullable=False),
    sa.Column("judged_sum", sa.Float, nullable=False),
)

# A session's last context: what an outcome that comes soon is about.
last_contexts = sa.Table(
    "last_contexts",
    tables,
    key_of("session_id", "sessions.id"),
    tenant_column(),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("bin", sa.Integer, nullable=False),
    sa.Column("sufficient", sa.Float, nullable=False),
    sa.Column("failed", sa.Boolean, nullable=False),
    sa.Column("judged", sa.Boolean, nullable=False),
)
