"""What content is encrypted with."""

import sqlalchemy as sa

from memory.ledger.schema.base import key_of, tables, tenant_column

# The key that a user's content is sealed with, wrapped by the master key of that id. Gone, and the
# content can't be read any more, in whatever copy of it.
data_keys = sa.Table(
    "data_keys",
    tables,
    key_of("user_id", "users.id"),
    tenant_column(),
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
