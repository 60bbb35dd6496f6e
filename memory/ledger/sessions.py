"""Sessions: one conversation each."""

from dataclasses import dataclass

import sqlalchemy as sa

from memory.errors import ConflictError
from memory.ledger.insert import insert_missing
from memory.ledger.schema import sessions, users
from memory.scope import Scope

_COLUMNS = (
    sessions.c.id,
    sessions.c.name,
    sessions.c.user_id,
    sessions.c.created_at,
    sessions.c.last_at,
    sessions.c.turns,
    sessions.c.tokens,
    sessions.c.last_seq,
)
_FIND = sa.select(*_COLUMNS).where(
    sessions.c.tenant == sa.bindparam("tenant"), sessions.c.name == sa.bindparam("name")
)


@dataclass(frozen=True, slots=True)
class Session:
    """A session's numbers, names, times (microseconds) and totals."""

    id: int
    name: str
    user_id: int
    created_at: int
    last_at: int
    turns: int
    tokens: int
    last_seq: int


def find(tx: sa.Connection, tenant: str, name: str) -> Session | None:
    """Return the tenant's session of that name."""
    row = tx.execute(_FIND, {"tenant": tenant, "name": name}).first()
    return None if row is None else Session(*row)


def ensure(tx: sa.Connection, scope: Scope, user: int, at: int) -> Session:
    """Return the scope's session, made where missing; raise `ConflictError` if it is another user's."""
    if scope.session is None:
        raise ConflictError("a session is needed to remember turns")
    found = find(tx, scope.tenant, scope.session)
    if found is None:
        values = {"tenant": scope.tenant, "user_id": user, "name": scope.session, "created_at": at}
        insert_missing(tx, sessions, **values, last_at=at, turns=0, tokens=0, last_seq=-1)
        return ensure(tx, scope, user, at)
    if found.user_id != user:
        raise ConflictError(f"the session {scope.session!r} belongs to another user of this tenant")
    return found


def grow(tx: sa.Connection, session: int, *, turns: int, tokens: int, last_seq: int, at: int) -> None:
    """Count new turns in; `at` is the time of the newest."""
    latest = sa.case((sessions.c.last_at < at, at), else_=sessions.c.last_at)
    tx.execute(
        sa.update(sessions)
        .where(sessions.c.id == session)
        .values(
            turns=sessions.c.turns + turns,
            tokens=sessions.c.tokens + tokens,
            last_seq=last_seq,
            last_at=latest,
        )
    )


def page(tx: sa.Connection, scope: Scope, before: int | None, limit: int) -> list[Session]:
    """Return the user's sessions, newest first, that began before session number `before`."""
    query = (
        sa.select(*_COLUMNS)
        .join(users, users.c.id == sessions.c.user_id)
        .where(users.c.tenant == scope.tenant, users.c.name == scope.user)
        .order_by(sessions.c.id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(sessions.c.id < before)
    return [Session(*row) for row in tx.execute(query)]


def owner(tx: sa.Connection, session: Session) -> str:
    """Return the name of the session's user."""
    return str(tx.scalar(sa.select(users.c.name).where(users.c.id == session.user_id)))
