"""Turns that the index doesn't have yet, and which worker has them in hand.

Any number of workers take turns from here, each a user's at a time: a session's turns are counted in by
one worker, in order. A claim lapses by itself, so what a killed worker held is taken up by another.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from memory.ledger.schema import outbox, turns, users
from memory.scope import Scope

# Microseconds before a turn is tried again, doubled each time up to the longest.
_FIRST_DELAY = 200_000
LONGEST_DELAY = 60_000_000
_DOUBLINGS = 16

_CHUNK = 500

# Microseconds for which a claim holds unless it is held on to: what a killed worker had waits as long.
LEASE = 15_000_000

# Users whose turns are taken in hand at once. Few, so that workers that ask at one moment all find some.
_USERS = 8

# Made once: every recall asks it, and to make a statement takes longer than to run it.
_PENDING = (
    sa.select(outbox.c.turn_id).where(outbox.c.user_id == sa.bindparam("user")).order_by(outbox.c.turn_id)
)


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


def claim(tx: sa.Connection, worker: str, at: int, limit: int, *, after: int = 0) -> list[Claim]:
    """Take in hand up to `limit` due turns, of users whom no other worker has, in order of their numbers.

    It begins behind the user of number `after`, so that a worker that says whom it had last comes round to
    everybody. Workers that ask at the same moment get different users: rows that one has locked, the others
    skip. However many turns others have in hand, they are not looked through.
    """
    free = _free_with_turns(tx, worker, at, after)
    if not free:
        return claim(tx, worker, at, limit) if after else []
    claims: list[Claim] = []
    queued = _first_turns(tx, [row.id for row in free], at, limit)
    for row in free:
        mine = tuple((turn.turn_id, turn.tokens) for turn in queued if turn.user_id == row.id)[:limit]
        if mine:
            claims.append(Claim(worker, row.id, Scope(row.tenant, row.name), mine))
            limit -= len(mine)
    taken = [claim.user for claim in claims]
    tx.execute(
        sa.update(users).where(users.c.id.in_(taken)).values(claimed_by=worker, claimed_until=at + LEASE)
    )
    return claims


def _free_with_turns(
    tx: sa.Connection, worker: str, at: int, after: int
) -> Sequence[sa.Row[*tuple[Any, ...]]]:
    """Return some users who have due turns and whom no other worker has, and lock their rows."""
    # From one user to the next by the index, whatever the length of each one's queue.
    first = sa.select(sa.func.min(outbox.c.user_id).label("id")).where(outbox.c.user_id > after)
    queued = first.cte("queued", recursive=True)
    following = sa.select(sa.func.min(outbox.c.user_id)).where(outbox.c.user_id > queued.c.id)
    queued = queued.union_all(
        sa.select(following.correlate(queued).scalar_subquery()).where(queued.c.id.is_not(None))
    )
    free = sa.or_(users.c.claimed_until.is_(None), users.c.claimed_until <= at, users.c.claimed_by == worker)
    due = sa.exists().where(outbox.c.user_id == users.c.id, outbox.c.due_at <= at)
    return tx.execute(
        sa.select(users.c.id, users.c.tenant, users.c.name)
        .select_from(queued.join(users, users.c.id == queued.c.id))
        .where(free, due)
        .limit(_USERS)
        .with_for_update(of=users, key_share=True, skip_locked=True)
    ).all()


def _first_turns(
    tx: sa.Connection, of: Sequence[int], at: int, limit: int
) -> Sequence[sa.Row[*tuple[Any, ...]]]:
    """Return the first due turns of each of these users, by number."""
    each = [
        sa.select(outbox.c.turn_id, outbox.c.user_id, turns.c.tokens)
        .join(turns, turns.c.id == outbox.c.turn_id)
        .where(outbox.c.user_id == user, outbox.c.due_at <= at)
        .order_by(outbox.c.turn_id)
        .limit(limit)
        .subquery()
        for user in of
    ]
    return tx.execute(sa.union_all(*(sa.select(one) for one in each)).order_by("turn_id")).all()


def renew(tx: sa.Connection, claim: Claim, at: int) -> bool:
    """Hold a claim for longer, and the user's row until the transaction ends; False if another has it."""
    mine = (users.c.id == claim.user, users.c.claimed_by == claim.worker)
    return bool(tx.execute(sa.update(users).where(*mine).values(claimed_until=at + LEASE)).rowcount)


