"""Numbers of rows are never given twice, also after an older copy of the ledger came back."""

from collections.abc import Mapping

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from memory.ledger.schema import reviews, sessions, tables, turns, users

_TABLES = (users, sessions, turns, reviews)


def go_on_from(tx: sa.Connection, number: int) -> None:
    """Give numbers above `number` from now on, and above all that were given."""
    for table in _TABLES:
        _set(tx, table, max(number, _highest(tx, table)))


def given(tx: sa.Connection) -> dict[str, int]:
    """Return the highest number that was ever given in each table that counts its rows."""
    return {table.name: max(_counted(tx, table), _highest(tx, table)) for table in _counting()}


def go_on_behind(tx: sa.Connection, highest: Mapping[str, int]) -> None:
    """Give numbers above what `given` says of another copy of the same ledger."""
    for table in _counting():
        _set(tx, table, highest[table.name])


def _counting() -> list[sa.Table]:
    return [table for table in tables.sorted_tables if table.autoincrement_column is not None]


def _highest(tx: sa.Connection, table: sa.Table) -> int:
    return int(tx.scalar(sa.select(sa.func.max(table.c.id))) or 0)


def _counted(tx: sa.Connection, table: sa.Table) -> int:
    """Return where the database's own counter stands; 0 where it has none or never counted."""
    if tx.dialect.name == "postgresql":
        return int(tx.scalar(sa.select(sa.func.pg_sequence_last_value(_sequence(table)))) or 0)
    query = sa.text("SELECT seq FROM sqlite_sequence WHERE name = :name")
    return int(tx.scalar(query, {"name": table.name}) or 0)


def _set(tx: sa.Connection, table: sa.Table, highest: int) -> None:
    if tx.dialect.name == "postgresql":
        # A sequence starts at 1: one that has given nothing yet is told so.
        tx.execute(sa.select(sa.func.setval(_sequence(table), max(highest, 1), highest > 0)))
        return
    if not table.dialect_options["sqlite"]["autoincrement"]:
        return  # it counts from the highest that is there
    tx.execute(sa.text("DELETE FROM sqlite_sequence WHERE name = :name"), {"name": table.name})
    row = {"name": table.name, "seq": highest}
    tx.execute(sa.text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :seq)"), row)


def _sequence(table: sa.Table) -> sa.ColumnElement[str]:
    return sa.cast(sa.func.pg_get_serial_sequence(table.name, "id"), postgresql.REGCLASS)
