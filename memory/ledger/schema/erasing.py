"""What is to be erased or kept, what was, and which copies hold it still."""

import sqlalchemy as sa

from memory.ledger.schema.base import id_column, tables, tenant_column

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

purges = sa.Table(
    "purges",
    tables,
    sa.Column("id", sa.Text, primary_key=True),
    tenant_column(),
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
    tenant_column(key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("since", sa.BigInteger, nullable=False),
)

# How long turns are kept: of the tenant (an empty source) or from one source.
retention = sa.Table(
    "retention",
    tables,
    tenant_column(key=True),
    sa.Column("source", sa.Text, primary_key=True),
    sa.Column("days", sa.Float, nullable=False),
)

# What the last looks for expired turns did; none of it names anybody.
sweeps = sa.Table(
    "sweeps",
    tables,
    id_column(),
    tenant_column(),
    sa.Column("started_at", sa.BigInteger, nullable=False),
    sa.Column("finished_at", sa.BigInteger, nullable=False),
    sa.Column("turns", sa.BigInteger, nullable=False),
    sa.Column("held", sa.BigInteger, nullable=False),
    sa.Column("waiting", sa.BigInteger, nullable=False),
    sa.Column("receipts", sa.JSON, nullable=False),
    sa.Index(None, "tenant", "id"),
)
