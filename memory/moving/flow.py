"""One ledger becomes another: all rows in one transaction, verified before it ends."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

import sqlalchemy as sa

from memory.errors import CorruptFileError, SetupError
from memory.ledger import EVERY_TENANT, Ledger, numbers
from memory.ledger.schema import tables
from memory.moving.digest import Digest, digest
from memory.moving.rows import Row, put, stored

_BATCH = 500

# Told how many rows of a table have been copied so far.
Progress = Callable[[str, int], None]


@dataclass(frozen=True, slots=True)
class Moved:
    """What the new ledger holds: rows by table, and how many users have rows."""

    rows: dict[str, int]
    users: int


def move(source: Ledger, target: Ledger, progress: Progress = lambda _table, _rows: None) -> Moved:
    """Copy every row of every table, with its number, into an empty ledger.

    Nobody can write to `source` meanwhile. What was written is read back and compared by table and user
    before the one transaction ends: cut off or failed, it leaves nothing. Raises `SetupError` where the
    target isn't empty, `CorruptFileError` where it doesn't hold what the source does.
    """
    with source.writing(EVERY_TENANT) as reader, target.writing(EVERY_TENANT) as writer:
        _unhurried(reader)
        _unhurried(writer)
        _keep_still(reader)
        _refuse_unless_empty(writer)
        sent = Digest()
        for table in tables.sorted_tables:
            _copy(reader, writer, table, sent, progress)
        numbers.go_on_behind(writer, numbers.given(reader))
        if wrong := sent.differences(digest(writer)):
            raise CorruptFileError(f"what was moved isn't what was there: {'; '.join(wrong[:5])}")
    target.unlock()  # with the master key of the source, or what was moved can't be read
    rows = {name: one.rows for name, one in sent.tables.items()}
    return Moved(rows, rows.get("users", 0))


def _copy(
    reader: sa.Connection, writer: sa.Connection, table: sa.Table, sent: Digest, progress: Progress
) -> None:
    done = 0
    for batch in _batches(stored(reader, table)):
        for row, user in batch:
            sent.add(table.name, row, user)
        put(writer, table, [row for row, _ in batch])
        done += len(batch)
        progress(table.name, done)


def _batches(rows: Iterable[tuple[Row, int | None]]) -> Iterator[list[tuple[Row, int | None]]]:
    waiting = iter(rows)
    while batch := list(islice(waiting, _BATCH)):
        yield batch


def _keep_still(tx: sa.Connection) -> None:
    """Keep all others from writing until the transaction ends; on SQLite it does so by itself."""
    if tx.dialect.name == "postgresql":
        names = ", ".join(
            tx.dialect.identifier_preparer.format_table(table) for table in tables.sorted_tables
        )
        tx.exec_driver_sql(f"LOCK TABLE {names} IN SHARE MODE")


def _unhurried(tx: sa.Connection) -> None:
    """Let statements take what they take: there are as many rows as there are."""
    if tx.dialect.name == "postgresql":
        tx.exec_driver_sql("SET LOCAL statement_timeout = 0")
        tx.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")


def _refuse_unless_empty(tx: sa.Connection) -> None:
    for table in tables.sorted_tables:
        if tx.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).first() is not None:
            raise SetupError(
                f"the target's table {table.name} isn't empty; move into a database that no service has "
                "been started on, or drop this one and make it anew"
            )
