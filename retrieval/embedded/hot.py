"""One scope in memory, ready to be searched."""

from collections.abc import Collection, Sequence

import numpy as np

from memory.encoders.port import Floats
from retrieval.index.port import Found, IndexedTurn, Ints, Limits, Passage, QueryView
from retrieval.scoring.outline import Outline
from retrieval.scoring.search import Cosines, Details, search
from retrieval.scoring.sessions import spread
from retrieval.scoring.vectors import Vectors


class HotScope:
    """All passages of a user with their vectors; rows are in order of arrival. Not thread-safe."""

    def __init__(self, dim: int, code_dim: int) -> None:
        self._outline = Outline(dim)
        self._vectors = Vectors(dim, code_dim)

    def add(self, turns: Sequence[IndexedTurn]) -> None:
        """Add turns; one that is here already, found by its terms alone, gets its vectors."""
        for turn in turns:
            if turn.key in self.keys:
                self._fill(self._outline.row_of(turn.key), turn.passages)
        new = [turn for turn in turns if turn.key not in self.keys]
        self._outline.add(new)
        if new:
            self._vectors.add([passage for turn in new for passage in turn.passages])

    @property
    def keys(self) -> Collection[int]:
        """The turns that are here."""
        return self._outline.keys

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return self._outline.nbytes + self._vectors.nbytes

    def search(self, views: Sequence[QueryView], limits: Limits, session: int | None) -> Found:
        """Return what each arm finds, every score filled in for every row."""
        return search(self._outline, self, views, limits, session)

    def nearest(self, views: Sequence[QueryView], limit: int) -> Ints:
        """Return about `limit` of the rows that are nearest to each view."""
        return self._vectors.nearest(np.stack([view.pooled for view in views]), limit)

    def cosines(self, views: Sequence[QueryView], rows: Ints | None) -> list[Cosines]:
        """Return how near these rows, or all, are to each view."""
        if rows is None:
            found = [self._vectors.pooled @ view.pooled for view in views]
            return [Cosines(values, spread(values)) for values in found]
        looked, sample = self._vectors.pooled[rows], self._vectors.pooled[self._outline.sample()]
        near = [looked @ view.pooled for view in views]
        among = [sample @ view.pooled for view in views]
        return [Cosines(values, spread(values, all_)) for values, all_ in zip(near, among, strict=True)]

    def details(self, rows: Ints, views: Sequence[QueryView], weights: Sequence[Floats]) -> Details:
        """Return the vectors of these rows, compared token by token with the views."""
        return Details(self._vectors.maxsim(rows, views, weights), self._vectors.pooled[rows])

    def _fill(self, row: int, passages: Sequence[Passage]) -> None:
        pooled = np.stack([passage.pooled for passage in passages])
        self._outline.sessions.fill(row, pooled - self._vectors.pooled[row : row + len(passages)])
        self._vectors.fill(row, passages)
