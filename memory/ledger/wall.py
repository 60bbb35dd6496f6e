"""Row-level security on PostgreSQL: raised around every table that holds a tenant's rows.

It is derived from the schema after each migration, so that a new table can't be forgotten.
"""

import sqlalchemy as sa
import structlog

from memory.ledger.engine import reading
from memory.ledger.schema import tables

log = structlog.get_logger()

_POLICY = "tenant_wall"
_MAINTAIN_SINCE = (17,)
_EVERY = "(SELECT current_setting('app.every_tenant', true)) = 'on'"
_TENANT = "(SELECT current_setting('app.tenant', true))"
# The columns by which a row is known to be a tenant's, in the order in which they are looked for.
_BY = {
    "tenant": f"tenant = {_TENANT}",
    "user_id": "EXISTS (SELECT FROM users WHERE users.id = user_id)",  # itself behind the wall
}


def raise_wall(tx: sa.Connection) -> None:
    """Let each table show the rows of the transaction's tenant only, to the tables' owner too."""
    standing = set(
        tx.scalars(sa.text("SELECT tablename FROM pg_policies WHERE policyname = :name"), {"name": _POLICY})
    )
    for table in tables.sorted_tables:
        rule = _rule(table)
        if rule is None or table.name in standing:
            continue
        name = tx.dialect.identifier_preparer.format_table(table)
        tx.exec_driver_sql(f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY")
        tx.exec_driver_sql(f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY")
        tx.exec_driver_sql(f"CREATE POLICY {_POLICY} ON {name} USING ({_EVERY} OR {rule})")


def grant(tx: sa.Connection, role: str) -> None:
    """Let a role read and write rows of all tables and compact these, and no more than that.

    Before PostgreSQL 17 only an owner may compact: there a purge leaves dead rows to the server's vacuum.
    """
    name = tx.dialect.identifier_preparer.quote(role)
    tx.exec_driver_sql(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {name}")
    if (tx.dialect.server_version_info or (0,)) >= _MAINTAIN_SINCE:
        tx.exec_driver_sql(f"GRANT MAINTAIN ON ALL TABLES IN SCHEMA public TO {name}")
    tx.exec_driver_sql(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {name}")


def warn_if_unbound(engine: sa.Engine) -> None:
    """Log a warning where the service's role is one that no row-level security binds."""
    query = sa.text("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
    with reading(engine) as tx:
        if tx.scalar(query):
            remedy = "connect as a role without SUPERUSER and BYPASSRLS; see docs/cluster.md"
            log.warning("ledger.no_wall", role=engine.url.username, remedy=remedy)


def walled() -> list[str]:
    """Return the names of the tables that hold tenants' rows."""
    return [table.name for table in tables.sorted_tables if _rule(table) is not None]


def _rule(table: sa.Table) -> str | None:
    if table.name == "tenants":
        return f"name = {_TENANT}"
    return next((rule for column, rule in _BY.items() if column in table.columns), None)
