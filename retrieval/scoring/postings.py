"""Which rows have a term, in sorted segments that merge as they grow."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrieval.passages.terms import Terms
from retrieval.scoring.columns import Column

Rows = NDArray[np.int32]
Counts = NDArray[np.uint16]

# Searched term by term, so it is sealed before that costs more than a sorted segment.
_MAX_TAIL = 8192


@dataclass(frozen=True, slots=True)
class Segment:
    """Postings by term, those of a term by row: uint64, int32 and uint16 (n,)."""

    terms: Terms
    rows: Rows
    counts: Counts

    def of(self, term: np.uint64) -> slice:
        """Return where the term's postings are."""
        return slice(
            int(np.searchsorted(self.terms, term, "left")), int(np.searchsorted(self.terms, term, "right"))
        )

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return self.terms.nbytes + self.rows.nbytes + self.counts.nbytes


class Postings:
    """Sorted segments, each at least twice as long as the next (as in a log-structured merge tree,
    O'Neil et al. 1996), and a short unsorted tail: adding costs a logarithm, so does looking up.
    """

    def __init__(self) -> None:
        self._segments: list[Segment] = []
        self._open_tail()

    def add(self, terms: Terms, rows: Rows, counts: Counts) -> None:
        """Add postings of rows that come after all others."""
        self._tail_terms.extend(terms)
        self._tail_rows.extend(rows)
        self._tail_counts.extend(counts)
        if len(self._tail_terms) > _MAX_TAIL:
            self._seal()

    def of(self, term: np.uint64) -> tuple[Rows, Counts]:
        """Return the rows that have the term, ascending, and how often each has it."""
        places = [segment.of(term) for segment in self._segments]
        rows = [s.rows[place] for s, place in zip(self._segments, places, strict=True) if _some(place)]
        counts = [s.counts[place] for s, place in zip(self._segments, places, strict=True) if _some(place)]
        late = np.flatnonzero(self._tail_terms.rows == term)
        if len(late) or not rows:
            rows.append(self._tail_rows.rows[late])
            counts.append(self._tail_counts.rows[late])
        return (rows[0], counts[0]) if len(rows) == 1 else (np.concatenate(rows), np.concatenate(counts))

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        tail = self._tail_terms.nbytes + self._tail_rows.nbytes + self._tail_counts.nbytes
        return tail + sum(segment.nbytes for segment in self._segments)

    def _open_tail(self) -> None:
        self._tail_terms: Column[np.uint64] = Column(np.uint64)
        self._tail_rows: Column[np.int32] = Column(np.int32)
        self._tail_counts: Column[np.uint16] = Column(np.uint16)

    def _seal(self) -> None:
        sealed = _sorted(self._tail_terms.rows, self._tail_rows.rows, self._tail_counts.rows)
        self._open_tail()
        while self._segments and len(self._segments[-1].terms) < 2 * len(sealed.terms):
            before = self._segments.pop()
            sealed = _sorted(
                np.concatenate([before.terms, sealed.terms]),
                np.concatenate([before.rows, sealed.rows]),
                np.concatenate([before.counts, sealed.counts]),
            )
        self._segments.append(sealed)


def _sorted(terms: Terms, rows: Rows, counts: Counts) -> Segment:
    # Stable: the rows of a term stay in their order, and two sorted runs merge in one pass.
    order = np.argsort(terms, kind="stable")
    return Segment(terms[order], rows[order], counts[order])


def _some(place: slice) -> bool:
    return bool(place.stop > place.start)
