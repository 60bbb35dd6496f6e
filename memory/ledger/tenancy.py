"""Whose rows a transaction may touch: the second wall behind the scope argument.

Every statement names its tenant or user; that is the first wall. On PostgreSQL each transaction is also
bound to the tenant that it was begun for, by row-level security: a statement with a forgotten WHERE finds
that tenant's rows only, and a transaction bound to none finds nothing. Work that is nobody's in particular
(the outbox, purges that were cut off, looking up a key by its hash) says `EVERY_TENANT`.
"""

import enum
from typing import Final

import sqlalchemy as sa


class Every(enum.Enum):
    """The type of `EVERY_TENANT`: no name of a tenant can be taken for it."""

    TENANT = "every tenant"


EVERY_TENANT: Final = Every.TENANT
Tenancy = str | Every


def enter(connection: sa.Connection, tenancy: Tenancy | None) -> None:
    """Bind the transaction that has just begun, until it ends; None leaves it bound to no tenant."""
    if tenancy is None:
        return
    name, value = ("app.every_tenant", "on") if tenancy is EVERY_TENANT else ("app.tenant", tenancy)
    connection.execute(sa.select(sa.func.set_config(name, value, sa.true())))
