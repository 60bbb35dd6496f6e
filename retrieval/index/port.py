"""The index port: which passages of a scope are like this query?

An index is derived from the ledger and always rebuildable. It keeps ids, numbers, vectors and hashed
terms, never text. A passage is a span of a turn; a short turn is one passage.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from memory.encoders.port import Floats
from memory.residue import Piece
from memory.scope import Scope
from retrieval.passages.codec import Codes
from retrieval.passages.terms import Terms

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class IndexSettings:
    """What an index was built with; another encoder's vectors can't be compared with its own."""

    encoder: str
    dim: int
    codec: str
    version: int = 1


@dataclass(frozen=True, slots=True)
class Passage:
    """A span of a turn, ready to be searched.

    start, end: characters in the turn's content. tokens: of the span as delivered (a JSON string),
    in the ledger's token encoding. pooled: float32 (dim,). codes: int8 (n, code dim). terms: uint64
    ascending, with counts.
    traits: bits, see `retrieval.passages.traits`.
    """

    start: int
    end: int
    tokens: int
    pooled: Floats
    codes: Codes
    terms: Terms
    counts: NDArray[np.uint16]
    traits: int = 0


@dataclass(frozen=True, slots=True)
class IndexedTurn:
    """One turn as the index keeps it.

    key: the ledger's number of the turn; grows with time of arrival. session: the ledger's number of
    the session. seq: place in the session. at: Unix time of `created_at`. role: see `ROLES`.
    tokens: of the content as delivered. speaker: who spoke, see `retrieval.passages.traits.speaker_code`; 0
    where unknown.
    """

    key: int
    session: int
    seq: int
    at: float
    role: int
    tokens: int
    passages: Sequence[Passage]
    speaker: int = 0


# Terms of a query for which a candidate says one by one whether it has them.
MATCHED_TERMS = 128

ROLES = ("user", "assistant", "system", "tool")


@dataclass(frozen=True, slots=True)
class QueryView:
    """One text to search by.

    pooled: float32 (dim,). tokens: float32 (n, code dim), projected. terms: uint64 (m,), hashed, each
    once. token_terms: int64 (n,), the place in `terms` of the term that a token belongs to, or -1.
    """

    pooled: Floats
    tokens: Floats
    terms: Terms
    token_terms: Ints


@dataclass(frozen=True, slots=True)
class Limits:
    """How many passages each arm of the search may bring."""

    dense: int = 120
    lexical: int = 120
    newest: int = 30
    neighbours: int = 40
    sessions: int = 12
    session_rows: int = 400


@dataclass(slots=True)
class Candidates:
    """Passages found, one row each, by turn and place in it; every score is given for every row.

    turn, session, seq, at, role, turn_tokens: as in `IndexedTurn`. passage: place in the turn, of
    `passages`. start, end, tokens: as in `Passage`. age: int64, turns of the scope that came later.
    dense, lexical, maxsim: float32 (n, views): cosine; BM25; mean over the query's tokens, weighted by
    their IDF, of the best cosine with a token of the passage. coverage: float32 (n, views), share of
    the query terms' IDF that the passage has. pooled: float32 (n, dim). speaker, traits: as in
    `IndexedTurn` and `Passage`. rarest: float32 (n, views), IDF of the rarest query term that the
    passage has, as a share of the rarest asked for. matched: uint64 (n, 2), a bit for each of the first
    `MATCHED_TERMS` terms of the first view that the passage has. session_best, session_centroid,
    thread: float32 (n,), of the passage's session: its best passage's score, the cosine of its mean
    vector with the first view, and of that mean with the sessions that fit best.
    """

    turn: Ints
    session: Ints
    seq: Ints
    at: NDArray[np.float64]
    role: Ints
    turn_tokens: Ints
    passage: Ints
    passages: Ints
    start: Ints
    end: Ints
    tokens: Ints
    age: Ints
    dense: Floats
    lexical: Floats
    maxsim: Floats
    coverage: Floats
    pooled: Floats
    speaker: Ints
    traits: Ints
    rarest: Floats
    matched: NDArray[np.uint64]
    session_best: Floats
    session_centroid: Floats
    thread: Floats

    def __len__(self) -> int:
        return len(self.turn)

    def take(self, rows: Ints | NDArray[np.bool_]) -> Self:
        """Return these rows only."""
        return type(self)(*(getattr(self, field.name)[rows] for field in fields(self)))


@dataclass(frozen=True, slots=True)
class Found:
    """An answer of the index: `size` is the number of turns in the scope that it has."""

    candidates: Candidates
    size: int


class Index(Protocol):
    """Where vectors and terms are searched. Every verb names its scope; all are thread-safe."""

    @property
    def settings(self) -> IndexSettings:
        """What it was built with."""

    def upsert(self, scope: Scope, turns: Sequence[IndexedTurn]) -> None:
        """Add turns, replacing those of the same key; durable on return."""

    def preview(self, scope: Scope, turns: Sequence[IndexedTurn]) -> None:
        """Let turns without vectors be found by their terms until they are upserted; not durable."""

    def delete(self, scope: Scope, keys: Collection[int] | None = None) -> None:
        """Remove turns by key, or all of the user's; absent ones are no error. Durable on return."""

    def traces(self, scope: Scope, keys: Collection[int]) -> Iterator[Piece]:
        """Yield pieces of what is kept of these turns, to be looked for once they were removed."""

    def held(self) -> Iterator[bytes]:
        """Yield all that is kept now, of everybody, as the bytes in local files; nothing where none are."""

    def compact(self, *, thorough: bool = False) -> str:
        """Get removed turns out of the files, or raise `UnavailableError`; return in words how.

        `thorough` rewrites whatever it takes, where the first way left something.
        """

    def search(
        self, scope: Scope, views: Sequence[QueryView], limits: Limits, *, session: int | None = None
    ) -> Found:
        """Return what the arms find, in the user's memory or one session of it."""

    def missing(self, scope: Scope, keys: Collection[int]) -> set[int]:
        """Return those of the keys whose turns can't be found here, not even by their terms."""

    def close(self) -> None:
        """Let go of files and memory."""
