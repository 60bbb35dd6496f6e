"""Rows of any table as they are stored, read and written alike on both databases."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from memory.ledger.schema import sessions, users

Row = Mapping[str, Any]

_PAGE = 500
_OWNER = "the row's user"


def stored(tx: sa.Connection, table: sa.Table) -> Iterator[tuple[Row, int | None]]:
    """Yield every row with the number of the user it hangs on, or None.

    Bytes are bytes. JSON is text, so that a JSON null and no value at all stay two things.
    """
    columns = [
        sa.cast(column, sa.Text).label(column.name) if isinstance(column.type, sa.JSON) else column
        for column in table.columns
    ]
    query = sa.select(*columns, _user(table).label(_OWNER))
    for row in tx.execute(query, execution_options={"yield_per": _PAGE}).mappings():
        values = {column.name: _plain(row[column.name]) for column in table.columns}
        yield values, row[_OWNER]


def put(tx: sa.Connection, table: sa.Table, rows: Sequence[Row]) -> None:
    """Add rows as `stored` yields them."""
    documents = {column.name for column in table.columns if isinstance(column.type, sa.JSON)}
    made = [{name: _bound(value, name in documents) for name, value in row.items()} for row in rows]
    tx.execute(sa.insert(_exact(table)), made)


def _user(table: sa.Table) -> sa.ColumnElement[int | None]:
    if table is users:
        return users.c.id
    if "user_id" in table.columns:
        return table.c.user_id
    if "session_id" in table.columns:
        owner = sa.select(sessions.c.user_id).where(sessions.c.id == table.c.session_id)
        return owner.scalar_subquery()
    return sa.cast(sa.null(), sa.BigInteger)


def _exact(table: sa.Table) -> sa.Table:
    """Return the table without its defaults, in which None is no value, for JSON too."""
    columns = [
        sa.Column(
            column.name, sa.JSON(none_as_null=True) if isinstance(column.type, sa.JSON) else column.type
        )
        for column in table.columns
    ]
    return sa.Table(table.name, sa.MetaData(), *columns)


def _plain(value: object) -> object:
    return bytes(value) if isinstance(value, memoryview) else value


def _bound(value: Any, document: bool) -> Any:  # noqa: FBT001 - private
    if not document or value is None:
        return value
    parsed = json.loads(value)
    return sa.JSON.NULL if parsed is None else parsed
