"""Totals of sessions and users, counted anew after turns went."""

from collections.abc import Collection

import sqlalchemy as sa

from memory.ledger.chunks import chunks
from memory.ledger.schema import turns


def recount(tx: sa.Connection, table: sa.Table, holder: sa.Column[int], numbers: Collection[int]) -> None:
    """Set the totals of sessions or users to what they hold now.

    `holder` is the column by which a turn says whose it is.
    """
    mine = holder == table.c.id
    count = sa.select(sa.func.count()).select_from(turns).where(mine).scalar_subquery()
    total = sa.select(sa.func.coalesce(sa.func.sum(turns.c.tokens), 0)).where(mine).scalar_subquery()
    for chunk in chunks(sorted(set(numbers))):
        tx.execute(sa.update(table).where(table.c.id.in_(chunk)).values(turns=count, tokens=total))
