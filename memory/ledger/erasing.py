"""Which turns are meant, and their erasure with all that hangs on them."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

import sqlalchemy as sa

from memory.ledger import data_keys, tombstones
from memory.ledger import users as users_of
from memory.ledger.chunks import chunks
from memory.ledger.schema import events, idempotency, insights, outbox, reviews, sessions, turns, users
from memory.ledger.totals import recount
from memory.ledger.turns import from_source

Kind = Literal["user", "session", "turn", "source", "expired"]
# What an error calls it.
_WORDS = {"user": "user", "session": "session", "turn": "turn", "source": "source"}

Numbers = Sequence[int]


@dataclass(frozen=True, slots=True)
class Subject:
    """What is to be erased: everything of a user, a session, a turn, or all that came from a source.

    `expired` is what a retention sweep chose, by number.
    """

    tenant: str
    kind: Kind
    name: str
    chosen: tuple[int, ...] = ()


@dataclass(slots=True)
class Reach:
    """What a subject covers, by number. turns: of each user, by the user's name. sessions, users: those
    that hold such turns, or are the subject.
    """

    turns: dict[str, list[int]] = field(default_factory=dict)
    sessions: list[int] = field(default_factory=list)
    users: dict[int, str] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many turns."""
        return sum(len(ids) for ids in self.turns.values())

    def ids(self) -> list[int]:
        """Return the numbers of all turns, ascending."""
        return sorted(number for ids in self.turns.values() for number in ids)


def reach(tx: sa.Connection, subject: Subject) -> Reach | None:
    """Return what the subject covers; None where there is no such thing."""
    found = Reach()
    by_user: defaultdict[str, list[int]] = defaultdict(list)
    held: set[int] = set()
    joined = turns.join(users, users.c.id == turns.c.user_id)
    query = sa.select(turns.c.id, turns.c.session_id, users.c.id.label("owner"), users.c.name).select_from(
        joined
    )
    for where in _wheres(subject):
        for row in tx.execute(query.where(*where)):
            by_user[row.name].append(row.id)
            held.add(row.session_id)
            found.users[row.owner] = row.name
    found.turns = dict(by_user)
    found.sessions = sorted(held | set(_own_sessions(tx, subject, found)))
    return found if found.users else None


def lock(tx: sa.Connection, found: Reach) -> None:
    """Keep other writers off these users until the transaction ends: what they add can't be half erased."""
    for chunk in chunks(sorted(found.users)):
        locked = sa.select(users.c.id).where(users.c.id.in_(chunk)).order_by(users.c.id)
        tx.execute(locked.with_for_update(key_share=True)).all()


@dataclass(slots=True)
class Erased:
    """What went: how many rows by table, and the names of sessions and users that are no more."""

    rows: Counter[str] = field(default_factory=Counter)
    names: list[str] = field(default_factory=list)


def erase(tx: sa.Connection, found: Reach, *, keep_empty: bool = False) -> Erased:
    """Erase these turns and what hangs on them.

    Sessions and users that hold nothing any more go too, unless `keep_empty`: then the session goes on in
    its old numbers. Answers that were kept for repeated requests go
    for every user concerned: they may speak of the turns. The sums of a session that stays are dropped.
    """
    erased = Erased()
    gone = erased.rows
    ids = found.ids()
    places = _places(tx, ids)
    for table in (outbox, events, reviews):
        gone[table.name] += _delete(tx, table, table.c.turn_id, ids)
    gone["turns"] += _delete(tx, turns, turns.c.id, ids)
    gone["insights"] += _delete(tx, insights, insights.c.session_id, found.sessions)
    owners = list(found.users)
    gone["idempotency"] += _delete(tx, idempotency, idempotency.c.user_id, owners)
    empty_sessions: list[int] = [] if keep_empty else _empty(tx, found.sessions, turns.c.session_id)
    erased.names += _names(tx, sessions, empty_sessions)
    gone["events"] += _delete(tx, events, events.c.session_id, empty_sessions)
    gone["reviews"] += _delete(tx, reviews, reviews.c.session_id, empty_sessions)
    gone["sessions"] += _delete(tx, sessions, sessions.c.id, empty_sessions)
    empty_users = _empty(tx, owners, sessions.c.user_id)
    erased.names += [found.users[number] for number in empty_users]
    for owner in empty_users:
        data_keys.destroy(tx, owner)
    tombstones.add(tx, "user", empty_users)
    tombstones.add(tx, "session", empty_sessions)
    erased_whole = set(empty_sessions)
    tombstones.add(tx, "turn", [turn for turn, place in places if place not in erased_whole])
    gone["users"] += _delete(tx, users, users.c.id, empty_users)
    recount(tx, sessions, turns.c.session_id, set(found.sessions).difference(empty_sessions))
    recount(tx, users, turns.c.user_id, set(owners).difference(empty_users))
    for owner in owners:
        users_of.touch(tx, owner)
    return erased


