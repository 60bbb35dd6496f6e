"""Getting erased bytes out of a database's files."""

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
# Tables that hold what users said or are called.
_REWRITTEN = (
    "turns",
    "sessions",
    "users",
    "outbox",
    "events",
    "reviews",
    "insights",
    "idempotency",
    "purges",
    "data_keys",
)
# Who may: since PostgreSQL 17 whoever was granted it, before that the owner.
_MAY = "has_table_privilege(tablename, 'MAINTAIN')"
_OWNS = "pg_has_role(tableowner, 'USAGE')"
_ASKED = "SELECT bool_and({}) FROM pg_tables WHERE schemaname = current_schema() AND tablename = ANY(:names)"
_GRANTABLE = (17,)


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


def compact_postgres(engine: sa.Engine) -> str:
    """Rewrite the tables that texts were erased from, so that no dead row is left in their files.

    A plain `VACUUM` frees the room of dead rows but leaves their bytes. For a role that
    may not do it the server skips it with a mere warning, so that is asked first. The write-ahead log is
    the server's: it holds what was written until its segments are used again. Returns in words what was
    done and what not.
    """
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT", tenant=None) as connection:
        granted = (connection.dialect.server_version_info or (0,)) >= _GRANTABLE
        asked = sa.text(_ASKED.format(_MAY if granted else _OWNS))
        if not connection.scalar(asked, {"names": list(_REWRITTEN)}):
            return (
                "deleted; dead rows, encrypted, stay in the server's files until the tables' owner runs "
                "VACUUM FULL, and in its write-ahead log until its segments are used again"
            )
        connection.exec_driver_sql("SET statement_timeout = 0")
        try:
            for table in _REWRITTEN:
                connection.exec_driver_sql(f"VACUUM (FULL) {table}")
        finally:
            connection.exec_driver_sql("RESET statement_timeout")
    return "VACUUM FULL; the server's write-ahead log holds it until its segments are used again"


def _give_back(connection: sa.Connection) -> None:
    """Give freed pages back to the file system, few at a time: no writer waits for long."""
    while connection.exec_driver_sql("PRAGMA freelist_count").scalar_one() > _SPARE:
        before = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        # It works a page for each row that is fetched, of no columns: SQLAlchemy takes that for none.
        cursor = connection.connection.cursor()
        try:
            cursor.execute(f"PRAGMA incremental_vacuum({_STEP})")
            cursor.fetchall()
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
