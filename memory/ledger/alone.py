"""One at a time for each user, among all threads and replicas."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from memory.ledger.engine import writing
from memory.ledger.failures import typed_failures
from memory.scope import Scope

_STRIPES = 64
# In one statement, so that waiting is bounded by whoever holds the lock and not by the usual limits.
_UNHURRIED = ("lock_timeout", "statement_timeout")


class Alone:
    """Hands out locks by user, for what the ledger and the index must see in one order.

    On PostgreSQL an advisory lock, let go with its transaction, however that ends; on SQLite, whose
    embedded index one process has to itself, a lock in this process.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._locks = [threading.RLock() for _ in range(_STRIPES)]

    @contextmanager
    def __call__(self, scope: Scope) -> Iterator[None]:
        """Hold the user's lock; others wait for it."""
        number = _number(scope.tenant, scope.user)
        if self._engine.dialect.name != "postgresql":
            with self._locks[number % _STRIPES]:
                yield
            return
        with writing(self._engine) as tx:
            tx.execute(sa.select(*(sa.func.set_config(name, "0", sa.true()) for name in _UNHURRIED)))
            tx.execute(sa.select(sa.func.pg_advisory_xact_lock(number)))
            yield


def first(tx: sa.Connection, *names: str) -> bool:
    """Take these names until the transaction ends; False where another transaction has them.

    On SQLite write transactions come one after the other, so none has.
    """
    if tx.dialect.name != "postgresql":
        return True
    return bool(tx.scalar(sa.select(sa.func.pg_try_advisory_xact_lock(_number(*names)))))


@contextmanager
def keeping(engine: sa.Engine, *names: str, shared: bool = False) -> Iterator[bool]:
    """Hold these names until the end, in no transaction; yield False where another process has them.

    Any number may hold names as `shared` at once, or one alone. The server lets go of what a killed process
    held. On SQLite, whose file one process has to itself, they are always free.
    """
    if engine.dialect.name != "postgresql":
        yield True
        return
    with typed_failures(), engine.connect() as connection:
        outside = connection.execution_options(isolation_level="AUTOCOMMIT")
        take = sa.func.pg_try_advisory_lock_shared if shared else sa.func.pg_try_advisory_lock
        leave = sa.func.pg_advisory_unlock_shared if shared else sa.func.pg_advisory_unlock
        number = _number(*names)
        mine = bool(outside.scalar(sa.select(take(number))))
        try:
            yield mine
        finally:
            if mine:
                outside.execute(sa.select(leave(number)))


def _number(*names: str) -> int:
    """Return 63 bits of the names; others that share them merely wait for each other."""
    digest = hashlib.blake2b("\0".join(names).encode(), digest_size=8).digest()
    return int.from_bytes(digest) >> 1
