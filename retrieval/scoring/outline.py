"""All of a scope but its vectors: numbers, terms, and what its sessions are about."""

from collections.abc import Collection, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from memory.encoders.port import Floats
from retrieval.index.port import IndexedTurn, Ints
from retrieval.scoring.columns import Column
from retrieval.scoring.lexical import Lexical
from retrieval.scoring.sessions import Sessions

# Columns of the number table.
(
    TURN,
    SESSION,
    SEQ,
    ROLE,
    TURN_TOKENS,
    SPEAKER,
    PASSAGE,
    PASSAGES,
    START,
    END,
    TOKENS,
    TRAITS,
    RANK,
) = range(13)

_SAMPLE = 4096


class Outline:
    """The passages of a user, one row each, in order of arrival. Not thread-safe."""

    def __init__(self, dim: int) -> None:
        self._numbers: Column[np.int64] = Column(np.int64, 13)
        self._at: Column[np.float64] = Column(np.float64)
        self.lexical = Lexical()
        self.sessions = Sessions(dim)
        self._first_row: dict[tuple[int, int], int] = {}
        self._row_of: dict[int, int] = {}

    def add(self, turns: Sequence[IndexedTurn]) -> None:
        """Add turns that are not here yet."""
        passages = [passage for turn in turns for passage in turn.passages]
        if not passages:
            return
        self._numbers.extend(np.array(list(self._number_rows(turns)), np.int64))
        row = len(self._at)
        for turn in turns:
            self._first_row[turn.session, turn.seq] = self._row_of[turn.key] = row
            row += len(turn.passages)
        self._at.extend(np.array([turn.at for turn in turns for _ in turn.passages]))
        pooled = np.stack([passage.pooled for passage in passages]).astype(np.float32)
        self.sessions.add([turn.session for turn in turns for _ in turn.passages], pooled)
        self.lexical.add([(passage.terms, passage.counts) for passage in passages])

    def __len__(self) -> int:
        """Rows."""
        return len(self._at)

    @property
    def turns(self) -> int:
        """How many turns are here."""
        return len(self._row_of)

    @property
    def keys(self) -> Collection[int]:
        """The turns that are here."""
        return self._row_of.keys()

    @property
    def numbers(self) -> Ints:
        """The number table, int64 (rows, 13)."""
        return self._numbers.rows

    @property
    def at(self) -> NDArray[np.float64]:
        """Unix time of each row's turn."""
        return self._at.rows

    def row_of(self, key: int) -> int:
        """Return the first row of a turn that is here."""
        return self._row_of[key]

    def within(self, session: int | None, rows: Ints | None) -> NDArray[np.bool_] | None:
        """Return which of these rows, or of all, are the session's; None: every one counts."""
        if session is None:
            return None
        of = self.numbers[:, SESSION] if rows is None else self.numbers[rows, SESSION]
        within: NDArray[np.bool_] = of == session
        return within

    def newest(self, limit: int, session: int | None) -> Ints:
        """Return the last rows, of the session where one is given."""
        if session is None:
            return np.arange(max(len(self) - limit, 0), len(self))
        return self.sessions.rows_in(session)[-limit:]

    def sample(self) -> Ints:
        """Return rows, evenly spaced, that stand for all where looking at all would take long."""
        return np.arange(0, len(self), max(len(self) // _SAMPLE, 1))

    def neighbours(self, rows: Ints) -> Ints:
        """Return all rows of the turns just before and after these, in their sessions."""
        found: list[int] = []
        numbers = self.numbers
        for session, seq in numbers[rows][:, [SESSION, SEQ]].tolist():
            for near in (seq - 1, seq + 1):
                first = self._first_row.get((session, near))
                if first is not None:
                    found.extend(range(first, first + int(numbers[first, PASSAGES])))
        return np.array(found, np.int64)

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return self._numbers.nbytes + self._at.nbytes + self.lexical.nbytes + self.sessions.nbytes

    def _number_rows(self, turns: Sequence[IndexedTurn]) -> Iterable[tuple[int, ...]]:
        for rank, turn in enumerate(turns, start=len(self._row_of)):
            for place, passage in enumerate(turn.passages):
                shared = (turn.key, turn.session, turn.seq, turn.role, turn.tokens, turn.speaker)
                own = (place, len(turn.passages), passage.start, passage.end, passage.tokens, passage.traits)
                yield (*shared, *own, rank)


def vectors_of(turns: Sequence[IndexedTurn]) -> Floats:
    """Return the pooled vectors of all passages, float32 (passages, dim)."""
    return np.stack([passage.pooled for turn in turns for passage in turn.passages]).astype(np.float32)
