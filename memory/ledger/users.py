"""Tenants and their users."""

from dataclasses import dataclass

import sqlalchemy as sa

from memory.ledger.schema import tenants, users
from memory.scope import Scope
from memory.times import now


@dataclass(frozen=True, slots=True)
class User:
    """A user's number and how much is remembered of them: turns, and tokens of their content."""

    id: int
    turns: int
    tokens: int


def ensure_tenant(tx: sa.Connection, tenant: str) -> None:
    """Make the tenant where it is missing."""
    if tx.scalar(sa.select(tenants.c.name).where(tenants.c.name == tenant)) is None:
        tx.execute(sa.insert(tenants).values(name=tenant, created_at=now()))


def find(tx: sa.Connection, scope: Scope) -> User | None:
    """Return the scope's user, or None for one of whom nothing was ever remembered."""
    columns = (users.c.id, users.c.turns, users.c.tokens)
    row = tx.execute(
        sa.select(*columns).where(users.c.tenant == scope.tenant, users.c.name == scope.user)
    ).first()
    return None if row is None else User(row.id, row.turns, row.tokens)


def ensure(tx: sa.Connection, scope: Scope) -> User:
    """Return the scope's user, made where missing."""
    found = find(tx, scope)
    if found is not None:
        return found
    values = {"tenant": scope.tenant, "name": scope.user, "created_at": now(), "turns": 0, "tokens": 0}
    added = tx.execute(sa.insert(users).values(**values).returning(users.c.id))
    return User(added.scalar_one(), 0, 0)


def add_to_totals(tx: sa.Connection, user: int, *, turns: int, tokens: int) -> None:
    """Change what is remembered of the user by these amounts."""
    tx.execute(
        sa.update(users)
        .where(users.c.id == user)
        .values(turns=users.c.turns + turns, tokens=users.c.tokens + tokens)
    )


def page(tx: sa.Connection, tenant: str, after: int, limit: int) -> list[tuple[int, str]]:
    """Return the next users of a tenant, as (number, name)."""
    rows = tx.execute(
        sa.select(users.c.id, users.c.name)
        .where(users.c.tenant == tenant, users.c.id > after)
        .order_by(users.c.id)
        .limit(limit)
    )
    return [(row.id, row.name) for row in rows]
