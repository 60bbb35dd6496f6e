"""Reading turns: by number, name, session or time."""

from collections.abc import Collection, Iterator, Sequence
from functools import cache
from typing import Any

import sqlalchemy as sa

from memory.ledger.chunks import chunks, is_listed, listed
from memory.ledger.data_keys import DataKeys
from memory.ledger.schema import TOLD_BY_SOURCE, turns, users
from memory.ledger.turns.rows import is_user, joined, of_user, opened, read, selected
from memory.scope import Scope
from memory.turns import Turn

_PAGE = 500
_FEW = 100  # for who may stop early

# Every recall asks these: to make a statement anew takes longer than to run it.
_LAST = (
    selected()
    .where(turns.c.session_id == sa.bindparam("session"))
    .order_by(turns.c.seq.desc())
    .limit(sa.bindparam("count", type_=sa.Integer))
)
_MINE = (users.c.tenant == sa.bindparam("tenant"), users.c.name == sa.bindparam("user"))


def by_id(tx: sa.Connection, scope: Scope, ids: Collection[int]) -> dict[int, Turn]:
    """Return those of the numbered turns that are the scope's."""
    dialect = tx.dialect.name
    return {turn.id: turn for turn in read(tx, _by_id(dialect), _numbered(dialect, scope, ids))}


def numbered(tx: sa.Connection, ids: Sequence[int]) -> Iterator[Turn]:
    """Yield the turns of these numbers, whosoever they are: for erasing, which may span users."""
    for part in chunks(ids):
        query = selected().where(turns.c.id.in_(part))
        yield from read(tx, query)


def all_numbers(tx: sa.Connection) -> Iterator[int]:
    """Yield the numbers of all turns of everybody, unordered."""
    yield from tx.scalars(sa.select(turns.c.id), execution_options={"yield_per": 10_000})


def owners(tx: sa.Connection, ids: Sequence[int]) -> dict[Scope, list[int]]:
    """Return those of the numbered turns that are there by whose they are; at most some hundreds at once."""
    query = sa.select(turns.c.id, users.c.tenant, users.c.name)
    query = query.join(users, users.c.id == turns.c.user_id).where(turns.c.id.in_(ids))
    found: dict[Scope, list[int]] = {}
    for row in tx.execute(query.order_by(turns.c.id)):
        found.setdefault(Scope(row.tenant, row.name), []).append(row.id)
    return found


def by_name(tx: sa.Connection, tenant: str, name: str) -> tuple[Turn, str] | None:
    """Return the tenant's turn of that name, and the name of its user."""
    query = selected().add_columns(users.c.name.label("user_name"))
    row = tx.execute(query.where(turns.c.tenant == tenant, turns.c.name == name)).first()
    return None if row is None else (opened(DataKeys(tx), row), str(row.user_name))


def of_session(tx: sa.Connection, session: int, *, after: int = -1, limit: int) -> list[Turn]:
    """Return a session's turns in order, from the one behind place `after`."""
    query = selected().where(turns.c.session_id == session, turns.c.seq > after)
    return read(tx, query.order_by(turns.c.seq).limit(limit))


def last_of_session(tx: sa.Connection, session: int, count: int) -> list[Turn]:
    """Return a session's last turns, in order."""
    return read(tx, _LAST, {"session": session, "count": count})[::-1]


def told_by_source(tx: sa.Connection, scope: Scope, ids: Collection[int]) -> dict[int, tuple[str, str]]:
    """Return role and source of those of the numbered turns whose trust their role alone doesn't tell."""
    dialect = tx.dialect.name
    found = tx.execute(_told_by_source(dialect), _numbered(dialect, scope, ids))
    return {row.id: (row.role, row.source) for row in found}


def from_source(source: str) -> sa.ColumnElement[bool]:
    """Return the condition of turns that come from `source` or from what is under it.

    As `memory.trust.covers` says it: no wildcard, no other letter case.
    """
    under = f"{source}:"
    return sa.or_(turns.c.source == source, sa.func.substr(turns.c.source, 1, len(under)) == under)


def names_to_ids(tx: sa.Connection, scope: Scope, names: Collection[str]) -> set[int]:
    """Return the numbers of the scope's turns of these names; unknown names are left out."""
    query = sa.select(turns.c.id).select_from(joined()).where(*is_user(scope), turns.c.name.in_(names))
    return set(tx.scalars(query))


def stream(tx: sa.Connection, scope: Scope) -> Iterator[Turn]:
    """Yield all of the user's turns in order of arrival."""
    last = 0
    while found := page(tx, scope, after=last):
        yield from found
        last = found[-1].id


def page(tx: sa.Connection, scope: Scope, *, after: int = 0) -> list[Turn]:
    """Return the user's next turns behind the one of this number, in order of arrival; none at the end."""
    return read(tx, of_user(scope).where(turns.c.id > after).order_by(turns.c.id).limit(_PAGE))


def newest(tx: sa.Connection, scope: Scope, session: int | None = None) -> Iterator[Turn]:
    """Yield the user's turns, or those of one session of theirs, newest first."""
    mine = of_user(scope) if session is None else of_user(scope).where(turns.c.session_id == session)
    mine = mine.order_by(turns.c.id.desc()).limit(_FEW)
    page = read(tx, mine)
    while page:
        yield from page
        page = read(tx, mine.where(turns.c.id < page[-1].id))


@cache
def _by_id(dialect: str) -> sa.Select[*tuple[Any, ...]]:
    return selected().where(*_MINE, is_listed(dialect, turns.c.id))


@cache
def _told_by_source(dialect: str) -> sa.Select[*tuple[Any, ...]]:
    query = sa.select(turns.c.id, turns.c.role, turns.c.source)
    query = query.select_from(turns.join(users, users.c.id == turns.c.user_id))
    return query.where(*_MINE, TOLD_BY_SOURCE, is_listed(dialect, turns.c.id))


def _numbered(dialect: str, scope: Scope, ids: Collection[int]) -> dict[str, object]:
    return {"tenant": scope.tenant, "user": scope.user, "numbers": listed(dialect, ids)}
