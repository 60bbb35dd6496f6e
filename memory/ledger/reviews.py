"""Reviews: flagged sessions that a person should look at, and what they decided."""

from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from memory.errors import ConflictError, NotFoundError
from memory.ledger import turns as turn_rows
from memory.ledger.schema import reviews, sessions, turns, users
from memory.times import now

Decision = Literal["agree", "disagree", "relabel"]
Status = Literal["open", "decided", "all"]


@dataclass(frozen=True, slots=True)
class Review:
    """A flag and its decision, without any text. Times in microseconds."""

    id: int
    session: str
    user: str
    turn: str
    policy: str
    level: str
    score: float
    opened_at: int
    decision: Decision | None
    relabelled: str | None
    decided_by: str | None
    decided_at: int | None


_COLUMNS = (
    reviews.c.id,
    sessions.c.name.label("session"),
    users.c.name.label("user"),
    turns.c.name.label("turn"),
    reviews.c.policy,
    reviews.c.level,
    reviews.c.score,
    reviews.c.opened_at,
    reviews.c.decision,
    reviews.c.relabelled,
    reviews.c.decided_by,
    reviews.c.decided_at,
)


def open_one(
    tx: sa.Connection, tenant: str, session: int, turn: int, *, policy: str, level: str, score: float
) -> bool:
    """Open a review, or raise the one that is open; return whether it is new or higher than before."""
    known = tx.execute(
        sa.select(reviews.c.id, reviews.c.level, reviews.c.decision).where(
            reviews.c.session_id == session, reviews.c.policy == policy
        )
    ).first()
    values = {"level": level, "score": score}
    if known is None:
        where = {"tenant": tenant, "session_id": session, "turn_id": turn, "policy": policy}
        tx.execute(sa.insert(reviews).values(**where, **values, opened_at=now()))
        return True
    if known.decision is None and known.level != level:
        tx.execute(sa.update(reviews).where(reviews.c.id == known.id).values(**values))
        return True
    return False


def page(tx: sa.Connection, tenant: str, status: Status, before: int | None, limit: int) -> list[Review]:
    """Return the tenant's reviews, newest first, below number `before`."""
    query = _select().where(reviews.c.tenant == tenant).order_by(reviews.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(reviews.c.id < before)
    if status != "all":
        decided = reviews.c.decision.is_not(None)
        query = query.where(decided if status == "decided" else ~decided)
    return [Review(*row) for row in tx.execute(query)]


def find(tx: sa.Connection, tenant: str, number: int) -> Review:
    """Return one review; raise `NotFoundError` where the tenant has none of that number."""
    row = tx.execute(_select().where(reviews.c.tenant == tenant, reviews.c.id == number)).first()
    if row is None:
        raise NotFoundError(f"no review {number}")
    return Review(*row)


def decide(
    tx: sa.Connection, tenant: str, number: int, *, decision: Decision, label: str | None, actor: str
) -> Review:
    """Keep a decision; raise `ConflictError` where there is one already."""
    if find(tx, tenant, number).decision is not None:
        raise ConflictError(f"the review {number} was decided already")
    values = {"decision": decision, "relabelled": label, "decided_by": actor, "decided_at": now()}
    tx.execute(sa.update(reviews).where(reviews.c.id == number).values(**values))
    return find(tx, tenant, number)


def flagged_text(tx: sa.Connection, number: int) -> str:
    """Return the turn at which the flag rose, as it was said."""
    row = tx.execute(
        sa.select(turns.c.tenant, turns.c.name)
        .join(reviews, reviews.c.turn_id == turns.c.id)
        .where(reviews.c.id == number)
    ).one()
    found = turn_rows.by_name(tx, row.tenant, row.name)
    if found is None:
        raise NotFoundError(f"no turn {row.name!r}")
    return found[0].content


def _select() -> sa.Select[*tuple[Any, ...]]:
    joined = (
        reviews.join(sessions, sessions.c.id == reviews.c.session_id)
        .join(users, users.c.id == sessions.c.user_id)
        .join(turns, turns.c.id == reviews.c.turn_id)
    )
    return sa.select(*_COLUMNS).select_from(joined)
