"""The tables of the ledger, the same on SQLite and PostgreSQL.

Times are whole microseconds since 1970, UTC. Migrations, not this module, change a database; a test
holds the two equal.
"""

import sqlalchemy as sa

tables = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite counts up only in a column of exactly this type.
Number = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _id() -> sa.Column[int]:
    return sa.Column("id", Number, primary_key=True, autoincrement=True)


def _ref(name: str, target: str) -> sa.Column[int]:
    return sa.Column(name, Number, sa.ForeignKey(target, ondelete="CASCADE"), nullable=False)


def _tenant() -> sa.Column[str]:
    return sa.Column("tenant", sa.Text, sa.ForeignKey("tenants.name", ondelete="CASCADE"), nullable=False)


tenants = sa.Table(
    "tenants",
    tables,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("created_at", sa.BigInteger, nullable=False),
)

keys = sa.Table(
    "keys",
    tables,
    sa.Column("id", sa.Text, primary_key=True),
    _tenant(),
    sa.Column("hash", sa.LargeBinary, nullable=False, unique=True),
    sa.Column("rights", sa.Text, nullable=False),
    sa.Column("label", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("expires_at", sa.BigInteger),
    sa.Column("revoked_at", sa.BigInteger),
    sa.Column("bound_user", sa.Text),
    sa.Column("last_used_at", sa.BigInteger),
    sa.Column("limits", sa.JSON),
)

users = sa.Table(
    "users",
    tables,
    _id(),
    _tenant(),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("turns", sa.BigInteger, nullable=False, default=0),
    sa.Column("tokens", sa.BigInteger, nullable=False, default=0),
    # Grows with every change of what can be recalled of the user.
    sa.Column("version", sa.BigInteger, nullable=False, server_default="0"),
    # The worker that has the user's queued turns in hand, and until when they are its own.
    sa.Column("claimed_by", sa.Text),
    sa.Column("claimed_until", sa.BigInteger),
    sa.UniqueConstraint("tenant", "name"),
    sqlite_autoincrement=True,  # a number is never used again, whatever was purged
)

sessions = sa.Table(
    "sessions",
    tables,
    _id(),
    _tenant(),
    _ref("user_id", "users.id"),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("last_at", sa.BigInteger, nullable=False),
    sa.Column("turns", sa.BigInteger, nullable=False, default=0),
    sa.Column("tokens", sa.BigInteger, nullable=False, default=0),
    sa.Column("last_seq", sa.BigInteger, nullable=False, default=-1),
    sa.Column("expires_at", sa.BigInteger),
    sa.UniqueConstraint("tenant", "name"),
    sa.Index(None, "user_id", "id"),
    sqlite_autoincrement=True,  # a number is never used again, whatever was purged
)

turns = sa.Table(
    "turns",
    tables,
    _id(),
    _tenant(),
    _ref("user_id", "users.id"),
    _ref("session_id", "sessions.id"),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    # Blank where `sealed` holds them encrypted, as it does in all rows but those of the first version.
    sa.Column("speaker", sa.Text),
    sa.Column("content", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("metadata", sa.JSON, nullable=False),
    sa.Column("tokens", sa.BigInteger, nullable=False),
    sa.Column("sealed", sa.LargeBinary),
    sa.UniqueConstraint("tenant", "name"),
    sa.UniqueConstraint("session_id", "seq"),
    sa.Index(None, "user_id", "id"),
    sa.Index(None, "tenant", "created_at"),
    sqlite_autoincrement=True,  # a number is never used again, whatever was purged
)

# Finds what is not encrypted yet; empty soon after the first start.
sa.Index(
    "ix_turns_plain",
    turns.c.id,
    sqlite_where=turns.c.sealed.is_(None),
    postgresql_where=turns.c.sealed.is_(None),
)

# The key that a user's content is sealed with, wrapped by the master key of that id. Gone, and the
# content can't be read any more, in whatever copy of it.
data_keys = sa.Table(
    "data_keys",
    tables,
    sa.Column(
        "user_id",
        Number,
        sa.ForeignKey("users.id", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    _tenant(),
    sa.Column("master", sa.Text, nullable=False, index=True),
    sa.Column("wrapped", sa.LargeBinary, nullable=False),
)

# What the ledger itself keeps secret, wrapped likewise.
secrets = sa.Table(
    "secrets",
    tables,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("master", sa.Text, nullable=False),
    sa.Column("wrapped", sa.LargeBinary, nullable=False),
)

# What was purged, as hashes of its numbers: erased again where an older copy of the ledger comes back.
tombstones = sa.Table(
    "tombstones",
    tables,
    sa.Column("hash", sa.LargeBinary, primary_key=True),
    sa.Column("at", sa.BigInteger, nullable=False),
)

# Copies of the ledger that were made, and until when each is kept.
backups = sa.Table(
    "backups",
    tables,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("folder", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("expires_at", sa.BigInteger, nullable=False, index=True),
)

outbox = sa.Table(
    "outbox",
    tables,
    sa.Column(
        "turn_id",
        Number,
        sa.ForeignKey("turns.id", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    _ref("user_id", "users.id"),
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("due_at", sa.BigInteger, nullable=False),
    sa.Column("error", sa.Text),
    sa.Index(None, "user_id", "turn_id"),
    sa.Index(None, "due_at", "turn_id"),
)

idempotency = sa.Table(
    "idempotency",
    tables,
    sa.Column("tenant", sa.Text, sa.ForeignKey("tenants.name", ondelete="CASCADE"), primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("user_id", Number, sa.ForeignKey("users.id", ondelete="CASCADE")),
    sa.Column("request", sa.LargeBinary, nullable=False),
    sa.Column("response", sa.LargeBinary, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False, index=True),
)

purges = sa.Table(
    "purges",
    tables,
    sa.Column("id", sa.Text, primary_key=True),
    _tenant(),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("work", sa.JSON, nullable=False),
    sa.Column("turns", sa.BigInteger, nullable=False),
    sa.Column("requested_at", sa.BigInteger, nullable=False),
    sa.Column("finished_at", sa.BigInteger),
    sa.Column("error", sa.Text),
    sa.Column("sought", sa.LargeBinary),
    sa.Column("receipt", sa.JSON),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("due_at", sa.BigInteger, nullable=False, server_default="0"),
    sa.Index(None, "status", "due_at"),
)

# Users whose memory must be kept, whoever asks for it to be erased; by name, also before there is any.
holds = sa.Table(
    "holds",
    tables,
    sa.Column("tenant", sa.Text, sa.ForeignKey("tenants.name", ondelete="CASCADE"), primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("since", sa.BigInteger, nullable=False),
)

# How long turns are kept: of the tenant (an empty source) or from one source.
retention = sa.Table(
    "retention",
    tables,
    sa.Column("tenant", sa.Text, sa.ForeignKey("tenants.name", ondelete="CASCADE"), primary_key=True),
    sa.Column("source", sa.Text, primary_key=True),
    sa.Column("days", sa.Float, nullable=False),
)

# What the last looks for expired turns did; none of it names anybody.
sweeps = sa.Table(
    "sweeps",
    tables,
    _id(),
    _tenant(),
    sa.Column("started_at", sa.BigInteger, nullable=False),
    sa.Column("finished_at", sa.BigInteger, nullable=False),
    sa.Column("turns", sa.BigInteger, nullable=False),
    sa.Column("held", sa.BigInteger, nullable=False),
    sa.Column("waiting", sa.BigInteger, nullable=False),
    sa.Column("receipts", sa.JSON, nullable=False),
    sa.Index(None, "tenant", "id"),
)

events = sa.Table(
    "events",
    tables,
    _id(),
    _tenant(),
    _ref("session_id", "sessions.id"),
    sa.Column("turn_id", Number, sa.ForeignKey("turns.id", ondelete="CASCADE")),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Index(None, "session_id", "id"),
)

audit = sa.Table(
    "audit",
    tables,
    _id(),
    sa.Column("tenant", sa.Text, nullable=False, index=True),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("detail", sa.JSON, nullable=False),
    sa.Column("seq", sa.BigInteger),
    sa.Column("previous", sa.LargeBinary),
    sa.Column("hash", sa.LargeBinary),
    sa.Index(None, "tenant", "seq", unique=True),
)

# The last line of each tenant's chain; its row is the lock under which the chain grows.
audit_heads = sa.Table(
    "audit_heads",
    tables,
    sa.Column("tenant", sa.Text, primary_key=True),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("hash", sa.LargeBinary, nullable=False),
)

# What is known about a session: its tag and risk, and the sums from which the next turn goes on.
insights = sa.Table(
    "insights",
    tables,
    sa.Column(
        "session_id",
        Number,
        sa.ForeignKey("sessions.id", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    _tenant(),
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
    _id(),
    _tenant(),
    _ref("session_id", "sessions.id"),
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
    sa.Column("tenant", sa.Text, sa.ForeignKey("tenants.name", ondelete="CASCADE"), primary_key=True),
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
    sa.Column("tenant", sa.Text, sa.ForeignKey("tenants.name", ondelete="CASCADE"), primary_key=True),
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
    sa.Column(
        "session_id",
        Number,
        sa.ForeignKey("sessions.id", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    _tenant(),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("bin", sa.Integer, nullable=False),
    sa.Column("sufficient", sa.Float, nullable=False),
    sa.Column("failed", sa.Boolean, nullable=False),
    sa.Column("judged", sa.Boolean, nullable=False),
)
