"""Compaction of an SQLite file gives back what erasing freed, a few large steps at a time."""

from pathlib import Path
from sqlite3 import Connection

import sqlalchemy as sa

from memory.ledger.compaction import compact_sqlite
from memory.ledger.engine import sqlite_engine, writing

PAGES = 2000


def test_freed_pages_go_in_few_transactions(tmp_path: Path) -> None:
    """A transaction for each page would sync the disk as often."""
    engine = sqlite_engine(tmp_path / "one.db")
    asked: list[str] = []
    sa.event.listen(engine, "connect", lambda dbapi, _: _traced(dbapi, asked))
    with writing(engine) as tx:
        tx.exec_driver_sql("CREATE TABLE notes (content BLOB)")
        for _ in range(PAGES):
            tx.exec_driver_sql("INSERT INTO notes VALUES (randomblob(4000))")
    with writing(engine) as tx:
        tx.exec_driver_sql("DELETE FROM notes")
    before = (tmp_path / "one.db").stat().st_size

    compact_sqlite(engine, thorough=False)

    engine.dispose()
    assert before > PAGES * 4000
    assert (tmp_path / "one.db").stat().st_size < before / 4
    assert 1 <= sum("incremental_vacuum" in text for text in asked) < PAGES / 100


def _traced(connection: Connection, asked: list[str]) -> None:
    connection.set_trace_callback(asked.append)
