"""Turns: appended once, read by number, session or time; never changed."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from memory.errors import ConflictError, InvalidInputError
from memory.ledger import data_keys, outbox, sealing, sessions, users
from memory.ledger.data_keys import DataKeys
from memory.ledger.schema import sessions as session_table
from memory.ledger.schema import turns
from memory.ledger.schema import users as user_table
from memory.scope import Scope
from memory.times import now
from memory.turns import NewTurn, Turn
from memory.vault import DataKey

_COLUMNS = (
    turns.c.id,
    turns.c.name,
    turns.c.session_id,
    session_table.c.name.label("session_name"),
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
# The columns that a turn's own fields fill, by the same names.
_STORED = ("name", "seq", "role", "created_at", "source", "tokens")
_CHUNK = 500
_NONE = 0  # the number of a turn that has none yet
_FEW = 100  # for who may stop early


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


def by_id(tx: sa.Connection, scope: Scope, ids: Collection[int]) -> dict[int, Turn]:
    """Return those of the numbered turns that are the scope's."""
    found: dict[int, Turn] = {}
    wanted = sorted(ids)
    for start in range(0, len(wanted), _CHUNK):
        query = _of_user(scope).where(turns.c.id.in_(wanted[start : start + _CHUNK]))
        found.update((turn.id, turn) for turn in _read(tx, query))
    return found


def numbered(tx: sa.Connection, ids: Sequence[int]) -> Iterator[Turn]:
    """Yield the turns of these numbers, whosoever they are: for erasing, which may span users."""
    for start in range(0, len(ids), _CHUNK):
        query = _select().where(turns.c.id.in_(ids[start : start + _CHUNK]))
        yield from _read(tx, query)


def sealed(tx: sa.Connection, ids: Sequence[int]) -> Iterator[bytes]:
    """Yield what the rows of these numbers hold encrypted, as it is stored."""
    for start in range(0, len(ids), _CHUNK):
        query = sa.select(turns.c.sealed).where(turns.c.id.in_(ids[start : start + _CHUNK]))
        yield from (data for data in tx.scalars(query) if data is not None)


def all_numbers(tx: sa.Connection) -> Iterator[int]:
    """Yield the numbers of all turns of everybody, unordered."""
    yield from tx.scalars(sa.select(turns.c.id), execution_options={"yield_per": 10_000})


def owners(tx: sa.Connection, ids: Sequence[int]) -> dict[Scope, list[int]]:
    """Return those of the numbered turns that are there by whose they are; at most some hundreds at once."""
    query = sa.select(turns.c.id, user_table.c.tenant, user_table.c.name)
    query = query.join(user_table, user_table.c.id == turns.c.user_id).where(turns.c.id.in_(ids))
    found: dict[Scope, list[int]] = {}
    for row in tx.execute(query.order_by(turns.c.id)):
        found.setdefault(Scope(row.tenant, row.name), []).append(row.id)
    return found


def by_name(tx: sa.Connection, tenant: str, name: str) -> tuple[Turn, str] | None:
    """Return the tenant's turn of that name, and the name of its user."""
    query = _select().add_columns(user_table.c.name.label("user_name"))
    row = tx.execute(query.where(turns.c.tenant == tenant, turns.c.name == name)).first()
    return None if row is None else (_opened(DataKeys(tx), row), str(row.user_name))


def of_session(tx: sa.Connection, session: int, *, after: int = -1, limit: int) -> list[Turn]:
    """Return a session's turns in order, from the one behind place `after`."""
    query = _select().where(turns.c.session_id == session, turns.c.seq > after)
    return _read(tx, query.order_by(turns.c.seq).limit(limit))


def last_of_session(tx: sa.Connection, session: int, count: int) -> list[Turn]:
    """Return a session's last turns, in order."""
    query = _select().where(turns.c.session_id == session).order_by(turns.c.seq.desc()).limit(count)
    return _read(tx, query)[::-1]


def from_source(source: str) -> sa.ColumnElement[bool]:
    """Return the condition of turns that come from `source` or from what is under it.

    As `memory.trust.covers` says it: no wildcard, no other letter case.
    """
    under = f"{source}:"
    return sa.or_(turns.c.source == source, sa.func.substr(turns.c.source, 1, len(under)) == under)


