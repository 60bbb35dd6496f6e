"""Bringing a database to the present schema."""

import sqlalchemy as sa
import structlog
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from memory.ledger.engine import reading, writing
from memory.ledger.postgres import migrating
from memory.ledger.tenancy import EVERY_TENANT
from memory.ledger.wall import grant, raise_wall

log = structlog.get_logger()


def is_current(engine: sa.Engine) -> bool:
    """Tell whether the schema is this version's, or a newer one's.

    A migration leaves a schema that the version before it can work with, so that replicas are replaced
    one by one; an old one that is started meanwhile takes the newer schema as it is.
    """
    scripts = ScriptDirectory.from_config(_config())
    with reading(engine, tenant=EVERY_TENANT) as tx:
        found = MigrationContext.configure(tx).get_current_revision()
    if found is None or found == scripts.get_current_head():
        return found is not None
    newer = found not in {script.revision for script in scripts.walk_revisions()}
    if newer:
        log.warning("ledger.newer", schema=found, remedy="replace this version soon")
    return newer


def upgrade(engine: sa.Engine, *, role: str | None = None) -> None:
    """Run the migrations that are missing; replicas that start together do it one by one.

    role: who, on PostgreSQL, may then read and write rows, where that isn't the tables' owner.
    """
    config = _config()
    with writing(engine, tenant=EVERY_TENANT) as tx:
        postgres = tx.dialect.name == "postgresql"
        if postgres:
            migrating(tx)
        config.attributes["connection"] = tx
        command.upgrade(config, "head")
        if postgres:
            raise_wall(tx)
        if role is not None:
            grant(tx, role)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "memory.ledger:migrations")
    return config