def hold(tx: sa.Connection, claims: Sequence[Claim], at: int) -> None:
    """Hold claims for longer, those that no other worker has taken since."""
    for claim in claims:
        renew(tx, claim, at)


def release(tx: sa.Connection, claims: Sequence[Claim]) -> None:
    """Let claims go."""
    for claim in claims:
        mine = (users.c.id == claim.user, users.c.claimed_by == claim.worker)
        tx.execute(sa.update(users).where(*mine).values(claimed_by=None, claimed_until=None))


def release_all(tx: sa.Connection) -> None:
    """Let go of everybody's claims, where no other worker can be at work."""
    held = users.c.claimed_by.is_not(None)
    tx.execute(sa.update(users).where(held).values(claimed_by=None, claimed_until=None))


def done(tx: sa.Connection, ids: Collection[int]) -> set[int]:
    """Take turns off the queue; return those that were on it."""
    return set(tx.scalars(sa.delete(outbox).where(outbox.c.turn_id.in_(ids)).returning(outbox.c.turn_id)))


def failed(
    tx: sa.Connection, ids: Collection[int], at: int, error: str, *, longest: int = LONGEST_DELAY
) -> None:
    """Put turns off, longer each time up to `longest` microseconds; they are never given up."""
    doublings = sa.case((outbox.c.attempts > _DOUBLINGS, _DOUBLINGS), else_=outbox.c.attempts)
    delay = _FIRST_DELAY * sa.func.pow(2, doublings)
    bounded = sa.case((delay > longest, longest), else_=delay)
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
    return list(tx.scalars(_PENDING, {"user": user}))


def waiting(tx: sa.Connection, ids: Collection[int]) -> set[int]:
    """Return those of the turns that are queued."""
    return set(tx.scalars(sa.select(outbox.c.turn_id).where(outbox.c.turn_id.in_(ids))))


def scopes(tx: sa.Connection) -> set[Scope]:
    """Return the users who have queued turns."""
    query = sa.select(users.c.tenant, users.c.name).where(users.c.id.in_(sa.select(outbox.c.user_id)))
    return {Scope(row.tenant, row.name) for row in tx.execute(query)}


def depth(tx: sa.Connection) -> int:
    """Return how many turns are queued in all."""
    return int(tx.scalar(sa.select(sa.func.count()).select_from(outbox)) or 0)


def again(tx: sa.Connection, ids: Sequence[int], at: int) -> int:
    """Queue those of these turns that are there and not queued; return how many."""
    queued = 0
    for start in range(0, len(ids), _CHUNK):
        chosen = sa.select(turns.c.id, turns.c.user_id, sa.literal(0), sa.literal(at)).where(
            turns.c.id.in_(ids[start : start + _CHUNK]), turns.c.id.not_in(sa.select(outbox.c.turn_id))
        )
        names = ["turn_id", "user_id", "attempts", "due_at"]
        queued += int(tx.execute(sa.insert(outbox).from_select(names, chosen)).rowcount)
    return queued


def requeue(tx: sa.Connection, at: int, scope: Scope | None = None) -> int:
    """Queue every turn of a user, or of everybody where the whole index is rebuilt; return how many."""
    chosen = sa.select(turns.c.id, turns.c.user_id, sa.literal(0), sa.literal(at)).where(
        turns.c.id.not_in(sa.select(outbox.c.turn_id))
    )
    if scope is not None:
        mine = sa.select(users.c.id).where(users.c.tenant == scope.tenant, users.c.name == scope.user)
        chosen = chosen.where(turns.c.user_id.in_(mine))
    add = sa.insert(outbox).from_select(["turn_id", "user_id", "attempts", "due_at"], chosen)
    return int(tx.execute(add, execution_options={"preserve_rowcount": True}).rowcount)
