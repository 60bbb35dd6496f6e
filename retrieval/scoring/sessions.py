"""Sessions as wholes: how near each is to the query, and to the other sessions that are."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from memory.encoders.port import Floats, unit
from retrieval.index import Ints
from retrieval.scoring.columns import Column

# Sessions whose mean direction stands for the thread that a query continues.
_LEADING = 3


@dataclass(frozen=True, slots=True)
class SessionScores:
    """How sessions fit a query: float32 (sessions,) each.

    best: of their passages' scores, in standard deviations over the scope. centroid: cosine with the
    mean of their vectors. thread: cosine of that mean with the leading sessions'. order: best first.
    """

    best: Floats
    centroid: Floats
    thread: Floats
    order: Ints


class Sessions:
    """The sessions of one scope, numbered in order of arrival, with the sum of their vectors."""

    def __init__(self, dim: int) -> None:
        self._number: dict[int, int] = {}
        self._of_row: Column[np.int64] = Column(np.int64)
        self._sums: Column[np.float32] = Column(np.float32, dim)

    def add(self, sessions: Sequence[int], pooled: Floats) -> None:
        """Add rows: the session of each, and its vector, float32 (rows, dim)."""
        new = [session for session in dict.fromkeys(sessions) if session not in self._number]
        for session in new:
            self._number[session] = len(self._number)
        self._sums.extend(np.zeros((len(new), pooled.shape[1]), np.float32))
        places = np.array([self._number[session] for session in sessions], np.int64)
        self._of_row.extend(places)
        np.add.at(self._sums.rows, places, pooled)

    def fill(self, row: int, pooled: Floats) -> None:
        """Count in vectors that came late, for rows from `row` on."""
        np.add.at(self._sums.rows, self._of_row.rows[row : row + len(pooled)], pooled)

    def of(self, rows: Ints) -> Ints:
        """Return the session's number of each row."""
        return self._of_row.rows[rows]

    def rows_of(self, numbers: Ints, limit: int) -> Ints:
        """Return the rows of these sessions, session by session, at most `limit`."""
        wanted = np.full(len(self._number), len(numbers), np.int64)
        wanted[numbers] = np.arange(len(numbers))
        place = wanted[self._of_row.rows]
        rows = np.flatnonzero(place < len(numbers))
        found: Ints = rows[np.argsort(place[rows], kind="stable")][:limit]
        return found

    def score(self, query: Floats, rows: Floats, within: NDArray[np.bool_] | None) -> SessionScores:
        """Return how every session fits; rows: float32 (rows,), how every row does."""
        count = len(self._number)
        best = np.full(count, rows.min(initial=0), np.float32)
        if within is None:
            np.maximum.at(best, self._of_row.rows, rows)
        else:
            np.maximum.at(best, self._of_row.rows[within], rows[within])
        means = unit(self._sums.rows)
        centroid = means @ query
        together = best + spread(centroid)
        order = np.argsort(-together, kind="stable")
        thread = means @ unit(means[order[:_LEADING]].sum(axis=0))
        return SessionScores(best, centroid, thread, order)

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return self._of_row.nbytes + self._sums.nbytes


def spread(values: Floats) -> Floats:
    """Return values in standard deviations from their mean."""
    if not len(values):
        return values
    units: Floats = ((values - values.mean()) / max(float(values.std()), 1e-6)).astype(np.float32)
    return units
