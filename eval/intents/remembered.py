"""What a tenant's users said, as the ledger remembers it: whole sessions, or what an outcome followed."""

from collections.abc import Iterator

import sqlalchemy as sa

from eval.intents.discover import Session
from memory.errors import InvalidInputError
from memory.ledger import Ledger, sessions, turns, users
from memory.ledger.events import FAILURES
from memory.ledger.schema import events
from memory.scope import Scope
from memory.turns import Turn

_PAGE = 500


def remembered(ledger: Ledger, tenant: str) -> list[Session]:
    """Return the user turns of all of a tenant's sessions; of very long ones the first 500 turns."""
    with ledger.reading(tenant) as tx:
        return [
            Session(session.name, tuple(turn.content for turn in said if turn.role == "user"))
            for scope in _scopes(tx, tenant)
            for session in _sessions(tx, scope)
            if (said := turns.of_session(tx, session.id, limit=_PAGE))
        ]


def before_outcome(ledger: Ledger, tenant: str, kind: str) -> list[Session]:
    """Return the user turns that an outcome event followed, each as a session of its own.

    kind: `retry`, `abandon`, `fallback`, `tool_error` or `thumbs_down`. The turn is the last of the user's
    at or before the turn that the event names, or before the event where it names none.
    """
    if kind not in FAILURES:
        raise InvalidInputError(f"an outcome is one of {', '.join(FAILURES)}, not {kind!r}")
    query = sa.select(events.c.session_id, events.c.turn_id, events.c.created_at)
    query = query.where(events.c.tenant == tenant, events.c.type == kind).order_by(events.c.id)
    found: dict[int, Session] = {}
    with ledger.reading(tenant) as tx:
        for session, named, at in tx.execute(query).all():
            turn = _asked(turns.last_of_session(tx, session, _PAGE), named, at)
            if turn is not None:
                found[turn.id] = Session(turn.session_name, (turn.content,))
    return list(found.values())


def _asked(said: list[Turn], named: int | None, at: int) -> Turn | None:
    """Return the user's turn at or before the named one, or before the time `at`."""
    place = next((turn.seq for turn in said if turn.id == named), None)
    for turn in reversed(said):
        reached = turn.created_at <= at if place is None else turn.seq <= place
        if turn.role == "user" and reached:
            return turn
    return None


def _scopes(tx: sa.Connection, tenant: str) -> Iterator[Scope]:
    last = 0
    while page := users.page(tx, tenant, last, _PAGE):
        yield from (Scope(tenant, name) for _, name in page)
        last = page[-1][0]


def _sessions(tx: sa.Connection, scope: Scope) -> Iterator[sessions.Session]:
    before = None
    while page := sessions.page(tx, scope, before, _PAGE):
        yield from page
        before = page[-1].id
