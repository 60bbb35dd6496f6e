"""Appending turns: once, in order, and never changed afterwards."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import uuid4

import sqlalchemy as sa

from memory.errors import ConflictError, InvalidInputError
from memory.ledger import data_keys, outbox, sealing, sessions, users
from memory.ledger.schema import turns
from memory.ledger.turns.rows import read, selected
from memory.scope import Scope
from memory.times import now
from memory.turns import NewTurn, Turn
from memory.vault import DataKey

# The columns that a turn's own fields fill, by the same names.
_STORED = ("name", "seq", "role", "created_at", "source", "tokens")
_NONE = 0  # the number of a turn that has none yet


def append(tx: sa.Connection, scope: Scope, new: Sequence[NewTurn], tokens: Sequence[int]) -> list[Turn]:
    """Remember turns at the end of the scope's session, in order; `tokens` counts each content.

    A turn that is there already under its name, in the same session with the same words, is returned
    as it is; other words or another source under the same name raise `ConflictError`. All is queued for
    the index.
    """
    users.ensure_tenant(tx, scope.tenant)
    user = users.ensure(tx, scope)
    at = now()
    session = sessions.ensure(tx, scope, user.id, new[0].created_at or at if new else at)
    key = data_keys.ensure(tx, user.id)
    known = _known(tx, scope, new)
    seq = session.last_seq
    placed: list[Turn] = []
    for turn, size in zip(new, tokens, strict=True):
        if turn.name in known:
            placed.append(_same(known[turn.name], turn, session))
        else:
            seq += 1
            placed.append(_unnumbered(turn, session, seq=seq, tokens=size, at=at))
    fresh = [turn for turn in placed if turn.id == _NONE]
    if not fresh:
        return placed
    ids = _insert(tx, scope, user.id, key, fresh)
    total = sum(turn.tokens for turn in fresh)
    latest = max(turn.created_at for turn in fresh)
    sessions.grow(tx, session.id, turns=len(fresh), tokens=total, last_seq=seq, at=latest)
    users.add_to_totals(tx, user.id, turns=len(fresh), tokens=total)
    outbox.put(tx, user.id, list(ids.values()), at)
    return [replace(turn, id=ids.get(turn.name, turn.id)) for turn in placed]


def _known(tx: sa.Connection, scope: Scope, new: Sequence[NewTurn]) -> dict[str | None, Turn]:
    names = [turn.name for turn in new if turn.name is not None]
    if len(set(names)) < len(names):
        raise InvalidInputError("two turns of one request have the same id")
    if not names:
        return {}
    query = selected().where(turns.c.tenant == scope.tenant, turns.c.name.in_(names))
    return {turn.name: turn for turn in read(tx, query)}


def _same(old: Turn, new: NewTurn, session: sessions.Session) -> Turn:
    if old.session != session.id or (old.role, old.content) != (new.role, new.content):
        raise ConflictError(f"a turn with id {new.name!r} exists already and says something else")
    # Where a turn came from is settled when it comes first; importing it again says nothing new of that.
    if new.source not in (None, "import", old.source):
        raise ConflictError(f"the turn {new.name!r} comes from {old.source!r}, which can't be changed")
    return old


def _unnumbered(turn: NewTurn, session: sessions.Session, *, seq: int, tokens: int, at: int) -> Turn:
    return Turn(
        id=_NONE,
        name=turn.name or uuid4().hex,
        session=session.id,
        session_name=session.name,
        seq=seq,
        role=turn.role,
        speaker=turn.speaker,
        content=turn.content,
        created_at=turn.created_at if turn.created_at is not None else at,
        source=turn.source or turn.role,
        metadata=turn.metadata,
        tokens=tokens,
    )


def _insert(
    tx: sa.Connection, scope: Scope, user: int, key: DataKey, fresh: Sequence[Turn]
) -> dict[str, int]:
    """Add turns in order, by one statement; return their numbers by name."""
    rows = []
    for turn in fresh:
        bound = sealing.identity(
            scope.tenant, user, turn.session, turn.name, seq=turn.seq, role=turn.role, source=turn.source
        )
        said = sealing.Said(turn.content, turn.speaker, turn.metadata)
        values = {"tenant": scope.tenant, "user_id": user, "session_id": turn.session}
        values |= {name: getattr(turn, name) for name in _STORED} | sealing.BLANK
        rows.append(values | {"sealed": sealing.sealed(key, said, bound)})
    added = tx.scalars(sa.insert(turns).returning(turns.c.id, sort_by_parameter_order=True), rows)
    return dict(zip((turn.name for turn in fresh), added, strict=True))
