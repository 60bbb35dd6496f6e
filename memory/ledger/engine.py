"""Database engines, opened with the settings that durability needs."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from sqlite3 import Connection as SqliteConnection

import sqlalchemy as sa
from sqlalchemy.pool import ConnectionPoolEntry

from memory.errors import CorruptFileError, SetupError

# Seconds a writer waits for another one.
_BUSY = 30


def sqlite_engine(path: Path) -> sa.Engine:
    """Open (or make) an SQLite file: WAL, `synchronous=FULL`, `secure_delete`, foreign keys; all asserted.

    A transaction begun with the execution option `writes` takes the write lock at once, so that it
    can't fail half-way for having read before another wrote.
    """
    engine = sa.create_engine(
        sa.URL.create("sqlite", database=str(path)),
        connect_args={"timeout": _BUSY, "check_same_thread": False},
        pool_size=16,
        max_overflow=16,
    )
    sa.event.listen(engine, "connect", _prepare)
    sa.event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: SqliteConnection, _: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # transactions begin in `_begin`, not in the driver
    wanted = {"journal_mode": "wal", "synchronous": 2, "secure_delete": 1, "foreign_keys": 1}
    for name, value in wanted.items():
        connection.execute(f"PRAGMA {name}={value}")
        found = connection.execute(f"PRAGMA {name}").fetchone()[0]
        if found != value:
            raise SetupError(f"SQLite keeps {name}={found!r}, not {value!r}; use a local file system")


def _begin(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def reading(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Yield a connection that sees one state of the database."""
    with corrupt_is_typed(), engine.connect() as connection, connection.begin():
        yield connection


@contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Yield a connection in a write transaction: all of it is kept on a clean exit, else none."""
    with (
        corrupt_is_typed(),
        engine.connect().execution_options(writes=True) as connection,
        connection.begin(),
    ):
        yield connection


@contextmanager
def corrupt_is_typed() -> Iterator[None]:
    """Raise `CorruptFileError` where the database says that its file is damaged."""
    try:
        yield
    except sa.exc.DatabaseError as error:
        text = str(error.orig)
        if "malformed" in text or "not a database" in text:
            raise CorruptFileError(f"the database file is damaged: {text}") from error
        raise
