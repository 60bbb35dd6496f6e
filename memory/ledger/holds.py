"""Legal holds: users whose memory must be kept, whoever asks for it to be erased."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from memory.errors import LegalHoldError, NotFoundError
from memory.ledger.schema import holds
from memory.ledger.users import ensure_tenant
from memory.scope import Scope
from memory.times import now


@dataclass(frozen=True, slots=True)
class Hold:
    """A hold on a user. since: microseconds."""

    user: str
    reason: str
    actor: str
    since: int


def put(tx: sa.Connection, scope: Scope, reason: str, actor: str) -> Hold:
    """Place a hold, or change the reason of the one that is there."""
    ensure_tenant(tx, scope.tenant)
    found = find(tx, scope)
    if found is None:
        hold = Hold(scope.user, reason, actor, now())
        tx.execute(
            sa.insert(holds).values(
                tenant=scope.tenant, name=hold.user, reason=reason, actor=actor, since=hold.since
            )
        )
        return hold
    tx.execute(sa.update(holds).where(*_of(scope)).values(reason=reason, actor=actor))
    return Hold(found.user, reason, actor, found.since)


def find(tx: sa.Connection, scope: Scope) -> Hold | None:
    """Return the hold on the scope's user."""
    row = tx.execute(_select().where(*_of(scope))).first()
    return None if row is None else Hold(*row)


def all_of(tx: sa.Connection, tenant: str) -> list[Hold]:
    """Return the tenant's holds by user."""
    return [
        Hold(*row) for row in tx.execute(_select().where(holds.c.tenant == tenant).order_by(holds.c.name))
    ]


def lift(tx: sa.Connection, scope: Scope) -> None:
    """End a hold; raise `NotFoundError` where there is none."""
    if not tx.execute(sa.delete(holds).where(*_of(scope))).rowcount:
        raise NotFoundError(f"no hold is on the user {scope.user!r}")


def refuse(tx: sa.Connection, tenant: str, users: Collection[str]) -> None:
    """Raise `LegalHoldError` where one of the users is under a hold."""
    held = [hold for hold in all_of(tx, tenant) if hold.user in users]
    if held:
        more = f" and {len(held) - 1} more" if len(held) > 1 else ""
        raise LegalHoldError(
            f"a legal hold is on the user {held[0].user!r}{more} ({held[0].reason}); nothing was erased. "
            "Lift the hold first"
        )


def _of(scope: Scope) -> tuple[sa.ColumnElement[bool], ...]:
    return (holds.c.tenant == scope.tenant, holds.c.name == scope.user)


def _select() -> sa.Select[*tuple[Any, ...]]:
    return sa.select(holds.c.name, holds.c.reason, holds.c.actor, holds.c.since)
