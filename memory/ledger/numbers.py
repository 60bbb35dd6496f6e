"""Numbers of rows are never given twice, also after an older copy of the ledger came back."""

import sqlalchemy as sa

from memory.ledger.schema import reviews, sessions, turns, users

_TABLES = (users, sessions, turns, reviews)


def go_on_from(tx: sa.Connection, number: int) -> None:
    """Give numbers above `number` from now on, and above all that were given."""
    for table in _TABLES:
        highest = max(number, tx.scalar(sa.select(sa.func.max(table.c.id))) or 0)
        if tx.dialect.name == "postgresql":
            sequence = sa.func.pg_get_serial_sequence(table.name, "id")
            tx.execute(sa.select(sa.func.setval(sequence, highest)))
            continue
        tx.execute(sa.text("DELETE FROM sqlite_sequence WHERE name = :name"), {"name": table.name})
        row = {"name": table.name, "seq": highest}
        tx.execute(sa.text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :seq)"), row)
