"""Turns that the index doesn't have yet."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from memory.ledger.schema import outbox, turns, users
from memory.scope import Scope

# Microseconds before a turn is tried again, doubled each time up to the longest.
_FIRST_DELAY = 200_000
_LONGEST_DELAY = 60_000_000
_DOUBLINGS = 16


@dataclass(frozen=True, slots=True)
class Due:
    """A queued turn and whose it is."""

    turn: int
    scope: Scope


def put(tx: sa.Connection, user: int, ids: Sequence[int], at: int) -> None:
    """Queue turns."""
    rows = [{"turn_id": turn, "user_id": user, "attempts": 0, "due_at": at} for turn in ids]
    tx.execute(sa.insert(outbox), rows)


def due(tx: sa.Connection, at: int, limit: int) -> list[Due]:
    """Return the turns that have waited longest, among those due."""
    rows = tx.execute(
        sa.select(outbox.c.turn_id, users.c.tenant, users.c.name)
        .join(users, users.c.id == outbox.c.user_id)
        .where(outbox.c.due_at <= at)
        .order_by(outbox.c.due_at, outbox.c.turn_id)
        .limit(limit)
    )
    return [Due(row.turn_id, Scope(row.tenant, row.name)) for row in rows]


def done(tx: sa.Connection, ids: Collection[int]) -> None:
    """Take turns off the queue."""
    tx.execute(sa.delete(outbox).where(outbox.c.turn_id.in_(ids)))


def failed(tx: sa.Connection, ids: Collection[int], at: int, error: str) -> None:
    """Put turns off, longer each time; they are never given up."""
    doublings = sa.case((outbox.c.attempts > _DOUBLINGS, _DOUBLINGS), else_=outbox.c.attempts)
    delay = _FIRST_DELAY * sa.func.pow(2, doublings)
    bounded = sa.case((delay > _LONGEST_DELAY, _LONGEST_DELAY), else_=delay)
    tx.execute(
        sa.update(outbox)
        .where(outbox.c.turn_id.in_(ids))
        .values(
            attempts=outbox.c.attempts + 1,
            due_at=at + sa.cast(bounded, sa.BigInteger),
            error=error[:500],
        )
    )


def pending(tx: sa.Connection, user: int) -> list[int]:
    """Return the user's queued turns in order."""
    query = sa.select(outbox.c.turn_id).where(outbox.c.user_id == user).order_by(outbox.c.turn_id)
    return list(tx.scalars(query))


def depth(tx: sa.Connection) -> int:
    """Return how many turns are queued in all."""
    return int(tx.scalar(sa.select(sa.func.count()).select_from(outbox)) or 0)


def requeue(tx: sa.Connection, at: int, scope: Scope | None = None) -> int:
    """Queue every turn of a user, or of everybody where the whole index is rebuilt; return how many."""
    chosen = sa.select(turns.c.id, turns.c.user_id, sa.literal(0), sa.literal(at)).where(
        turns.c.id.not_in(sa.select(outbox.c.turn_id))
    )
    if scope is not None:
        mine = sa.select(users.c.id).where(users.c.tenant == scope.tenant, users.c.name == scope.user)
        chosen = chosen.where(turns.c.user_id.in_(mine))
    added = tx.execute(sa.insert(outbox).from_select(["turn_id", "user_id", "attempts", "due_at"], chosen))
    return int(added.rowcount)
