"""Sessions as wholes: how near each is to the query, and to the other sessions that are."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice, pairwise

import numpy as np
from numpy.typing import NDArray

from memory.encoders.port import Floats, unit
from retrieval.index.port import Ints
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
        self._means: Column[np.float32] = Column(np.float32, dim)
        # Of each session, where its rows begin and end: turns mostly come one behind the other.
        self._runs: list[list[tuple[int, int]]] = []

    def add(self, sessions: Sequence[int], pooled: Floats) -> None:
        """Add rows: the session of each, and its vector, float32 (rows, dim)."""
        new = [session for session in dict.fromkeys(sessions) if session not in self._number]
        for session in new:
            self._number[session] = len(self._number)
            self._runs.append([])
        for column in (self._sums, self._means):
            column.extend(np.zeros((len(new), pooled.shape[1]), np.float32))
        places = np.array([self._number[session] for session in sessions], np.int64)
        self._note_runs(places)
        self._of_row.extend(places)
        self._count_in(places, pooled)

    def fill(self, row: int, pooled: Floats) -> None:
        """Count in vectors that came late, for rows from `row` on."""
        self._count_in(self._of_row.rows[row : row + len(pooled)], pooled)

    def of(self, rows: Ints) -> Ints:
        """Return the session's number of each row."""
        return self._of_row.rows[rows]

    def rows_of(self, numbers: Ints, limit: int) -> Ints:
        """Return the rows of these sessions, session by session, at most `limit`."""
        rows = (row for number in numbers for run in self._runs[number] for row in range(*run))
        return np.fromiter(islice(rows, limit), np.int64)

    def rows_in(self, session: int) -> Ints:
        """Return all rows of a session, ascending."""
        number = self._number.get(session)
        runs = [] if number is None else self._runs[number]
        return np.concatenate([np.empty(0, np.int64), *(np.arange(*run) for run in runs)])

    def score(
        self, query: Floats, fits: Floats, rows: Ints | None, within: NDArray[np.bool_] | None
    ) -> SessionScores:
        """Return how every session fits.

        fits: float32, how each of `rows` does (None: of all rows). within: which of them count.
        """
        best = np.full(len(self._number), fits.min(initial=0), np.float32)
        session = self._of_row.rows if rows is None else self._of_row.rows[rows]
        if within is None:
            np.maximum.at(best, session, fits)
        else:
            np.maximum.at(best, session[within], fits[within])
        means = self._means.rows
        centroid = means @ query
        together = best + spread(centroid)
        order = np.argsort(-together, kind="stable")
        thread = means @ unit(means[order[:_LEADING]].sum(axis=0))
        return SessionScores(best, centroid, thread, order)

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return self._of_row.nbytes + self._sums.nbytes + self._means.nbytes

    def _note_runs(self, places: Ints) -> None:
        first = len(self._of_row)
        cuts = np.flatnonzero(np.diff(places)) + 1
        for start, end in pairwise([0, *cuts.tolist(), len(places)]):
            runs = self._runs[places[start]]
            if runs and runs[-1][1] == first + start:
                runs[-1] = (runs[-1][0], first + end)
            else:
                runs.append((first + start, first + end))

    def _count_in(self, places: Ints, pooled: Floats) -> None:
        np.add.at(self._sums.rows, places, pooled)
        changed = np.unique(places)
        self._means.rows[changed] = unit(self._sums.rows[changed])


def spread(values: Floats, among: Floats | None = None) -> Floats:
    """Return values in standard deviations from their mean, or from that of others."""
    if not len(values):
        return values
    known = values if among is None else among
    units: Floats = ((values - known.mean()) / max(float(known.std()), 1e-6)).astype(np.float32)
    return units
