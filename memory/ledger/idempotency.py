"""Answers already given, so that a repeated request gets the same one."""

from dataclasses import dataclass

import sqlalchemy as sa

from memory.errors import IdempotencyError
from memory.ledger.schema import idempotency
from memory.times import now

# Microseconds for which an answer is kept: a day, as Stripe does.
KEPT = 24 * 3600 * 1_000_000


@dataclass(frozen=True, slots=True)
class Once:
    """A request that must take effect once: its key in the tenant, and a hash of what it asks."""

    tenant: str
    key: str
    request: bytes


def answer(tx: sa.Connection, once: Once) -> bytes | None:
    """Return the answer given before; raise `IdempotencyError` if the key meant another request."""
    row = tx.execute(
        sa.select(idempotency.c.request, idempotency.c.response).where(
            idempotency.c.tenant == once.tenant, idempotency.c.key == once.key
        )
    ).first()
    if row is None:
        return None
    if row.request != once.request:
        raise IdempotencyError(f"the Idempotency-Key {once.key!r} was used for another request")
    return bytes(row.response)


def keep(tx: sa.Connection, once: Once, response: bytes, user: int | None) -> None:
    """Keep an answer; it goes when the user it speaks of is purged."""
    tx.execute(
        sa.insert(idempotency).values(
            tenant=once.tenant,
            key=once.key,
            user_id=user,
            request=once.request,
            response=response,
            created_at=now(),
        )
    )


def sweep(tx: sa.Connection) -> int:
    """Forget answers older than `KEPT`; return how many."""
    return tx.execute(sa.delete(idempotency).where(idempotency.c.created_at < now() - KEPT)).rowcount
