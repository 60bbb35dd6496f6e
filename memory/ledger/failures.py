"""What a database's own errors mean for the caller."""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from memory.errors import BusyError, CorruptFileError, FullError, SatchelError, SetupError, UnavailableError

# PostgreSQL, SQLSTATE: serialization_failure, deadlock_detected, unique_violation. The last means that
# another transaction wrote the same after this one had looked: a second look finds it.
_CONTENDED = {"40001", "40P01", "23505"}
_LOCKED = "55P03"
_HELD = "other requests hold the ledger for too long; try again"
_FORBIDDEN = "42501"
# Classes: connection exception, insufficient resources, operator intervention (also: timed out), system.
_DOWN = {"08", "53", "57", "58"}

# What SQLite says where a write fails: no space, a quota, a broken disk; likewise PostgreSQL (class 53100).
_NO_ROOM = ("disk is full", "disk I/O error", "No space left on device")


@contextmanager
def typed_failures() -> Iterator[None]:
    """Raise the error of ours where the database's is one that the caller can act on.

    `CorruptFileError` for a damaged file, `BusyError` where others wrote the same rows (the
    same transaction again may do), `UnavailableError` where the server doesn't answer, `SetupError` where
    the role lacks a right.
    """
    try:
        yield
    except sa.exc.TimeoutError as error:
        raise UnavailableError("all connections to the ledger are in use; try again") from error
    except sa.exc.DBAPIError as error:
        found = _meaning(error)
        if found is None:
            raise
        raise found from error


def _meaning(error: sa.exc.DBAPIError) -> SatchelError | None:
    # Without the statement and its values, which hold users' text.
    text = str(error.orig).strip()
    if any(sign in text for sign in _NO_ROOM):
        return FullError("the disk under the ledger takes nothing more; nothing of this request was kept")
    if hasattr(error.orig, "sqlstate"):  # psycopg's errors have it, None where no server spoke
        return _of_postgres(error, getattr(error.orig, "sqlstate", None), text)
    if "malformed" in text or "not a database" in text:
        return CorruptFileError(f"the database file is damaged: {text}")
    return UnavailableError(_HELD) if "database is locked" in text else None


def _of_postgres(error: sa.exc.DBAPIError, state: str | None, text: str) -> SatchelError | None:
    if state in _CONTENDED:
        return BusyError("another request writes the same rows; try again")
    if state == _LOCKED:
        return UnavailableError(_HELD)
    if state == _FORBIDDEN:
        return SetupError(f"the database role may not do that: {text.splitlines()[0]}; see docs/cluster.md")
    unreached = state is None and isinstance(error, sa.exc.OperationalError)
    if unreached or error.connection_invalidated or (state or "")[:2] in _DOWN:
        return UnavailableError("the ledger's database doesn't answer; try again")
    return None