def staying(tx: sa.Connection, found: Reach) -> list[int]:
    """Return those of the sessions that are still there."""
    return [
        number
        for chunk in chunks(found.sessions)
        for number in tx.scalars(sa.select(sessions.c.id).where(sessions.c.id.in_(chunk)))
    ]


def missing(subject: Subject) -> str:
    """Return what to say where there is no such thing."""
    if subject.kind == "user":
        return f"nothing is remembered of a user {subject.name!r}"
    return f"no {_WORDS.get(subject.kind, 'turn')} {subject.name!r}"


def _wheres(subject: Subject) -> Iterator[tuple[sa.ColumnElement[bool], ...]]:
    tenant = turns.c.tenant == subject.tenant
    if subject.kind == "expired":
        yield from ((tenant, turns.c.id.in_(chunk)) for chunk in chunks(subject.chosen))
        return
    by_kind: dict[str, Callable[[], sa.ColumnElement[bool]]] = {
        "user": lambda: users.c.name == subject.name,
        "session": lambda: turns.c.session_id.in_(_session_of(subject)),
        "turn": lambda: turns.c.name == subject.name,
        "source": lambda: from_source(subject.name),
    }
    yield (tenant, by_kind[subject.kind]())


def _session_of(subject: Subject) -> sa.Select[tuple[int]]:
    return sa.select(sessions.c.id).where(
        sessions.c.tenant == subject.tenant, sessions.c.name == subject.name
    )


def _own_sessions(tx: sa.Connection, subject: Subject, found: Reach) -> list[int]:
    """Return the sessions that are the subject's even where they hold no turn; note their user."""
    if subject.kind == "user":
        chosen: sa.ColumnElement[bool] = users.c.name == subject.name
    elif subject.kind == "session":
        chosen = users.c.id.in_(sa.select(sessions.c.user_id).where(sessions.c.id.in_(_session_of(subject))))
    else:
        return []
    owner = tx.execute(
        sa.select(users.c.id, users.c.name).where(users.c.tenant == subject.tenant, chosen)
    ).first()
    if owner is None:
        return []
    found.users[owner.id] = owner.name
    if subject.kind == "session":
        return list(tx.scalars(_session_of(subject)))
    return list(tx.scalars(sa.select(sessions.c.id).where(sessions.c.user_id == owner.id)))


def _delete(tx: sa.Connection, table: sa.Table, column: sa.Column[int], numbers: Numbers) -> int:
    return sum(tx.execute(sa.delete(table).where(column.in_(chunk))).rowcount for chunk in chunks(numbers))


def _places(tx: sa.Connection, ids: Numbers) -> list[tuple[int, int]]:
    """Return the session of each turn, as (turn, session)."""
    columns = (turns.c.id, turns.c.session_id)
    return [
        (row.id, row.session_id)
        for chunk in chunks(ids)
        for row in tx.execute(sa.select(*columns).where(turns.c.id.in_(chunk)))
    ]


def _names(tx: sa.Connection, table: sa.Table, numbers: Numbers) -> list[str]:
    return [
        name
        for chunk in chunks(numbers)
        for name in tx.scalars(sa.select(table.c.name).where(table.c.id.in_(chunk)))
    ]


def _empty(tx: sa.Connection, numbers: Numbers, holder: sa.Column[int]) -> list[int]:
    """Return those of the numbers that no row of `holder`'s table names."""
    used = {
        number
        for chunk in chunks(numbers)
        for number in tx.scalars(sa.select(holder).where(holder.in_(chunk)).distinct())
    }
    return [number for number in numbers if number not in used]
