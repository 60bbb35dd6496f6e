"""Whose memory it is, and what was said."""

import sqlalchemy as sa

from memory.ledger.schema.base import id_column, reference, tables, tenant_column

tenants = sa.Table(
    "tenants",
    tables,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("created_at", sa.BigInteger, nullable=False),
)

users = sa.Table(
    "users",
    tables,
    id_column(),
    tenant_column(),
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
    id_column(),
    tenant_column(),
    reference("user_id", "users.id"),
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
    id_column(),
    tenant_column(),
    reference("user_id", "users.id"),
    reference("session_id", "sessions.id"),
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

# Turns whose trust their role alone doesn't tell; most users have none. As text: a database uses a partial
# index only for a condition that it sees to be the same, which it can't for parameters.
TOLD_BY_SOURCE = sa.text("(turns.role = 'tool' OR turns.source NOT IN (turns.role, 'import'))")
_OF_ONE_TABLE = sa.text("role = 'tool' OR source NOT IN (role, 'import')")
sa.Index(
    "ix_turns_told_by_source",
    turns.c.user_id,
    turns.c.id,
    turns.c.role,
    turns.c.source,
    sqlite_where=_OF_ONE_TABLE,
    postgresql_where=_OF_ONE_TABLE,
)
