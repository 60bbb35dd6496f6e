"""Tenants and their users."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from memory.ledger.insert import insert_missing
from memory.ledger.schema import tenants, users
from memory.scope import Scope
from memory.times import now

# Made once: every request asks it, and to make a statement takes longer than to run it.
_FIND = sa.select(users.c.id, users.c.turns, users.c.tokens, users.c.version).where(
    users.c.tenant == sa.bindparam("tenant"), users.c.name == sa.bindparam("name")
)


@dataclass(frozen=True, slots=True)
class User:
    """A user's number and how much is remembered of them: turns, and tokens of their content.

    version: grows, in the same transaction, with each turn that is added or erased or that the index
    has taken in. Whatever is cached of a user holds only as long as `stamp` is what it was.
    """

    id: int
    turns: int
    tokens: int
    version: int

    @property
    def stamp(self) -> tuple[int, int]:
        """What to compare a cache with; a user who was purged and came back has another number."""
        return self.id, self.version


def ensure_tenant(tx: sa.Connection, tenant: str) -> None:
    """Make the tenant where it is missing."""
    insert_missing(tx, tenants, name=tenant, created_at=now())


def find(tx: sa.Connection, scope: Scope) -> User | None:
    """Return the scope's user, or None for one of whom nothing was ever remembered."""
    return _user(tx.execute(_FIND, {"tenant": scope.tenant, "name": scope.user}))


def ensure(tx: sa.Connection, scope: Scope) -> User:
    """Return the scope's user, made where missing, locked: whoever writes for a user waits for the other."""
    found = lock(tx, scope)
    if found is not None:
        return found
    values = {"tenant": scope.tenant, "name": scope.user, "created_at": now(), "turns": 0, "tokens": 0}
    insert_missing(tx, users, **values)
    return ensure(tx, scope)


def lock(tx: sa.Connection, scope: Scope) -> User | None:
    """Return the scope's user and keep other writers off it until the transaction ends."""
    locked = _FIND.with_for_update(key_share=True)
    return _user(tx.execute(locked, {"tenant": scope.tenant, "name": scope.user}))


def add_to_totals(tx: sa.Connection, user: int, *, turns: int, tokens: int) -> None:
    """Change what is remembered of the user by these amounts; another version."""
    tx.execute(
        sa.update(users)
        .where(users.c.id == user)
        .values(turns=users.c.turns + turns, tokens=users.c.tokens + tokens, version=users.c.version + 1)
    )


def touch(tx: sa.Connection, user: int) -> None:
    """Say that what can be recalled of the user is not what it was: another version."""
    tx.execute(sa.update(users).where(users.c.id == user).values(version=users.c.version + 1))


def turns_of(tx: sa.Connection, tenant: str) -> int:
    """Return how many turns are remembered of all users of a tenant."""
    total = sa.select(sa.func.coalesce(sa.func.sum(users.c.turns), 0)).where(users.c.tenant == tenant)
    return int(tx.scalar(total) or 0)


def page(tx: sa.Connection, tenant: str, after: int, limit: int) -> list[tuple[int, str]]:
    """Return the next users of a tenant, as (number, name)."""
    rows = tx.execute(
        sa.select(users.c.id, users.c.name)
        .where(users.c.tenant == tenant, users.c.id > after)
        .order_by(users.c.id)
        .limit(limit)
    )
    return [(row.id, row.name) for row in rows]


def _user(found: sa.CursorResult[*tuple[Any, ...]]) -> User | None:
    row = found.first()
    return None if row is None else User(row.id, row.turns, row.tokens, row.version)
