"""The one statement that SQLite and PostgreSQL spell alike and SQLAlchemy spells twice."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite


def insert_missing(tx: sa.Connection, table: sa.Table, **values: Any) -> bool:
    """Add a row unless one with a key of its is there, also if another adds it now; say whether it did."""
    postgres = tx.dialect.name == "postgresql"
    made = postgresql.insert(table) if postgres else sqlite.insert(table)
    return bool(tx.execute(made.values(**values).on_conflict_do_nothing()).rowcount)
