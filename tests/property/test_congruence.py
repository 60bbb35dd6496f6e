"""Whatever is done to them, in whatever order, all index adapters give the answers of the plain one."""

import tempfile
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from memory.scope import Scope
from memory.tokens import TokenCounter
from retrieval.index.port import Index, IndexedTurn, Limits
from retrieval.passages.making import indexed, spans_of, unencoded
from retrieval.qdrant import Clients, QdrantIndex, connect
from retrieval.query.query import view
from tests.adapters import embedded, exact
from tests.helpers import a_turn
from tests.qdrant.rest import scratch, serving
from tests.searching import CODEC, DIM, encoding

SCOPES = [Scope("acme", "ada"), Scope("acme", "bob")]
WORDS = ["boat", "paint", "harbour", "PostgreSQL", "NX-4471", "peanuts", "launch", "May"]
COUNTER = TokenCounter()
TEXTS = st.lists(st.sampled_from(WORDS), min_size=1, max_size=6).map(" ".join)

COMPARED = ("dense", "lexical", "maxsim", "coverage", "rarest", "session_best", "session_centroid", "age")


class Congruence(RuleBasedStateMachine):
    """The same operations on all; two processes share the Qdrant."""

    def __init__(self, clients: Clients) -> None:
        super().__init__()
        self.stack = ExitStack()
        folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        self.processes = [
            QdrantIndex(clients, "words", DIM, CODEC, hot_bytes=hot_bytes) for hot_bytes in (1 << 30, 0)
        ]
        self.reference = exact(folder, "words", CODEC)
        self.embedded = embedded(folder, "words", CODEC)
        self.writers: list[Index] = [self.reference, self.embedded, self.processes[0]]
        self.readers: list[Index] = [self.embedded, *self.processes]
        self.newest = 0

    def teardown(self) -> None:
        self.reference.close()
        self.embedded.close()
        self.processes[0].remove()
        self.stack.close()

    def _turn(self, key: int, text: str, session: int) -> IndexedTurn:
        turn = a_turn(text, turn=key, session=session, seq=key)
        return indexed(turn, spans_of(turn), [encoding(text)], COUNTER, CODEC)

    @rule(scope=st.sampled_from(SCOPES), text=TEXTS, session=st.integers(1, 3))
    def upsert(self, scope: Scope, text: str, session: int) -> None:
        """A new turn is indexed."""
        self.newest += 1
        turn = self._turn(self.newest, text, session)
        for index in self.writers:
            index.upsert(scope, [turn])

    @rule(scope=st.sampled_from(SCOPES), text=TEXTS, session=st.integers(1, 3))
    def preview_and_upsert(self, scope: Scope, text: str, session: int) -> None:
        """A new turn is found by its words, and then indexed."""
        self.newest += 1
        turn = a_turn(text, turn=self.newest, session=session, seq=self.newest)
        bare = unencoded(turn, DIM, COUNTER, CODEC)
        for index in [*self.writers, self.readers[-1]]:
            index.preview(scope, [bare])
        assert self.reference.missing(scope, [self.newest]) == set()
        self._compare(scope, text)
        for index in self.writers:
            index.upsert(scope, [self._turn(self.newest, text, session)])

    @rule(scope=st.sampled_from(SCOPES), keys=st.sets(st.integers(1, 12), max_size=3))
    def delete(self, scope: Scope, keys: set[int]) -> None:
        """Some turns go, there or not."""
        for index in self.writers:
            index.delete(scope, keys)

    @rule(scope=st.sampled_from(SCOPES))
    def purge(self, scope: Scope) -> None:
        """All of a user goes."""
        for index in self.writers:
            index.delete(scope)

    @rule(scope=st.sampled_from(SCOPES), text=TEXTS)
    def search(self, scope: Scope, text: str) -> None:
        """Anything is asked."""
        self._compare(scope, text)

    @invariant()
    def all_know_the_same_turns(self) -> None:
        """What one lacks, all lack."""
        for scope in SCOPES:
            expected = self.reference.missing(scope, range(self.newest + 1))
            assert all(index.missing(scope, range(self.newest + 1)) == expected for index in self.readers)

    def _compare(self, scope: Scope, text: str) -> None:
        asked = [view(text, encoding(text), CODEC)]
        wide = Limits()
        expected = self.reference.search(scope, asked, wide)
        for index in self.readers:
            found = index.search(scope, asked, wide)
            assert found.size == expected.size
            assert found.candidates.turn.tolist() == expected.candidates.turn.tolist()
            for name in COMPARED:
                ours, theirs = getattr(found.candidates, name), getattr(expected.candidates, name)
                # Half precision on the server and on disk.
                assert np.allclose(ours, theirs, atol=0.02), name


def test_all_indexes_agree() -> None:
    """Qdrant's with graphs, quantised vectors and rewritten segments from the first point on."""
    with scratch() as folder, serving(folder, eager=1) as url:
        clients = connect(url, None, read_timeout=30, write_timeout=30)
        run_state_machine_as_test(
            lambda: Congruence(clients),  # type: ignore[arg-type]  # any callable that returns one
            settings=settings(max_examples=6, stateful_step_count=8, deadline=None),
        )
        clients.close()
