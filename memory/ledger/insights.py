"""What is known about sessions: tag, risk, and the sums from which the next turn goes on."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from memory.ledger import turns
from memory.ledger.schema import insights, sessions
from memory.times import now

_COLUMNS = (
    insights.c.last_seq,
    insights.c.intent_state,
    insights.c.risk_state,
    insights.c.label,
    insights.c.intent_group,
    insights.c.confidence,
    insights.c.abstained,
    insights.c.level,
    insights.c.mood_first,
    insights.c.mood_last,
    insights.c.user_turns,
)


@dataclass(frozen=True, slots=True)
class Row:
    """A session's row. last_seq: the newest turn that is counted in. mood: -1 to 1, None at first."""

    last_seq: int = -1
    intent_state: dict[str, Any] | None = None
    risk_state: dict[str, Any] | None = None
    label: str | None = None
    intent_group: str | None = None
    confidence: float = 0.0
    abstained: bool = True
    level: str = "none"
    mood_first: float | None = None
    mood_last: float | None = None
    user_turns: int = 0


def find(tx: sa.Connection, session: int) -> Row:
    """Return a session's row; a blank one where nothing is known yet."""
    row = tx.execute(sa.select(*_COLUMNS).where(insights.c.session_id == session)).first()
    return Row() if row is None else Row(*row)


def by_name(tx: sa.Connection, tenant: str, name: str) -> tuple[int | None, Row]:
    """Return the number and the row of the tenant's session of that name; (None, blank) without one."""
    joined = sessions.outerjoin(insights, insights.c.session_id == sessions.c.id)
    query = sa.select(sessions.c.id, *_COLUMNS).select_from(joined)
    row = tx.execute(query.where(sessions.c.tenant == tenant, sessions.c.name == name)).first()
    if row is None:
        return None, Row()
    return row.id, Row() if row.last_seq is None else Row(*row[1:])


def lately_said(tx: sa.Connection, session: int, text: str, upto: int, count: int) -> bool:
    """Say whether one of the `count` turns up to place `upto` is `text`."""
    lately = turns.of_session(tx, session, after=upto - count, limit=count)
    return any(turn.content == text for turn in lately if turn.seq <= upto)


def of_sessions(tx: sa.Connection, numbers: Collection[int]) -> dict[int, Row]:
    """Return the rows of those sessions of which something is known."""
    query = sa.select(insights.c.session_id, *_COLUMNS).where(insights.c.session_id.in_(numbers))
    return {row.session_id: Row(*row[1:]) for row in tx.execute(query)}


def save(tx: sa.Connection, tenant: str, session: int, row: Row) -> None:
    """Write a session's row."""
    values = {column.name: getattr(row, column.name) for column in _COLUMNS} | {"updated_at": now()}
    done = tx.execute(sa.update(insights).where(insights.c.session_id == session).values(**values))
    if not done.rowcount:
        tx.execute(sa.insert(insights).values(session_id=session, tenant=tenant, **values))
