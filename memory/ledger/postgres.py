"""The PostgreSQL engine: pooled, bounded in time, durable, and walled off by tenant."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.pool import ConnectionPoolEntry

from memory.errors import SetupError
from memory.ledger.tenancy import enter

# Given at connection. Nothing of ours takes minutes; what does is broken off rather than piled up.
_SESSION = {
    "synchronous_commit": "on",
    "statement_timeout": "60s",
    "lock_timeout": "15s",
    "idle_in_transaction_session_timeout": "300s",
    "TimeZone": "UTC",
}
# Values of `synchronous_commit` under which a commit is on disk when it returns.
_DURABLE = {"on", "remote_apply"}
_CONNECT_SECONDS = 5
# One number for all replicas: who has this lock may change the schema.
_MIGRATING = 0x5A7C4E1


def postgres_engine(url: str, *, pool: int) -> sa.Engine:
    """Return an engine for a `postgresql://` URL; raise `SetupError` where it can't be one.

    A connection is checked before use, and refused with `SetupError` unless commits on it are durable.
    A transaction sees the rows of the tenant in its execution option `tenant`; without one, nothing.
    """
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError as error:
        raise SetupError("the database must be a URL like postgresql://user@host/name") from error
    if parsed.get_backend_name() != "postgresql":
        raise SetupError(f"the database must be a postgresql:// URL, not {parsed.get_backend_name()}://")
    settings = " ".join(f"-c {name}={value}" for name, value in _SESSION.items())
    arguments = {"options": settings, "connect_timeout": _CONNECT_SECONDS, "application_name": "satchel"}
    try:
        engine = sa.create_engine(
            parsed.set(drivername="postgresql+psycopg"),
            connect_args=arguments,
            pool_size=pool,
            max_overflow=pool,
            pool_timeout=10,
            pool_pre_ping=True,
            pool_recycle=3600,
            hide_parameters=True,  # values hold users' text, and errors are logged
        )
    except ModuleNotFoundError as error:
        raise SetupError("PostgreSQL needs its driver: pip install 'satchel[cluster]'") from error
    sa.event.listen(engine, "connect", _assert_durable)
    sa.event.listen(engine, "begin", _begin)
    return engine


def migrating(tx: sa.Connection) -> None:
    """Take the right to change the schema until the transaction ends; others that want it wait."""
    tx.execute(sa.text("SET LOCAL lock_timeout = 0"))
    tx.execute(sa.text("SET LOCAL statement_timeout = 0"))
    tx.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATING)))


def _assert_durable(connection: Any, _: ConnectionPoolEntry) -> None:
    with connection.cursor() as cursor:
        found = cursor.execute("SHOW synchronous_commit").fetchone()[0]
    connection.rollback()
    if found not in _DURABLE:
        raise SetupError(f"PostgreSQL keeps synchronous_commit={found!r}, not 'on': turns could be lost")


def _begin(connection: sa.Connection) -> None:
    enter(connection, connection.get_execution_options().get("tenant"))
