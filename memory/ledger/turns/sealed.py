"""Turns as they are stored encrypted, and those that are not yet."""

from collections.abc import Iterator, Sequence

import sqlalchemy as sa

from memory.ledger import data_keys, sealing
from memory.ledger.chunks import chunks
from memory.ledger.schema import turns
from memory.ledger.turns.rows import bound, selected


def sealed(tx: sa.Connection, ids: Sequence[int]) -> Iterator[bytes]:
    """Yield what the rows of these numbers hold encrypted, as it is stored."""
    for part in chunks(ids):
        query = sa.select(turns.c.sealed).where(turns.c.id.in_(part))
        yield from (data for data in tx.scalars(query) if data is not None)


def seal_plain(tx: sa.Connection, limit: int) -> int:
    """Seal up to `limit` turns from before there was encryption; return how many."""
    rows = tx.execute(selected().where(turns.c.sealed.is_(None)).order_by(turns.c.id).limit(limit)).all()
    for row in rows:
        said = sealing.Said(row.content, row.speaker, row.metadata)
        data = sealing.sealed(data_keys.ensure(tx, row.user_id), said, bound(row))
        tx.execute(sa.update(turns).where(turns.c.id == row.id).values(**sealing.BLANK, sealed=data))
    return len(rows)
