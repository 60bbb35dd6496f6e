"""Who did what, in a chain."""

import sqlalchemy as sa

from memory.ledger.schema.base import id_column, tables

audit = sa.Table(
    "audit",
    tables,
    id_column(),
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
