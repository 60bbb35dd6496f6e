"""A turn as it is stored, and back: the only place where what is sealed is opened."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from memory.ledger import sealing
from memory.ledger.data_keys import DataKeys
from memory.ledger.schema import sessions, turns, users
from memory.scope import Scope
from memory.turns import Turn

_COLUMNS = (
    turns.c.id,
    turns.c.name,
    turns.c.session_id,
    sessions.c.name.label("session_name"),
    turns.c.seq,
    turns.c.role,
    turns.c.speaker,
    turns.c.content,
    turns.c.created_at,
    turns.c.source,
    turns.c.metadata,
    turns.c.tokens,
    # What follows is no field of a turn, and needed to open it.
    turns.c.tenant,
    turns.c.user_id,
    turns.c.sealed,
)


def selected() -> sa.Select[*tuple[Any, ...]]:
    """Return the query for all turns of everybody."""
    return sa.select(*_COLUMNS).select_from(joined())


def of_user(scope: Scope) -> sa.Select[*tuple[Any, ...]]:
    """Return the query for a user's turns."""
    return selected().where(*is_user(scope))


def is_user(scope: Scope) -> tuple[sa.ColumnElement[bool], ...]:
    """Return the conditions that a row of `joined` is the user's."""
    return (users.c.tenant == scope.tenant, users.c.name == scope.user)


def joined() -> sa.FromClause:
    """Return turns with the session and the user of each."""
    return turns.join(sessions, sessions.c.id == turns.c.session_id).join(
        users, users.c.id == turns.c.user_id
    )


def read(
    tx: sa.Connection, query: sa.Select[*tuple[Any, ...]], values: Mapping[str, object] | None = None
) -> list[Turn]:
    """Return the turns of a query that `selected` began; values: of its parameters."""
    keys = DataKeys(tx)
    return [opened(keys, row) for row in tx.execute(query, values)]


def opened(keys: DataKeys, row: sa.Row[*tuple[Any, ...]]) -> Turn:
    """Return a row as a turn."""
    if row.sealed is None:  # written before there was encryption, and not sealed since
        said = sealing.Said(row.content, row.speaker, row.metadata)
    else:
        said = sealing.opened(keys.of_user(row.user_id), row.sealed, bound(row))
    return Turn(
        id=row.id,
        name=row.name,
        session=row.session_id,
        session_name=row.session_name,
        seq=row.seq,
        role=row.role,
        speaker=said.speaker,
        content=said.content,
        created_at=row.created_at,
        source=row.source,
        metadata=said.metadata,
        tokens=row.tokens,
    )


def bound(row: sa.Row[*tuple[Any, ...]]) -> bytes:
    """Return what a row's sealed content is bound to: it can't be put into another row."""
    return sealing.identity(
        row.tenant, row.user_id, row.session_id, row.name, seq=row.seq, role=row.role, source=row.source
    )
