"""The ledger: a database, brought to the present schema, that hands out transactions."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa
import structlog

from memory.errors import BusyError, MasterKeyError
from memory.ledger import data_keys
from memory.ledger.alone import Alone, keeping
from memory.ledger.compaction import compact_sqlite
from memory.ledger.engine import reading, sqlite_engine, writing
from memory.ledger.held import held
from memory.ledger.postgres import postgres_engine
from memory.ledger.schema import tables, turns
from memory.ledger.tenancy import EVERY_TENANT, Tenancy
from memory.ledger.tombstones import PEPPER
from memory.ledger.upgrade import is_current, upgrade
from memory.ledger.vacuum import compact_postgres
from memory.ledger.wall import warn_if_unbound
from memory.scope import Scope
from memory.vault import KeyFile, Master, Vault
from memory.vault.master import new_key

log = structlog.get_logger()

T = TypeVar("T")

FILE = "ledger.sqlite3"
# How often a transaction that met another is begun anew.
_AGAIN = 3
KEY_FILE = "master.key"


class Ledger:
    """Hands out read and write transactions over one database, each bound to a tenant."""

    def __init__(self, engine: sa.Engine, master: Master) -> None:
        """`master` wraps the keys that content is sealed with; transactions carry it along."""
        self.master = master
        self.engine = engine.execution_options(vault=Vault(master))
        self._alone = Alone(engine)

    @classmethod
    def in_folder(cls, folder: Path, master: Master | None = None) -> "Ledger":
        """Open the SQLite ledger in `folder`, migrated to the present schema.

        Without a `master` its key is in the folder too. Raises `MasterKeyError` where it isn't the one.
        """
        ledger = cls(sqlite_engine(folder / FILE), master or KeyFile(folder / KEY_FILE))
        if not is_current(ledger.engine):
            upgrade(ledger.engine)
        ledger.unlock()
        return ledger

    @classmethod
    def on_server(cls, url: str, master: Master, *, owner: str | None = None, pool: int = 10) -> "Ledger":
        """Open the ledger on PostgreSQL, migrated to the present schema.

        owner: a URL for the role that the tables belong to, used to migrate them; without it, `url` is.
        pool: connections kept; as many again are opened under load. Raises `SetupError` for a URL or a
        role that won't do, `MasterKeyError` for another master key than the ledger's, and
        `UnavailableError` where the server doesn't answer.
        """
        ledger = cls(postgres_engine(url, pool=pool), master)
        try:
            prepare(ledger.engine, owner)
            ledger.unlock()
        except BaseException:
            ledger.close()
            raise
        return ledger

    def reading(self, tenant: Tenancy) -> AbstractContextManager[sa.Connection]:
        """Begin a transaction that sees one state."""
        return reading(self.engine, tenant=tenant)

    def writing(self, tenant: Tenancy) -> AbstractContextManager[sa.Connection]:
        """Begin a transaction whose writes are durable when it ends cleanly, and undone otherwise."""
        return writing(self.engine, tenant=tenant)

    def repeating(self, tenant: Tenancy, work: Callable[[sa.Connection], T]) -> T:
        """Do `work` in a write transaction, anew where others wrote the same rows at the same time.

        For work that has no effect but on the transaction. Raises `BusyError` after a few times.
        """
        for _ in range(_AGAIN):
            try:
                with self.writing(tenant) as tx:
                    return work(tx)
            except BusyError as error:
                log.info("ledger.again", error=type(error.__cause__).__name__)
        with self.writing(tenant) as tx:
            return work(tx)

    def alone(self, scope: Scope) -> AbstractContextManager[None]:
        """Keep the user's index to oneself: what is checked in the ledger holds until it is written there.

        Whoever changes the index does so under this lock: a worker looks again whether its turns are
        still in the ledger, writes them and takes them off the queue; a purge deletes what the ledger
        has no longer. So no turn is written after its own deletion.
        """
        return self._alone(scope)

    def keeping(self, *names: str, shared: bool = False) -> AbstractContextManager[bool]:
        """Hold names among all replicas, alone or `shared` with others; False where another has them."""
        return keeping(self.engine, *names, shared=shared)

    def unlock(self) -> None:
        """Raise `MasterKeyError` unless the master key opens this ledger; a new one takes it as its own.

        The pepper of tombstones tells: it is wrapped like the data keys.
        """
        with self.reading(EVERY_TENANT) as tx:
            if data_keys.secret(tx, PEPPER) is not None:
                return
            if tx.scalar(sa.select(turns.c.id).where(turns.c.sealed.is_not(None)).limit(1)) is not None:
                raise MasterKeyError(
                    "this copy of the ledger has none of its data keys: it is a backup, and must be "
                    "restored by `satchel backup restore`, or on PostgreSQL by `satchel backup finish`"
                )
        with self.writing(EVERY_TENANT) as tx:
            data_keys.make_secret(tx, PEPPER, new_key())
            data_keys.secret(tx, PEPPER)  # another replica may have been first, with another master key

    def compact(self, *, thorough: bool = False) -> str:
        """Get erased rows out of the files; return in words how. `thorough` rewrites what it takes.

        Raises `UnavailableError` where that can't be done now.
        """
        if self.engine.dialect.name == "postgresql":
            return compact_postgres(self.engine)  # there is no quicker way
        return compact_sqlite(self.engine, thorough=thorough)

    def held(self) -> Iterator[bytes]:
        """Yield all that is in the ledger now, as bytes, in parts."""
        with self.reading(EVERY_TENANT) as tx:
            yield from held(tx, tables)

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def prepare(engine: sa.Engine, owner: str | None) -> None:
    """Migrate a PostgreSQL ledger as `owner`, and warn where the service's role is bound by no wall."""
    if not is_current(engine):
        owning = postgres_engine(owner, pool=1) if owner else engine
        try:
            upgrade(owning, role=engine.url.username if owner else None)
        finally:
            if owning is not engine:
                owning.dispose()
    warn_if_unbound(engine)
