"""Who did what to whose memory, without content."""

from typing import Any

import sqlalchemy as sa

from memory.ledger.schema import audit
from memory.times import now


def record(tx: sa.Connection, tenant: str, actor: str, action: str, subject: str, **detail: Any) -> None:
    """Add a line; it stands or falls with the transaction that does what it says."""
    tx.execute(
        sa.insert(audit).values(
            tenant=tenant, at=now(), actor=actor, action=action, subject=subject, detail=detail
        )
    )
