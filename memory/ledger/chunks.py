"""Long lists of numbers, in ways that every database takes."""

import json
from collections.abc import Collection, Iterator, Sequence

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

_CHUNK = 500


def chunks(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
    """Yield the numbers in their order, some hundreds at a time."""
    for start in range(0, len(numbers), _CHUNK):
        yield numbers[start : start + _CHUNK]


def among(
    tx: sa.Connection, column: sa.ColumnElement[int], numbers: Collection[int]
) -> sa.ColumnElement[bool]:
    """Return the condition that the column is one of the numbers, however many, as one parameter.

    Hundreds of parameters take longer to be written into a statement than the database takes to answer it.
    """
    if tx.dialect.name == "postgresql":
        listed = sa.bindparam(None, sorted(numbers), postgresql.ARRAY(sa.BigInteger), unique=True)
        return column == sa.any_(listed)
    text = sa.bindparam(None, json.dumps(sorted(numbers)), sa.Text, unique=True)
    return column.in_(sa.select(sa.func.json_each(text).table_valued("value").c.value))
