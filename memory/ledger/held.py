"""Everything that a database holds now, as bytes."""

from collections.abc import Iterator

import sqlalchemy as sa

_PART = 1024 * 1024
_ROWS = 500
_TEXTUAL = (sa.Text, sa.JSON, sa.LargeBinary, sa.String)


def held(tx: sa.Connection, tables: sa.MetaData) -> Iterator[bytes]:
    """Yield the texts and bytes of every row, in parts of about a megabyte, and the schema's own words."""
    if tx.dialect.name == "sqlite":
        words = tx.exec_driver_sql("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")
        yield b"\0".join(sql.encode() for (sql,) in words)
    for table in tables.sorted_tables:
        yield from _of_table(tx, table)


def _of_table(tx: sa.Connection, table: sa.Table) -> Iterator[bytes]:
    columns = [
        sa.cast(column, sa.Text) if isinstance(column.type, sa.JSON) else column
        for column in table.columns
        if isinstance(column.type, _TEXTUAL)
    ]
    if not columns:
        return
    rows = tx.execution_options(yield_per=_ROWS).execute(sa.select(*columns))
    part: list[bytes] = []
    size = 0
    for row in rows:
        for value in row:
            if value is None:
                continue
            data = value.encode() if isinstance(value, str) else bytes(value)
            part.append(data)
            size += len(data)
        if size > _PART:
            yield b"\0".join(part)
            part, size = [], 0
    yield b"\0".join(part)
