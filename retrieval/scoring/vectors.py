"""Pooled and token vectors of passages, in memory."""

from collections.abc import Sequence

import faiss
import numpy as np
from numpy.typing import NDArray

from memory.encoders.port import Floats
from retrieval.index.port import Ints, Passage, QueryView
from retrieval.passages.codec import Codes, TokenCodec
from retrieval.scoring.columns import Column


class Vectors:
    """The vectors of some rows, by place. Not thread-safe."""

    def __init__(self, dim: int, code_dim: int) -> None:
        self._pooled = faiss.IndexFlatIP(dim)
        self._codes: Column[np.int8] = Column(np.int8, code_dim)
        self._code_spans: Column[np.int64] = Column(np.int64, 2)
        self._signs: Column[np.uint8] = Column(np.uint8, (dim + 7) // 8)

    def add(self, passages: Sequence[Passage]) -> None:
        """Add passages at the end."""
        pooled = np.stack([passage.pooled for passage in passages]).astype(np.float32)
        self._pooled.add(pooled)
        self._signs.extend(_signs(pooled))
        self._code_spans.extend(self._keep_codes(passages))

    def fill(self, row: int, passages: Sequence[Passage]) -> None:
        """Give rows from `row` on the vectors that they lacked."""
        end = row + len(passages)
        self.pooled[row:end] = np.stack([passage.pooled for passage in passages])
        self._signs.rows[row:end] = _signs(self.pooled[row:end])
        self._code_spans.rows[row:end] = self._keep_codes(passages)

    @property
    def pooled(self) -> Floats:
        """A view of all pooled vectors, float32 (rows, dim)."""
        size = int(self._pooled.ntotal) * int(self._pooled.d)
        vectors: Floats = faiss.rev_swig_ptr(self._pooled.get_xb(), size).reshape(-1, self._pooled.d)
        return vectors

    def nearest(self, queries: Floats, limit: int) -> Ints:
        """Return `limit` rows for each query, float32 (n, dim), whose vectors agree with it in most signs.

        48 bytes a row are read instead of 1,536 (Charikar 2002, hyperplane rounding); enough of the
        nearest are among the first thousands, and these are then compared exactly.
        """
        _, rows = faiss.knn_hamming(_signs(queries), self._signs.rows, min(limit, len(self._signs)), "mc")
        found: Ints = np.unique(rows)
        return found

    def maxsim(self, rows: Ints, views: Sequence[QueryView], weights: Sequence[Floats]) -> Floats:
        """Return the weighted MaxSim (Khattab and Zaharia 2020, ColBERT), float32 (rows, views).

        weights: of each view's tokens, see `token_weights`.
        """
        starts, ends = self._code_spans.rows[rows].T
        sizes = ends - starts
        scores = np.zeros((len(rows), len(views)), np.float32)
        filled = np.flatnonzero(sizes)
        if not len(filled):
            return scores
        tokens = _slices(self._codes.rows, starts[filled], sizes[filled]).astype(np.float32)
        bounds = np.concatenate([[0], np.cumsum(sizes[filled])[:-1]])
        for place, (view, weight) in enumerate(zip(views, weights, strict=True)):
            kept = weight > 0
            if kept.any():
                # All tokens of the query against all of the rows, then the best within each row. A row's
                # tokens lie side by side: the other way round, to take their best is as long as the product.
                best = np.maximum.reduceat(TokenCodec.for_codes(view.tokens[kept]) @ tokens.T, bounds, axis=1)
                scores[filled, place] = weight[kept] @ best
        return scores

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        pooled = int(self._pooled.ntotal) * int(self._pooled.d) * 4
        return pooled + self._codes.nbytes + self._code_spans.nbytes + self._signs.nbytes

    def _keep_codes(self, passages: Sequence[Passage]) -> Ints:
        """Store token codes; return the first and past-the-end place of each passage's."""
        ends = len(self._codes) + np.cumsum([len(passage.codes) for passage in passages])
        self._codes.extend(np.concatenate([passage.codes for passage in passages]))
        return np.stack([np.concatenate([[ends[0] - len(passages[0].codes)], ends[:-1]]), ends], axis=1)


def _signs(vectors: Floats) -> NDArray[np.uint8]:
    return np.packbits(vectors > 0, axis=1)


def token_weights(view: QueryView, idf: Floats) -> Floats:
    """Return what each token of the query counts, float32 (tokens,): IDF of its term, 1 in all or 0."""
    if not len(idf):
        return np.zeros(len(view.tokens), np.float32)
    weights = np.where(view.token_terms >= 0, idf[view.token_terms], 0).astype(np.float32)
    total = float(weights.sum())
    return weights / np.float32(total) if total > 0 else weights


def _slices(codes: Codes, starts: Ints, sizes: Ints) -> Codes:
    """Return the runs of `codes` that begin at `starts`, one behind the other."""
    offsets = np.repeat(starts - np.concatenate([[0], np.cumsum(sizes)[:-1]]), sizes)
    return codes.take(offsets + np.arange(int(sizes.sum())), axis=0)
