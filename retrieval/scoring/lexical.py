"""BM25 over hashed terms, in memory, for one scope."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from memory.encoders.port import Floats
from retrieval.index.port import MATCHED_TERMS, Ints
from retrieval.passages.terms import Terms
from retrieval.scoring.columns import Column
from retrieval.scoring.postings import Counts, Postings, Rows

K1 = 1.2
B = 0.75

# Postings that the search for the best rows of a large scope reads, rarest terms first.
_READ = 200_000


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


@dataclass(frozen=True, slots=True)
class Asked:
    """Terms looked up, once for all that a search wants to know of them.

    postings: of each term, its rows, ascending, and counts. idf: float32 (terms,).
    """

    postings: Sequence[tuple[Rows, Counts]]
    idf: Floats


class Lexical:
    """Scores are BM25 (Robertson and Zaragoza 2009) with the IDF of Lucene,
    ln(1 + (N - n + .5) / (n + .5)), over the passages of this scope alone: one user's words never weigh
    another's.
    """

    def __init__(self) -> None:
        self._postings = Postings()
        self._lengths: Column[np.float32] = Column(np.float32)
        self._total = 0.0

    def add(self, passages: Sequence[tuple[Terms, NDArray[np.uint16]]]) -> None:
        """Add passages, whose rows go on from the last."""
        start = len(self._lengths)
        lengths = np.array([counts.sum() for _, counts in passages], np.float32)
        self._lengths.extend(lengths)
        self._total += float(lengths.sum())
        sizes = [len(terms) for terms, _ in passages]
        self._postings.add(
            np.concatenate([terms for terms, _ in passages]),
            np.repeat(np.arange(start, start + len(passages), dtype=np.int32), sizes),
            np.concatenate([counts for _, counts in passages]),
        )

    def asked(self, terms: Terms) -> Asked:
        """Return the terms looked up; good until something is added."""
        postings = [self._postings.of(term) for term in terms]
        having = np.array([len(rows) for rows, _ in postings])
        return Asked(
            postings, np.log1p((len(self._lengths) - having + 0.5) / (having + 0.5)).astype(np.float32)
        )

    def bm25(self, asked: Asked, rows: Ints | None = None) -> Floats:
        """Return the BM25 of all rows, or of these ascending ones, float32 (rows,)."""
        scores = np.zeros(len(self._lengths) if rows is None else len(rows), np.float32)
        for place, found, weights in self._weighted(asked, rows):
            scores[found] += asked.idf[place] * weights
        return scores

    def score(self, asked: Asked, rows: Ints) -> LexicalScores:
        """Return how these ascending rows match the terms.

        A term that the scope has never seen counts in the coverage as much as the rarest seen.
        """
        idf = asked.idf
        scores, covered, rarest = np.zeros((3, len(rows)), np.float32)
        matched = np.zeros((len(rows), 2), np.uint64)
        for place, found, weights in self._weighted(asked, rows):
            scores[found] += idf[place] * weights
            covered[found] += idf[place]
            rarest[found] = np.maximum(rarest[found], idf[place])
            if place < MATCHED_TERMS:
                matched[found, place // 64] |= np.uint64(1 << place % 64)
        most = max(float(idf.max(initial=0)), 1e-9)
        return LexicalScores(scores, covered / max(float(idf.sum()), 1e-9), rarest / most, idf, matched)

    def best(self, asked: Asked, limit: int) -> Ints:
        """Return about `limit` of the rows that match best, ascending, without looking at every one.

        The rarest terms are read until enough was read; common ones can't lift a row that has none of
        them far (the idea of MaxScore, Turtle and Flood 1995, with a bound on what is read).
        """
        scores = np.zeros(len(self._lengths), np.float32)
        read = 0
        for place in sorted(range(len(asked.postings)), key=lambda place: len(asked.postings[place][0])):
            rows, counts = asked.postings[place]
            if read and read + len(rows) > _READ:
                break
            scores[rows] += asked.idf[place] * _saturated(counts, self._norms(rows))
            read += len(rows)
        every: Ints = np.flatnonzero(scores)
        if len(every) > limit:
            every = np.sort(every[np.argpartition(scores[every], -limit)[-limit:]])
        return every

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return self._postings.nbytes + self._lengths.nbytes

    def _weighted(self, asked: Asked, rows: Ints | None) -> Iterator[tuple[int, Rows, Floats]]:
        """Yield of each term the places of those that have it, and how much it counts in them but for IDF."""
        norms = self._norms(rows)
        wanted = None if rows is None else rows.astype(np.int32)  # as postings are: nothing is converted
        for place, (having, counts) in enumerate(asked.postings):
            found, times = (having, counts) if wanted is None else _among(wanted, having, counts)
            yield place, found, _saturated(times, norms[found])

    def _norms(self, rows: NDArray[np.integer] | None) -> Floats:
        lengths = self._lengths.rows if rows is None else self._lengths.rows[rows]
        mean = max(self._total / max(len(self._lengths), 1), 1.0)
        norms: Floats = (K1 * (1 - B + B * lengths / mean)).astype(np.float32)
        return norms


def _saturated(counts: Counts, norms: Floats) -> Floats:
    weights: Floats = counts * np.float32(K1 + 1) / (counts + norms)
    return weights


def _among(rows: Rows, having: Rows, counts: Counts) -> tuple[Rows, Counts]:
    """Return the places in `rows` of those that are in `having`, and their counts; both are ascending."""
    if not len(having):
        return having, counts
    places = np.minimum(np.searchsorted(having, rows), len(having) - 1)
    here = np.flatnonzero(having[places] == rows).astype(np.int32)
    return here, counts[places[here]]
