"""Getting erased bytes out of an SQLite file."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from sqlite3 import OperationalError

import sqlalchemy as sa

from memory.errors import UnavailableError

# A checkpoint that waits for readers holds up writers, so it waits briefly and tries often.
_WAIT_MS = 100
_TRIES = 40
_PAUSE = 0.15
# Free pages that are left for the next rows, and how many are given back in one transaction.
_SPARE = 256
_STEP = 512


def compact_sqlite(engine: sa.Engine, *, thorough: bool) -> str:
    """Write the log into the file and truncate it to nothing; `thorough` rewrites the file before.

    Else only the pages that erasing freed are given back, so that the file follows what is live.

    Erased rows are zeroed in the file already (`secure_delete`), but a page that was rebuilt may keep a
    copy in its unused part; rewriting (`VACUUM`) leaves none. Returns in words what was done; raises
    `UnavailableError` where a reader keeps the log from being truncated.
    """
    with _patient(engine) as connection:
        if thorough:
            connection.exec_driver_sql("VACUUM")
        else:
            _give_back(connection)
        for _ in range(_TRIES):
            busy, _, _ = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
            if not busy:
                return "secure_delete, VACUUM, log truncated" if thorough else "secure_delete, log truncated"
            time.sleep(_PAUSE)
    raise UnavailableError("a reader keeps the write-ahead log from being truncated")


def _give_back(connection: sa.Connection) -> None:
    """Give freed pages back to the file system, few at a time: no writer waits for long."""
    while connection.exec_driver_sql("PRAGMA freelist_count").scalar_one() > _SPARE:
        before = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        # It gives back a page a step, and says nothing: only `executescript` takes all steps, in one
        # transaction. By `execute` it is one page and one transaction, with its sync, each.
        cursor = connection.connection.cursor()
        try:
            cursor.executescript(f"PRAGMA incremental_vacuum({_STEP})")
        except OperationalError:
            return  # who writes goes first; the pages are given back another time
        if connection.exec_driver_sql("PRAGMA page_count").scalar_one() == before:
            return  # a file of before `auto_vacuum`, or a reader that needs the pages


@contextmanager
def _patient(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Yield a connection, outside of any transaction, that waits briefly for others."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        before = connection.exec_driver_sql("PRAGMA busy_timeout").scalar_one()
        connection.exec_driver_sql(f"PRAGMA busy_timeout={_WAIT_MS}")
        try:
            yield connection
        finally:
            connection.exec_driver_sql(f"PRAGMA busy_timeout={before}")
