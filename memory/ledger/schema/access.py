"""Who may use the service, and what was answered to whom."""

import sqlalchemy as sa

from memory.ledger.schema.base import Number, tables, tenant_column

keys = sa.Table(
    "keys",
    tables,
    sa.Column("id", sa.Text, primary_key=True),
    tenant_column(),
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

idempotency = sa.Table(
    "idempotency",
    tables,
    tenant_column(key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("user_id", Number, sa.ForeignKey("users.id", ondelete="CASCADE")),
    sa.Column("request", sa.LargeBinary, nullable=False),
    sa.Column("response", sa.LargeBinary, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False, index=True),
)
