"""Turns that the index doesn't have yet, and which worker has them in hand.

Any number of workers take turns from here, each a user's at a time: a session's turns are counted in by
one worker, in order. A claim lapses by itself, so what a killed worker held is taken up by another.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import groupby

import sqlalchemy as sa

from memory.ledger.schema import outbox, turns, users
from memory.scope import Scope

# Microseconds before a turn is tried again, doubled each time up to the longest.
_FIRST_DELAY = 200_000
_LONGEST_DELAY = 60_000_000
_DOUBLINGS = 16

# Microseconds for which a claim holds: longer than the largest turn takes to encode.
LEASE = 300_000_000


@dataclass(frozen=True, slots=True)
class Claim:
    """A user's queued turns in one worker's hands: (number, tokens), by number."""

    worker: str
    user: int
    scope: Scope
    turns: tuple[tuple[int, int], ...]


def put(tx: sa.Connection, user: int, ids: Sequence[int], at: int) -> None:
    """Queue turns."""
    rows = [{"turn_id": turn, "user_id": user, "attempts": 0, "due_at": at} for turn in ids]
    tx.execute(sa.insert(outbox), rows)


def claim(tx: sa.Connection, worker: str, at: int, limit: int) -> list[Claim]:
    """Take in hand the turns that have waited longest, among those due whose user no other worker has.

    Workers that ask at the same moment get different users: rows that one has locked, the others skip.
    """
    free = sa.or_(users.c.claimed_until.is_(None), users.c.claimed_until <= at, users.c.claimed_by == worker)
    rows = tx.execute(
        sa.select(outbox.c.turn_id, turns.c.tokens, users.c.id, users.c.tenant, users.c.name)
        .join(users, users.c.id == outbox.c.user_id)
        .join(turns, turns.c.id == outbox.c.turn_id)
        .where(outbox.c.due_at <= at, free)
        .order_by(outbox.c.due_at, outbox.c.turn_id)
        .limit(limit)
        .with_for_update(of=users, key_share=True, skip_locked=True)
    ).all()
    taken = {row.id for row in rows}
    tx.execute(
        sa.update(users).where(users.c.id.in_(taken)).values(claimed_by=worker, claimed_until=at + LEASE)
    )
    ordered = sorted(rows, key=lambda row: (row.id, row.turn_id))
    return [
        Claim(worker, user, Scope(mine[0].tenant, mine[0].name), tuple((r.turn_id, r.tokens) for r in mine))
        for user, mine in ((user, list(group)) for user, group in groupby(ordered, lambda row: row.id))
    ]


def renew(tx: sa.Connection, claim: Claim, at: int) -> bool:
    """Hold a claim for longer, and the user's row until the transaction ends; False if another has it."""
    mine = (users.c.id == claim.user, users.c.claimed_by == claim.worker)
    return bool(tx.execute(sa.update(users).where(*mine).values(claimed_until=at + LEASE)).rowcount)


def release(tx: sa.Connection, worker: str | None = None) -> None:
    """Let go of all that a worker has in hand; of everything, where no other can be at work."""
    held = users.c.claimed_by.is_not(None) if worker is None else users.c.claimed_by == worker
    tx.execute(sa.update(users).where(held).values(claimed_by=None, claimed_until=None))


def done(tx: sa.Connection, ids: Collection[int]) -> set[int]:
    """Take turns off the queue; return those that were on it."""
    return set(tx.scalars(sa.delete(outbox).where(outbox.c.turn_id.in_(ids)).returning(outbox.c.turn_id)))


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


def waiting(tx: sa.Connection, ids: Collection[int]) -> set[int]:
    """Return those of the turns that are queued."""
    return set(tx.scalars(sa.select(outbox.c.turn_id).where(outbox.c.turn_id.in_(ids))))


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
