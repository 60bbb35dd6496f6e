"""R11: whatever is done in whatever order, the memory is what a plain list of turns would be."""

import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import ClassVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from api.services import Services
from api.settings import Settings
from memory.errors import ConflictError, NotFoundError
from memory.ledger import EVERY_TENANT, outbox, sessions, turns
from memory.ledger.purges import Receipt
from memory.purge import Subject
from memory.scope import Scope
from memory.times import now
from retrieval.finder import Wanted
from tests.helpers import said
from tests.reliability.conftest import Reached
from tests.reliability.faults import opened
from tests.reliability.invariants import assert_same_turns
from tests.reliability.unscanned import unscanned

USERS = st.sampled_from(["ada", "Ada", "bob"])
SESSIONS = st.integers(0, 2)
WORDS = st.lists(st.sampled_from(["launch", "importer", "budget", "garden", "recipe", "kernel"]), max_size=6)

_numbers = itertools.count()


@dataclass(frozen=True)
class Kept:
    """A turn as the model remembers it."""

    name: str
    user: str
    session: str
    seq: int
    content: str


@dataclass
class Model:
    """What ought to be remembered: the turns in order of arrival, and each session's last place."""

    turns: list[Kept] = field(default_factory=list)
    last: dict[str, int] = field(default_factory=dict)

    def add(self, name: str, user: str, session: str, content: str) -> None:
        """Remember a turn at the end of its session."""
        self.last[session] = self.last.get(session, -1) + 1
        self.turns.append(Kept(name, user, session, self.last[session], content))

    def forget(self, gone: Callable[[Kept], bool]) -> None:
        """Forget the turns that `gone` names."""
        self.turns = [kept for kept in self.turns if not gone(kept)]

    def forget_sessions(self, gone: set[str]) -> None:
        """Forget sessions with all that is in them: they begin anew."""
        self.forget(lambda kept: kept.session in gone)
        self.last = {name: last for name, last in self.last.items() if name not in gone}

    def of(self, user: str) -> list[Kept]:
        """Return a user's turns in order of arrival."""
        return [kept for kept in self.turns if kept.user == user]


class Reopened:
    """Services that can be closed and opened again, shared by all histories: each has a tenant of its own."""

    def __init__(self, stored: Settings) -> None:
        self._stored = stored
        self._stack = ExitStack()
        self.restart()

    def restart(self) -> None:
        """Close, and open again."""
        self._stack.close()
        self.services: Services = self._stack.enter_context(opened(self._stored))

    def close(self) -> None:
        """Close."""
        self._stack.close()


