"""One scope in memory, ready to be searched."""

from collections.abc import Collection, Iterable, Sequence

import faiss
import numpy as np
from numpy.typing import NDArray

from memory.encoders.port import Floats
from retrieval.codec import Codes, TokenCodec
from retrieval.embedded.columns import Column
from retrieval.embedded.lexical import Lexical, LexicalScores
from retrieval.embedded.sessions import Sessions, SessionScores
from retrieval.index import Candidates, Found, IndexedTurn, Ints, Limits, Passage, QueryView

# Columns of the number table.
(
    _TURN,
    _SESSION,
    _SEQ,
    _ROLE,
    _TURN_TOKENS,
    _SPEAKER,
    _PASSAGE,
    _PASSAGES,
    _START,
    _END,
    _TOKENS,
    _TRAITS,
    _RANK,
) = range(13)


class HotScope:
    """All passages of a user, as columns; rows are in order of arrival. Not thread-safe."""

    def __init__(self, dim: int, code_dim: int) -> None:
        self._numbers: Column[np.int64] = Column(np.int64, 13)
        self._at: Column[np.float64] = Column(np.float64)
        self._pooled = faiss.IndexFlatIP(dim)
        self._codes: Column[np.int8] = Column(np.int8, code_dim)
        self._code_spans: Column[np.int64] = Column(np.int64, 2)
        self._lexical = Lexical()
        self._sessions = Sessions(dim)
        self._first_row: dict[tuple[int, int], int] = {}
        self._row_of: dict[int, int] = {}

    def add(self, turns: Sequence[IndexedTurn]) -> None:
        """Add turns; one that is here already, found by its terms alone, gets its vectors."""
        for turn in turns:
            if turn.key in self._row_of:
                self._fill(self._row_of[turn.key], turn.passages)
        new = [turn for turn in turns if turn.key not in self._row_of]
        passages = [passage for turn in new for passage in turn.passages]
        if not passages:
            return
        self._numbers.extend(np.array(list(self._number_rows(new)), np.int64))
        row = len(self._at)
        for turn in new:
            self._first_row[turn.session, turn.seq] = self._row_of[turn.key] = row
            row += len(turn.passages)
        self._at.extend(np.array([turn.at for turn in new for _ in turn.passages]))
        pooled = np.stack([passage.pooled for passage in passages]).astype(np.float32)
        self._pooled.add(pooled)
        self._sessions.add([turn.session for turn in new for _ in turn.passages], pooled)
        self._code_spans.extend(self._keep_codes(passages))
        self._lexical.add([(passage.terms, passage.counts) for passage in passages])

    @property
    def keys(self) -> Collection[int]:
        """The turns that are here."""
        return self._row_of.keys()

    def _fill(self, row: int, passages: Sequence[Passage]) -> None:
        end = row + len(passages)
        pooled = np.stack([passage.pooled for passage in passages])
        self._sessions.fill(row, pooled - self._vectors()[row:end])
        self._vectors()[row:end] = pooled
        self._code_spans.rows[row:end] = self._keep_codes(passages)

    def _keep_codes(self, passages: Sequence[Passage]) -> Ints:
        """Store token codes; return the first and past-the-end place of each passage's."""
        ends = len(self._codes) + np.cumsum([len(passage.codes) for passage in passages])
        self._codes.extend(np.concatenate([passage.codes for passage in passages]))
        return np.stack([np.concatenate([[ends[0] - len(passages[0].codes)], ends[:-1]]), ends], axis=1)

    def _number_rows(self, turns: Sequence[IndexedTurn]) -> Iterable[tuple[int, ...]]:
        for rank, turn in enumerate(turns, start=len(self._row_of)):
            for place, passage in enumerate(turn.passages):
                shared = (turn.key, turn.session, turn.seq, turn.role, turn.tokens, turn.speaker)
                own = (place, len(turn.passages), passage.start, passage.end, passage.tokens, passage.traits)
                yield (*shared, *own, rank)

    def search(self, views: Sequence[QueryView], limits: Limits, session: int | None) -> Found:
        """Return what each arm finds, every score filled in for every row."""
        within = self._within(session)
        lexical = [self._lexical.score(view.terms) for view in views]
        dense = [self._vectors() @ view.pooled for view in views]
        rows = [self._newest(limits.newest, within)]
        for cosines, scores in zip(dense, lexical, strict=True):
            rows.append(_top(cosines + 2, limits.dense, within))
            rows.append(_top(scores.bm25, limits.lexical, within))
        best = np.concatenate([arm[: limits.neighbours] for arm in rows[1:]])
        rows.append(self._neighbours(best))
        wholes = self._sessions.score(views[0].pooled, dense[0], lexical[0].bm25, within)
        rows.append(self._leading_sessions(wholes, limits, within))
        found = np.unique(np.concatenate(rows))
        return Found(self._candidates(found, views, dense, lexical, wholes), len(self._row_of))

    def _leading_sessions(
        self, wholes: SessionScores, limits: Limits, within: NDArray[np.bool_] | None
    ) -> Ints:
        rows = self._sessions.rows_of(wholes.order[: limits.sessions], limits.session_rows)
        return rows if within is None else rows[within[rows]]

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        columns = (self._numbers, self._at, self._codes, self._code_spans)
        vectors = int(self._pooled.ntotal) * int(self._pooled.d) * 4
        return (
            sum(column.nbytes for column in columns) + vectors + self._lexical.nbytes + self._sessions.nbytes
        )

    def _within(self, session: int | None) -> NDArray[np.bool_] | None:
        return None if session is None else self._numbers.rows[:, _SESSION] == session

    def _newest(self, limit: int, within: NDArray[np.bool_] | None) -> Ints:
        rows = np.arange(len(self._at)) if within is None else np.flatnonzero(within)
        return rows[len(rows) - min(limit, len(rows)) :]

    def _vectors(self) -> Floats:
        """Return a view of all pooled vectors, float32 (rows, dim)."""
        size = int(self._pooled.ntotal) * int(self._pooled.d)
        vectors: Floats = faiss.rev_swig_ptr(self._pooled.get_xb(), size).reshape(-1, self._pooled.d)
        return vectors

    def _neighbours(self, rows: Ints) -> Ints:
        """Return all rows of the turns just before and after these, in their sessions."""
        found: list[int] = []
        numbers = self._numbers.rows
        for row in rows:
            session, seq = int(numbers[row, _SESSION]), int(numbers[row, _SEQ])
            for near in (seq - 1, seq + 1):
                first = self._first_row.get((session, near))
                if first is not None:
                    found.extend(range(first, first + int(numbers[first, _PASSAGES])))
        return np.array(found, np.int64)

    def _candidates(
        self,
        rows: Ints,
        views: Sequence[QueryView],
        dense: Sequence[Floats],
        lexical: Sequence[LexicalScores],
        wholes: SessionScores,
    ) -> Candidates:
        numbers = self._numbers.rows[rows]
        session = self._sessions.of(rows)
        pooled = self._vectors()[rows]
        coverage = np.stack([scores.coverage[rows] for scores in lexical], axis=1)
        # What has no vectors yet is taken to be as near as the words that it shares say: scored as zero,
        # the very turn that was asked for would lose to others that merely have their vectors.
        waiting = ~pooled.any(axis=1, keepdims=True)
        cosines = np.stack([scores[rows] for scores in dense], axis=1)
        maxsim = self._maxsim(rows, views, [scores.idf for scores in lexical])
        return Candidates(
            turn=numbers[:, _TURN],
            session=numbers[:, _SESSION],
            seq=numbers[:, _SEQ],
            at=self._at.rows[rows],
            role=numbers[:, _ROLE],
            turn_tokens=numbers[:, _TURN_TOKENS],
            passage=numbers[:, _PASSAGE],
            passages=numbers[:, _PASSAGES],
            start=numbers[:, _START],
            end=numbers[:, _END],
            tokens=numbers[:, _TOKENS],
            age=len(self._row_of) - 1 - numbers[:, _RANK],
            dense=np.where(waiting, coverage, cosines),
            lexical=np.stack([scores.bm25[rows] for scores in lexical], axis=1),
            maxsim=np.where(waiting, coverage, maxsim),
            coverage=coverage,
            pooled=pooled,
            speaker=numbers[:, _SPEAKER],
            traits=numbers[:, _TRAITS],
            rarest=np.stack([scores.rarest[rows] for scores in lexical], axis=1),
            matched=lexical[0].matched[rows],
            session_best=wholes.best[session],
            session_centroid=wholes.centroid[session],
            thread=wholes.thread[session],
        )

    def _maxsim(self, rows: Ints, views: Sequence[QueryView], idf: Sequence[Floats]) -> Floats:
        """Return the weighted MaxSim (Khattab and Zaharia 2020, ColBERT) of rows and views."""
        starts, ends = self._code_spans.rows[rows].T
        sizes = ends - starts
        scores = np.zeros((len(rows), len(views)), np.float32)
        filled = np.flatnonzero(sizes)
        if not len(filled):
            return scores
        tokens = _slices(self._codes.rows, starts[filled], sizes[filled]).astype(np.float32)
        bounds = np.concatenate([[0], np.cumsum(sizes[filled])[:-1]])
        for place, (view, weights) in enumerate(zip(views, idf, strict=True)):
            weight = np.where(view.token_terms >= 0, weights[view.token_terms], 0) if len(weights) else None
            if weight is None or not weight.any():
                continue
            kept = weight > 0
            # All tokens of the query against all of the rows, then the best within each row.
            best = np.maximum.reduceat(tokens @ TokenCodec.for_codes(view.tokens[kept]).T, bounds, axis=0)
            scores[filled, place] = best @ (weight[kept] / weight.sum())
        return scores


def _slices(codes: Codes, starts: Ints, sizes: Ints) -> Codes:
    """Return the runs of `codes` that begin at `starts`, one behind the other."""
    offsets = np.repeat(starts - np.concatenate([[0], np.cumsum(sizes)[:-1]]), sizes)
    return codes.take(offsets + np.arange(int(sizes.sum())), axis=0)


def _top(scores: Floats, limit: int, within: NDArray[np.bool_] | None) -> Ints:
    """Return the rows of the highest scores above zero, best first."""
    if within is not None:
        scores = np.where(within, scores, 0)
    few = limit < len(scores)
    best = np.argpartition(scores, -limit)[-limit:] if few else np.arange(len(scores))
    best = best[scores[best] > 0]
    return best[np.argsort(-scores[best], kind="stable")]
