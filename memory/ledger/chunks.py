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


def is_listed(dialect: str, column: sa.ColumnElement[int]) -> sa.ColumnElement[bool]:
    """Return the condition that the column is one of the numbers in the parameter `numbers`, see `listed`.

    Hundreds of parameters take longer to be written into a statement than the database takes to answer it.
    """
    if dialect == "postgresql":
        return column == sa.any_(sa.bindparam("numbers", type_=postgresql.ARRAY(sa.BigInteger)))
    every = sa.func.json_each(sa.bindparam("numbers", type_=sa.Text)).table_valued("value")
    return column.in_(sa.select(every.c.value))


def listed(dialect: str, numbers: Collection[int]) -> list[int] | str:
    """Return numbers, however many, as the one parameter of `is_listed`."""
    return sorted(numbers) if dialect == "postgresql" else json.dumps(sorted(numbers))
