"""Transactions over a database engine, and the SQLite engine with the settings that durability needs."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from sqlite3 import Connection as SqliteConnection

import sqlalchemy as sa
from sqlalchemy.pool import ConnectionPoolEntry

from memory.errors import SetupError
from memory.ledger.failures import typed_failures

# Seconds a writer waits for another one.
_BUSY = 30
# A reader on PostgreSQL sees one state, as one on SQLite does by itself.
_SNAPSHOT = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


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
        hide_parameters=True,  # values hold names, and errors are logged
    )
    sa.event.listen(engine, "connect", _prepare)
    sa.event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: SqliteConnection, _: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # transactions begin in `_begin`, not in the driver
    # Takes effect in a new file only: pages that erasing freed can be given back a few at a time.
    connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
    wanted = {"journal_mode": "wal", "synchronous": 2, "secure_delete": 1, "foreign_keys": 1}
    for name, value in wanted.items():
        connection.execute(f"PRAGMA {name}={value}")
        found = connection.execute(f"PRAGMA {name}").fetchone()[0]
        if found != value:
            raise SetupError(f"SQLite keeps {name}={found!r}, not {value!r}; use a local file system")


def _begin(connection: sa.Connection) -> None:
    if connection.get_execution_options().get("isolation_level") == "AUTOCOMMIT":
        return  # SQLAlchemy says "begin" here too; VACUUM must not find a transaction
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def reading(engine: sa.Engine, **options: object) -> Iterator[sa.Connection]:
    """Yield a connection that sees one state of the database. `options` are for the engine's listeners."""
    snapshot = _SNAPSHOT if engine.dialect.name == "postgresql" else {}
    with _transaction(engine, {"writes": False} | snapshot | options) as connection:
        yield connection


@contextmanager
def writing(engine: sa.Engine, **options: object) -> Iterator[sa.Connection]:
    """Yield a connection in a write transaction: all of it is kept on a clean exit, else none."""
    with _transaction(engine, {"writes": True} | options) as connection:
        yield connection


@contextmanager
def _transaction(engine: sa.Engine, options: dict[str, object]) -> Iterator[sa.Connection]:
    with typed_failures(), engine.connect() as connection:
        chosen = connection.execution_options(**options)
        with chosen.begin():
            yield chosen
