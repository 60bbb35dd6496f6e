"""What the index has not taken yet."""

import sqlalchemy as sa

from memory.ledger.schema.base import key_of, reference, tables

outbox = sa.Table(
    "outbox",
    tables,
    key_of("turn_id", "turns.id"),
    reference("user_id", "users.id"),
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("due_at", sa.BigInteger, nullable=False),
    sa.Column("error", sa.Text),
    sa.Index(None, "user_id", "turn_id"),
    sa.Index(None, "due_at", "turn_id"),
)
