"""Erasing turns, and the receipts for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import uuid4

import sqlalchemy as sa

from memory.ledger import data_keys
from memory.ledger import users as users_of
from memory.ledger.schema import events, idempotency, outbox, purges, sessions, turns, users
from memory.scope import Scope
from memory.times import now

Kind = Literal["user", "session", "turn"]
Status = Literal["running", "done", "failed"]


@dataclass(frozen=True, slots=True)
class Receipt:
    """A purge: what it erases, how far it is. Times in microseconds. subject: a hash, no name."""

    id: str
    tenant: str
    kind: Kind
    subject: str
    status: Status
    turns: int
    requested_at: int
    finished_at: int | None
    error: str | None
    work: dict[str, Any]


def erase_user(tx: sa.Connection, user: int) -> list[int]:
    """Erase all that is remembered of a user, the user and their key too; return the turns' numbers."""
    gone = list(tx.scalars(sa.select(turns.c.id).where(turns.c.user_id == user)))
    data_keys.destroy(tx, user)
    for table in (outbox, idempotency, turns):
        tx.execute(sa.delete(table).where(table.c.user_id == user))
    mine = sa.select(sessions.c.id).where(sessions.c.user_id == user)
    tx.execute(sa.delete(events).where(events.c.session_id.in_(mine)))
    tx.execute(sa.delete(sessions).where(sessions.c.user_id == user))
    tx.execute(sa.delete(users).where(users.c.id == user))
    return gone


def erase_session(tx: sa.Connection, session: int, user: int) -> list[int]:
    """Erase a session and its turns; return the turns' numbers."""
    gone = list(tx.scalars(sa.select(turns.c.id).where(turns.c.session_id == session)))
    erase_turns(tx, session, user, gone)
    tx.execute(sa.delete(events).where(events.c.session_id == session))
    tx.execute(sa.delete(sessions).where(sessions.c.id == session))
    return gone


def erase_turns(tx: sa.Connection, session: int, user: int, ids: Sequence[int]) -> None:
    """Erase turns of one session, and what was answered about the user's requests."""
    chosen = turns.c.id.in_(ids)
    tokens = int(tx.scalar(sa.select(sa.func.coalesce(sa.func.sum(turns.c.tokens), 0)).where(chosen)) or 0)
    tx.execute(sa.delete(outbox).where(outbox.c.turn_id.in_(ids)))
    tx.execute(sa.delete(events).where(events.c.turn_id.in_(ids)))
    tx.execute(sa.delete(turns).where(chosen))
    tx.execute(sa.delete(idempotency).where(idempotency.c.user_id == user))
    for table, row in ((sessions, session), (users, user)):
        tx.execute(
            sa.update(table)
            .where(table.c.id == row)
            .values(turns=table.c.turns - len(ids), tokens=table.c.tokens - tokens)
        )
    users_of.touch(tx, user)


def begin(tx: sa.Connection, scope: Scope, kind: Kind, subject: str, ids: Sequence[int]) -> Receipt:
    """Note a purge whose ledger rows are gone and whose derived data still has to go."""
    # The index is told "all of the user" rather than a list that could be long.
    work = {"user": scope.user, "turns": None if kind == "user" else list(ids)}
    receipt = Receipt(
        id=f"purge_{uuid4().hex}",
        tenant=scope.tenant,
        kind=kind,
        subject=subject,
        status="running",
        turns=len(ids),
        requested_at=now(),
        finished_at=None,
        error=None,
        work=work,
    )
    tx.execute(
        sa.insert(purges).values(
            id=receipt.id,
            tenant=receipt.tenant,
            kind=kind,
            subject=subject,
            status="running",
            work=work,
            turns=receipt.turns,
            requested_at=receipt.requested_at,
        )
    )
    return receipt


def finish(tx: sa.Connection, receipt: str, *, error: str | None = None) -> None:
    """Close a purge; a finished one forgets the names that it needed for its work."""
    values: dict[str, Any] = {"finished_at": now(), "error": error}
    values |= {"status": "failed"} if error else {"status": "done", "work": {}}
    tx.execute(sa.update(purges).where(purges.c.id == receipt).values(**values))


def find(tx: sa.Connection, tenant: str, receipt: str) -> Receipt | None:
    """Return the tenant's purge of that id."""
    row = tx.execute(_select().where(purges.c.tenant == tenant, purges.c.id == receipt)).first()
    return None if row is None else Receipt(*row)


def unfinished(tx: sa.Connection) -> list[Receipt]:
    """Return purges that were cut off or failed, oldest first."""
    rows = tx.execute(_select().where(purges.c.status != "done").order_by(purges.c.requested_at))
    return [Receipt(*row) for row in rows]


def _select() -> sa.Select[*tuple[Any, ...]]:
    return sa.select(
        purges.c.id,
        purges.c.tenant,
        purges.c.kind,
        purges.c.subject,
        purges.c.status,
        purges.c.turns,
        purges.c.requested_at,
        purges.c.finished_at,
        purges.c.error,
        purges.c.work,
    )