class Histories(RuleBasedStateMachine):
    """One random history."""

    memory: ClassVar[Reopened]

    def __init__(self) -> None:
        super().__init__()
        self.tenant = f"tenant{next(_numbers)}"
        self.model = Model()

    @property
    def services(self) -> Services:
        return self.memory.services

    def scope(self, user: str, session: str | None = None) -> Scope:
        return Scope(self.tenant, user, session)

    def session(self, user: str, number: int) -> str:
        return f"{user}{number}"

    @rule(user=USERS, number=SESSIONS, texts=st.lists(WORDS, min_size=1, max_size=3))
    def remember(self, user: str, number: int, texts: list[list[str]]) -> None:
        """New turns go to the end; each has a word that no other has."""
        session = self.session(user, number)
        new = [(f"n{next(_numbers)}", " ".join(words)) for words in texts]
        pairs = [(name, f"{words} {name}") for name, words in new]
        self.services.remember(self.scope(user, session), [said(text, name=name) for name, text in pairs])
        for name, text in pairs:
            self.model.add(name, user, session, text)

    @precondition(lambda self: self.model.turns)
    @rule(data=st.data())
    def repeat(self, data: st.DataObject) -> None:
        """The same turn again changes nothing."""
        kept = data.draw(st.sampled_from(self.model.turns))
        again = self.services.remember(
            self.scope(kept.user, kept.session), [said(kept.content, name=kept.name)]
        )
        assert [turn.seq for turn in again.turns] == [kept.seq]

    @precondition(lambda self: self.model.turns)
    @rule(data=st.data())
    def conflict(self, data: st.DataObject) -> None:
        """Other words under a known name, or a place in another's session, are refused and change nothing."""
        kept = data.draw(st.sampled_from(self.model.turns))
        other = "bob" if kept.user != "bob" else "ada"
        with pytest.raises(ConflictError):
            self.services.remember(self.scope(kept.user, kept.session), [said("other", name=kept.name)])
        with pytest.raises(ConflictError):
            self.services.remember(self.scope(other, kept.session), [said("mine now")])

    @precondition(lambda self: self.model.turns)
    @rule(data=st.data())
    def forget(self, data: st.DataObject) -> None:
        """A turn is erased; the others keep their places."""
        kept = data.draw(st.sampled_from(self.model.turns))
        self.finish(self.services.purge.begin(Subject(self.tenant, "turn", kept.name), "test"))
        self.model.forget(lambda one: one == kept)
        with pytest.raises(NotFoundError):
            self.services.purge.begin(Subject(self.tenant, "turn", kept.name), "test")

    @precondition(lambda self: self.model.last)
    @rule(data=st.data())
    def purge_session(self, data: st.DataObject) -> None:
        """A session is erased."""
        session = data.draw(st.sampled_from(sorted(self.model.last)))
        self.finish(self.services.purge.begin(Subject(self.tenant, "session", session), "test"))
        self.model.forget_sessions({session})

    @rule(user=USERS)
    def purge_user(self, user: str) -> None:
        """All of a user is erased, or there is nothing to erase."""
        mine = {name for name in self.model.last if name[:-1] == user}
        if not mine:
            return
        self.finish(self.services.purge.begin(Subject(self.tenant, "user", user), "test"))
        self.model.forget_sessions(mine)

    @rule()
    def index(self) -> None:
        """All that is queued is indexed: the index is then what the ledger says."""
        while self.services.indexer.step():
            pass
        with self.services.ledger.reading(EVERY_TENANT) as tx:
            assert outbox.depth(tx) == 0
        for user in ("ada", "Ada", "bob"):
            assert_same_turns(self.services, self.scope(user))

    @rule()
    def reindex(self) -> None:
        """Every turn is queued again."""
        with self.services.ledger.writing(EVERY_TENANT) as tx:
            outbox.requeue(tx, now())

    @rule()
    def restart(self) -> None:
        """What was not written down is lost now."""
        self.memory.restart()

    @precondition(lambda self: self.model.turns)
    @rule(data=st.data())
    def search(self, data: st.DataObject) -> None:
        """A turn is found by its own word, indexed or not, by its user only."""
        kept = data.draw(st.sampled_from(self.model.turns))
        for user in {kept.user, "ada", "bob"}:
            hits = self.services.search(self.scope(user), Wanted(kept.name), 5).hits
            found = [hit.turn.name for hit in hits]
            assert (kept.name in found) == (user == kept.user)
            assert set(found) <= {one.name for one in self.model.of(user)}

    @rule(user=USERS, number=SESSIONS, words=WORDS, budget=st.integers(1, 600))
    def recall(self, user: str, number: int, words: list[str], budget: int) -> None:
        """A context has the user's turns only, none that was forgotten, and keeps to its budget."""
        scope = self.scope(user, self.session(user, number))
        context = self.services.recall(scope, Wanted(" ".join(words), last=2), budget, recent=2)
        mine = {(one.name, one.content) for one in self.model.of(user)}
        assert {(i.record.turn.name, i.record.turn.content) for i in context.items} <= mine
        assert context.used <= budget

    @invariant()
    def the_ledger_is_the_model(self) -> None:
        """Turns, their order, their places, and the sessions' totals."""
        with self.services.ledger.reading(self.tenant) as tx:
            for user in ("ada", "Ada", "bob"):
                kept = [
                    Kept(turn.name, user, turn.session_name, turn.seq, turn.content)
                    for turn in turns.stream(tx, self.scope(user))
                ]
                assert kept == self.model.of(user)
                counted = {one.name: one.turns for one in sessions.page(tx, self.scope(user), None, 10)}
                names = [name for name in self.model.last if name[:-1] == user]
                assert counted == {name: sum(one.session == name for one in kept) for name in names}

    def finish(self, receipt: Receipt) -> None:
        """Wait until a purge is done."""
        while self.services.purge.receipt(self.tenant, receipt.id).status != "done":
            time.sleep(0.001)

    def teardown(self) -> None:
        """Leave little for the histories to come."""
        for user in {name[:-1] for name in self.model.last}:
            self.finish(self.services.purge.begin(Subject(self.tenant, "user", user), "test"))


@pytest.fixture
def memory(stored: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reopened]:
    """Services on SQLite and on PostgreSQL."""
    unscanned(monkeypatch)
    reopened = Reopened(stored)
    yield reopened
    reopened.close()


def play(memory: Reopened, histories: int, steps: int) -> str:
    """Play random histories; return the figure."""
    chosen = settings(max_examples=histories, stateful_step_count=steps)
    on_this = type("OnThisMemory", (Histories,), {"memory": memory})
    run_state_machine_as_test(on_this, settings=chosen)
    return f"{histories:,} histories of up to {steps} steps, 0 differences"


def test_some_histories(memory: Reopened, reached: Reached) -> None:
    """A few."""
    reached(play(memory, 15, 25))


@pytest.mark.drill
def test_many_histories(memory: Reopened, reached: Reached) -> None:
    """Two thousand."""
    reached(play(memory, 2000, 50))