def told_by_source(tx: sa.Connection, scope: Scope, ids: Collection[int]) -> dict[int, tuple[str, str]]:
    """Return role and source of those of the numbered turns whose trust their role alone doesn't tell."""
    told = sa.or_(turns.c.role == "tool", turns.c.source.not_in((turns.c.role, sa.literal("import"))))
    found: dict[int, tuple[str, str]] = {}
    wanted = sorted(ids)
    for start in range(0, len(wanted), _CHUNK):
        query = sa.select(turns.c.id, turns.c.role, turns.c.source).select_from(_joined())
        query = query.where(*_is_user(scope), told, turns.c.id.in_(wanted[start : start + _CHUNK]))
        found.update((row.id, (row.role, row.source)) for row in tx.execute(query))
    return found


def names_to_ids(tx: sa.Connection, scope: Scope, names: Collection[str]) -> set[int]:
    """Return the numbers of the scope's turns of these names; unknown names are left out."""
    query = sa.select(turns.c.id).select_from(_joined()).where(*_is_user(scope), turns.c.name.in_(names))
    return set(tx.scalars(query))


def stream(tx: sa.Connection, scope: Scope) -> Iterator[Turn]:
    """Yield all of the user's turns in order of arrival."""
    last = 0
    while found := page(tx, scope, after=last):
        yield from found
        last = found[-1].id


def page(tx: sa.Connection, scope: Scope, *, after: int = 0) -> list[Turn]:
    """Return the user's next turns behind the one of this number, in order of arrival; none at the end."""
    return _read(tx, _of_user(scope).where(turns.c.id > after).order_by(turns.c.id).limit(_CHUNK))


def newest(tx: sa.Connection, scope: Scope, session: int | None = None) -> Iterator[Turn]:
    """Yield the user's turns, or those of one session of theirs, newest first."""
    mine = _of_user(scope) if session is None else _of_user(scope).where(turns.c.session_id == session)
    mine = mine.order_by(turns.c.id.desc()).limit(_FEW)
    page = _read(tx, mine)
    while page:
        yield from page
        page = _read(tx, mine.where(turns.c.id < page[-1].id))


def _read(tx: sa.Connection, query: sa.Select[*tuple[Any, ...]]) -> list[Turn]:
    keys = DataKeys(tx)
    return [_opened(keys, row) for row in tx.execute(query)]


def _opened(keys: DataKeys, row: sa.Row[*tuple[Any, ...]]) -> Turn:
    """Return a row as a turn: the only place where what is sealed is opened."""
    if row.sealed is None:  # written before there was encryption, and not sealed since
        said = sealing.Said(row.content, row.speaker, row.metadata)
    else:
        said = sealing.opened(keys.of_user(row.user_id), row.sealed, _bound(row))
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


def _bound(row: sa.Row[*tuple[Any, ...]]) -> bytes:
    return sealing.identity(
        row.tenant, row.user_id, row.session_id, row.name, seq=row.seq, role=row.role, source=row.source
    )


def seal_plain(tx: sa.Connection, limit: int) -> int:
    """Seal up to `limit` turns from before there was encryption; return how many."""
    rows = tx.execute(_select().where(turns.c.sealed.is_(None)).order_by(turns.c.id).limit(limit)).all()
    for row in rows:
        said = sealing.Said(row.content, row.speaker, row.metadata)
        data = sealing.sealed(data_keys.ensure(tx, row.user_id), said, _bound(row))
        tx.execute(sa.update(turns).where(turns.c.id == row.id).values(**sealing.BLANK, sealed=data))
    return len(rows)


def _joined() -> sa.FromClause:
    return turns.join(session_table, session_table.c.id == turns.c.session_id).join(
        user_table, user_table.c.id == turns.c.user_id
    )


def _select() -> sa.Select[*tuple[Any, ...]]:
    return sa.select(*_COLUMNS).select_from(_joined())


def _is_user(scope: Scope) -> tuple[sa.ColumnElement[bool], ...]:
    return (user_table.c.tenant == scope.tenant, user_table.c.name == scope.user)


def _of_user(scope: Scope) -> sa.Select[*tuple[Any, ...]]:
    return _select().where(*_is_user(scope))


def _known(tx: sa.Connection, scope: Scope, new: Sequence[NewTurn]) -> dict[str | None, Turn]:
    names = [turn.name for turn in new if turn.name is not None]
    if len(set(names)) < len(names):
        raise InvalidInputError("two turns of one request have the same id")
    if not names:
        return {}
    query = _select().where(turns.c.tenant == scope.tenant, turns.c.name.in_(names))
    return {turn.name: turn for turn in _read(tx, query)}


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
