"""Answers already given, so that a repeated request gets the same one."""

import hmac
from dataclasses import dataclass

import sqlalchemy as sa

from memory.errors import IdempotencyError
from memory.ledger import data_keys
from memory.ledger.alone import first
from memory.ledger.data_keys import DataKeys
from memory.ledger.schema import idempotency
from memory.times import now
from memory.vault import DataKey

# Microseconds for which an answer is kept: a day, as Stripe does.
KEPT = 24 * 3600 * 1_000_000


@dataclass(frozen=True, slots=True)
class Once:
    """A request that must take effect once: its key in the tenant, and a hash of what it asks."""

    tenant: str
    key: str
    request: bytes


def reserve(tx: sa.Connection, once: Once) -> bytes | None:
    """Return the answer given before, or None, and then no other transaction gives one until this ends.

    Raises `IdempotencyError` if the key meant another request, or if its request still runs.
    """
    if not first(tx, "idempotency", once.tenant, once.key):
        raise IdempotencyError(f"a request with the Idempotency-Key {once.key!r} still runs; try again")
    return answer(tx, once)


def answer(tx: sa.Connection, once: Once) -> bytes | None:
    """Return the answer given before; raise `IdempotencyError` if the key meant another request."""
    row = tx.execute(
        sa.select(idempotency.c.request, idempotency.c.response, idempotency.c.user_id).where(
            idempotency.c.tenant == once.tenant, idempotency.c.key == once.key
        )
    ).first()
    if row is None:
        return None
    kept, asked = bytes(row.response), once.request
    if DataKey.is_sealed(kept):  # else from before there was encryption, and gone within a day
        key = DataKeys(tx).of_user(row.user_id)
        kept, asked = key.open(kept, _identity(once, row.user_id)), key.fingerprint(once.request)
    if not hmac.compare_digest(bytes(row.request), asked):
        raise IdempotencyError(f"the Idempotency-Key {once.key!r} was used for another request")
    return kept


def keep(tx: sa.Connection, once: Once, response: bytes, user: int) -> None:
    """Keep an answer, sealed as the turns of the user it speaks of; it goes when they are purged.

    Of the request, too, only what the user's key makes of its hash is kept: a plain hash of a short text
    could be guessed.
    """
    key = data_keys.ensure(tx, user)
    tx.execute(
        sa.insert(idempotency).values(
            tenant=once.tenant,
            key=once.key,
            user_id=user,
            request=key.fingerprint(once.request),
            response=key.seal(response, _identity(once, user)),
            created_at=now(),
        )
    )


def sweep(tx: sa.Connection) -> int:
    """Forget answers older than `KEPT`; return how many."""
    return tx.execute(sa.delete(idempotency).where(idempotency.c.created_at < now() - KEPT)).rowcount


def _identity(once: Once, user: int) -> bytes:
    return f"answer\0{once.tenant}\0{user}\0{once.key}".encode()
