"""The database's statistics keep no names and nothing sealed: they outlive the rows they were taken of."""

from alembic import op

revision = "0010"
down_revision = "0009"

_COLUMNS = (
    ("users", "name"),
    ("sessions", "name"),
    ("turns", "name"),
    ("turns", "sealed"),
    ("data_keys", "wrapped"),
    ("idempotency", "key"),
    ("idempotency", "request"),
    ("idempotency", "response"),
)


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    for table, column in _COLUMNS:
        op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET STATISTICS 0")


def downgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    for table, column in _COLUMNS:
        op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET STATISTICS -1")
