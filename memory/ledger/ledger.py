"""The ledger: a database, brought to the present schema, that hands out transactions."""

from contextlib import AbstractContextManager
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from memory.ledger.engine import reading, sqlite_engine, writing

FILE = "ledger.sqlite3"


class Ledger:
    """Hands out read and write transactions over one database."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine

    @classmethod
    def in_folder(cls, folder: Path) -> "Ledger":
        """Open the SQLite ledger in `folder`, migrated to the present schema."""
        ledger = cls(sqlite_engine(folder / FILE))
        ledger.migrate()
        return ledger

    def reading(self) -> AbstractContextManager[sa.Connection]:
        """Begin a transaction that sees one state."""
        return reading(self.engine)

    def writing(self) -> AbstractContextManager[sa.Connection]:
        """Begin a transaction whose writes are durable when it ends cleanly, and undone otherwise."""
        return writing(self.engine)

    def migrate(self) -> None:
        """Bring the schema to the newest version."""
        config = Config()
        config.set_main_option("script_location", "memory.ledger:migrations")
        with self.writing() as tx:
            config.attributes["connection"] = tx
            command.upgrade(config, "head")

    def compact(self) -> None:
        """Write the log into the database file and empty it, so that erased rows are in neither."""
        if self.engine.dialect.name == "sqlite":
            with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()
