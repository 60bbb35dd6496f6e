"""Sessions, their turns, and how they went."""

from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Path, Query

from api.access import Caller
from api.http.auth import Opened, Reader, Writer
from api.http.insight import intent_out, risk_out
from api.http.models import EventIn, EventOut, Name, SessionOut, SessionsOut, TurnOut, TurnsPage
from memory.errors import InvalidInputError, NotFoundError
from memory.ledger import events, insights, sessions, turns
from memory.ledger.insights import Row
from memory.ledger.sessions import Session
from memory.times import to_datetime
from memory.turns import Turn

router = APIRouter(tags=["sessions"])

Cursor = Annotated[str | None, Query(description="`next` of the page before.")]
Limit = Annotated[int, Query(ge=1, le=500)]


@router.get("/v1/sessions")
def list_sessions(
    user_id: Annotated[Name, Query()],
    opened: Opened,
    caller: Reader,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> SessionsOut:
    """List a user's sessions, newest first."""
    scope = caller.scope(user_id)
    with opened.ledger.reading(caller.tenant) as tx:
        page = sessions.page(tx, scope, place(cursor), limit)
        known = insights.of_sessions(tx, [session.id for session in page])
    shown = [_session(opened, session, user_id, known.get(session.id, Row())) for session in page]
    more = str(page[-1].id) if len(page) == limit else None
    return SessionsOut(sessions=shown, next=more)


@router.get("/v1/sessions/{session_id}")
def get_session(session_id: Annotated[Name, Path()], opened: Opened, caller: Reader) -> SessionOut:
    """Return one session's totals."""
    with opened.ledger.reading(caller.tenant) as tx:
        found, user = _found(tx, caller, session_id)
        return _session(opened, found, user, insights.find(tx, found.id))


@router.get("/v1/sessions/{session_id}/turns")
def list_turns(
    session_id: Annotated[Name, Path()],
    opened: Opened,
    caller: Reader,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> TurnsPage:
    """Return a session's turns in order, verbatim."""
    after = place(cursor)
    with opened.ledger.reading(caller.tenant) as tx:
        found, _ = _found(tx, caller, session_id)
        page = turns.of_session(tx, found.id, after=-1 if after is None else after, limit=limit)
    more = str(page[-1].seq) if len(page) == limit else None
    return TurnsPage(turns=[turn_out(turn) for turn in page], next=more)


@router.post("/v1/sessions/{session_id}/events", status_code=201)
def post_event(
    session_id: Annotated[Name, Path()], body: EventIn, opened: Opened, caller: Writer
) -> EventOut:
    """Note how the session went on: outcomes tell which contexts were good."""
    opened.recalls.flush()  # what the outcome is about may have been handed out a moment ago
    with opened.ledger.writing(caller.tenant) as tx:
        _found(tx, caller, session_id)
        events.add(tx, caller.tenant, session_id, body.type, body.turn_id)
    return EventOut(session_id=session_id, type=body.type)


def _found(tx: sa.Connection, caller: Caller, name: str) -> tuple[Session, str]:
    """Return the session and its user; raise `NotFoundError` where none of that name is within reach."""
    found = sessions.find(tx, caller.tenant, name)
    user = sessions.owner(tx, found) if found is not None else ""
    if found is None or not caller.reaches(user):
        raise NotFoundError(f"no session {name!r}")
    return found, user


def turn_out(turn: Turn) -> TurnOut:
    """Return a turn as it is shown."""
    return TurnOut(
        id=turn.name,
        session_id=turn.session_name,
        seq=turn.seq,
        role=turn.role,
        name=turn.speaker,
        content=turn.content,
        created_at=to_datetime(turn.created_at),
        source=turn.source,
        metadata=turn.metadata,
        tokens=turn.tokens,
    )


def _session(opened: Opened, session: Session, user: str, row: Row) -> SessionOut:
    tag, report = opened.insight.session(row)
    return SessionOut(
        session_id=session.name,
        user_id=user,
        created_at=to_datetime(session.created_at),
        last_at=to_datetime(session.last_at),
        turns=session.turns,
        tokens=session.tokens,
        intent=intent_out(tag),
        risk=risk_out(report),
    )


def place(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19):  # noqa: PLR2004 - fits 64 bits
        raise InvalidInputError("cursor must be the 'next' of the page before")
    return int(cursor)
