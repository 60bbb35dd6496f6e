"""The one statement that SQLite and PostgreSQL spell alike and SQLAlchemy spells twice."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite


def insert_missing(tx: sa.Connection, table: sa.Table, **values: Any) -> bool:
    """Add a row unless one with a key of its is there, also if another adds it now; say whether it did."""
    return bool(tx.execute(_insert(tx, table).values(**values).on_conflict_do_nothing()).rowcount)


def insert_all_missing(tx: sa.Connection, table: sa.Table, rows: Sequence[dict[str, Any]]) -> None:
    """Add those of the rows whose key isn't there yet."""
    if rows:
        tx.execute(_insert(tx, table).on_conflict_do_nothing(), rows)


def _insert(tx: sa.Connection, table: sa.Table) -> postgresql.Insert | sqlite.Insert:
    return postgresql.insert(table) if tx.dialect.name == "postgresql" else sqlite.insert(table)
