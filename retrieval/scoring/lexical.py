"""BM25 over hashed terms, in memory, for one scope."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from memory.encoders.port import Floats
from retrieval.index import MATCHED_TERMS
from retrieval.scoring.columns import Column
from retrieval.terms import Terms

K1 = 1.2
B = 0.75

# The tail is searched term by term, so it is merged before that costs more than the sorted part.
_MAX_TAIL = 8192


@dataclass(frozen=True, slots=True)
class LexicalScores:
    """How rows match some terms: float32 (rows,) unless said.

    bm25. coverage: share of the terms' IDF that the row has, 0 to 1. rarest: IDF of the rarest term
    that the row has, as a share of the rarest asked for, 0 to 1. idf: (terms,). matched: uint64
    (rows, 2), a bit for each of the first `MATCHED_TERMS` terms that the row has.
    """

    bm25: Floats
    coverage: Floats
    rarest: Floats
    idf: Floats
    matched: NDArray[np.uint64]


class Lexical:
    """Postings of passages: a part sorted by term, and a short unsorted tail of what came since.

    Scores are BM25 (Robertson and Zaragoza 2009) with the IDF of Lucene, ln(1 + (N - n + .5) / (n + .5)),
    over the passages of this scope alone: one user's words never weigh another's.
    """

    def __init__(self) -> None:
        self._terms: Terms = np.empty(0, np.uint64)
        self._rows: NDArray[np.int32] = np.empty(0, np.int32)
        self._counts: NDArray[np.uint16] = np.empty(0, np.uint16)
        self._tail_terms: Column[np.uint64] = Column(np.uint64)
        self._tail_rows: Column[np.int32] = Column(np.int32)
        self._tail_counts: Column[np.uint16] = Column(np.uint16)
        self._lengths: Column[np.float32] = Column(np.float32)

    def add(self, passages: Sequence[tuple[Terms, NDArray[np.uint16]]]) -> None:
        """Add passages, whose rows go on from the last."""
        start = len(self._lengths)
        self._lengths.extend(np.array([counts.sum() for _, counts in passages], np.float32))
        self._tail_terms.extend(np.concatenate([terms for terms, _ in passages]))
        self._tail_counts.extend(np.concatenate([counts for _, counts in passages]))
        sizes = [len(terms) for terms, _ in passages]
        self._tail_rows.extend(np.repeat(np.arange(start, start + len(passages), dtype=np.int32), sizes))
        if len(self._tail_terms) > max(_MAX_TAIL, len(self._terms) // 4):
            self._merge()

    def score(self, terms: Terms) -> LexicalScores:
        """Return how every row matches these terms.

        A term that the scope has never seen counts in the coverage as much as the rarest seen.
        """
        rows = len(self._lengths)
        scores = np.zeros(rows, np.float32)
        covered = np.zeros(rows, np.float32)
        rarest = np.zeros(rows, np.float32)
        matched = np.zeros((rows, 2), np.uint64)
        idf = np.zeros(len(terms), np.float32)
        norms = self._norms()
        for place, term in enumerate(terms):
            found, counts = self._postings(term)
            idf[place] = np.log1p((rows - len(found) + 0.5) / (len(found) + 0.5))
            scores[found] += idf[place] * counts * (K1 + 1) / (counts + norms[found])
            covered[found] += idf[place]
            rarest[found] = np.maximum(rarest[found], idf[place])
            if place < MATCHED_TERMS:
                matched[found, place // 64] |= np.uint64(1 << place % 64)
        most = max(float(idf.max(initial=0)), 1e-9)
        return LexicalScores(scores, covered / max(float(idf.sum()), 1e-9), rarest / most, idf, matched)

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        tail = (self._tail_terms, self._tail_rows, self._tail_counts, self._lengths)
        parts = (self._terms, self._rows, self._counts)
        return sum(column.nbytes for column in tail) + sum(part.nbytes for part in parts)

    def _norms(self) -> Floats:
        lengths = self._lengths.rows
        mean = float(lengths.mean()) if len(lengths) else 1.0
        norms: Floats = K1 * (1 - B + B * lengths / max(mean, 1.0))
        return norms

    def _postings(self, term: np.uint64) -> tuple[NDArray[np.int32], NDArray[np.uint16]]:
        first, last = np.searchsorted(self._terms, term, "left"), np.searchsorted(self._terms, term, "right")
        late = np.flatnonzero(self._tail_terms.rows == term)
        rows = np.concatenate([self._rows[first:last], self._tail_rows.rows[late]])
        return rows, np.concatenate([self._counts[first:last], self._tail_counts.rows[late]])

    def _merge(self) -> None:
        terms = np.concatenate([self._terms, self._tail_terms.rows])
        order = np.argsort(terms, kind="stable")
        self._terms = terms[order]
        self._rows = np.concatenate([self._rows, self._tail_rows.rows])[order]
        self._counts = np.concatenate([self._counts, self._tail_counts.rows])[order]
        self._tail_terms, self._tail_rows, self._tail_counts = (
            Column(np.uint64),
            Column(np.int32),
            Column(np.uint16),
        )
