"""Outcome events: how a session went on."""

import sqlalchemy as sa

from memory.errors import NotFoundError
from memory.ledger import contexts, sessions
from memory.ledger.schema import events, turns
from memory.times import now

# Outcomes that say that a session did not go well, and those by which a person judged.
FAILURES = ("retry", "abandon", "fallback", "tool_error", "thumbs_down")
_JUDGED = {"thumbs_up": True, "thumbs_down": False}


def add(tx: sa.Connection, tenant: str, session: str, kind: str, turn: str | None) -> None:
    """Note an outcome of a session or of one of its turns; raise `NotFoundError` where either is missing."""
    found = sessions.find(tx, tenant, session)
    if found is None:
        raise NotFoundError(f"no session {session!r}")
    turn_id = None
    if turn is not None:
        turn_id = tx.scalar(sa.select(turns.c.id).where(turns.c.session_id == found.id, turns.c.name == turn))
        if turn_id is None:
            raise NotFoundError(f"no turn {turn!r} in session {session!r}")
    at = now()
    values = {"tenant": tenant, "session_id": found.id, "turn_id": turn_id, "type": kind, "created_at": at}
    tx.execute(sa.insert(events).values(**values))
    contexts.judge(tx, found.id, failed=kind in FAILURES, liked=_JUDGED.get(kind), at=at)
