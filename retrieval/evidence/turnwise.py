"""Candidates gathered by turn: a turn is as good as its best passage."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from memory.encoders.port import Floats
from retrieval.index.port import Candidates, Ints


@dataclass(frozen=True, slots=True)
class TurnTable:
    """One row a turn, by session and place in it.

    key, session, seq, role, speaker, tokens, passages, age: int64; at: Unix time. dense, lexical,
    maxsim, coverage, rarest: float32 (n, views), the best of the turn's passages. traits, matched: of
    all passages together. pooled: float32 (n, dim), of the passage whose scores are best in sum. rows:
    candidate rows of all turns, one turn behind the other; first: where each turn's begin, (n + 1,).
    """

    key: Ints
    session: Ints
    seq: Ints
    at: np.ndarray
    role: Ints
    speaker: Ints
    tokens: Ints
    passages: Ints
    age: Ints
    traits: Ints
    dense: Floats
    lexical: Floats
    maxsim: Floats
    coverage: Floats
    rarest: Floats
    matched: NDArray[np.uint64]
    session_best: Floats
    session_centroid: Floats
    thread: Floats
    pooled: Floats
    rows: Ints
    first: Ints

    def __len__(self) -> int:
        return len(self.key)


def turnwise(found: Candidates) -> TurnTable:
    """Return the candidates by turn."""
    rows = np.lexsort((found.passage, found.turn, found.seq, found.session))
    turn = found.turn[rows]
    starts = np.flatnonzero(np.concatenate([[True], turn[1:] != turn[:-1]])) if len(turn) else turn
    head = rows[starts]

    def best(scores: Floats) -> Floats:
        gathered: Floats = np.maximum.reduceat(scores[rows], starts, axis=0) if len(rows) else scores
        return gathered

    matched = np.bitwise_or.reduceat(found.matched[rows], starts, axis=0) if len(rows) else found.matched
    traits = np.bitwise_or.reduceat(found.traits[rows], starts) if len(rows) else found.traits
    return TurnTable(
        key=found.turn[head],
        session=found.session[head],
        seq=found.seq[head],
        at=found.at[head],
        role=found.role[head],
        speaker=found.speaker[head],
        tokens=found.turn_tokens[head],
        passages=found.passages[head],
        age=found.age[head],
        traits=traits,
        dense=best(found.dense),
        lexical=best(found.lexical),
        maxsim=best(found.maxsim),
        coverage=best(found.coverage),
        rarest=best(found.rarest),
        matched=matched,
        session_best=found.session_best[head],
        session_centroid=found.session_centroid[head],
        thread=found.thread[head],
        pooled=found.pooled[_leaders(found, rows, starts)],
        rows=rows,
        first=np.concatenate([starts, [len(rows)]]),
    )


def passage_scores(found: Candidates) -> Floats:
    """Return float32 (n,): each passage's untrained score for the new turn, in standard deviations."""
    parts = (found.dense[:, 0], found.lexical[:, 0], found.maxsim[:, 0])
    total: Floats = np.mean([standard(part) for part in parts], axis=0).astype(np.float32)
    return total


def standard(values: Floats) -> Floats:
    """Return the values less their mean, in standard deviations; all zero where they don't differ."""
    if not len(values):
        return values
    spread: Floats = ((values - values.mean()) / max(float(values.std()), 1e-6)).astype(np.float32)
    return spread


def _leaders(found: Candidates, rows: Ints, starts: Ints) -> Ints:
    """Return the candidate row of every turn's best passage."""
    if len(rows) == len(starts):
        return rows
    scores = passage_scores(found)[rows]
    group = np.cumsum(np.bincount(starts, minlength=len(rows))[: len(rows)]) - 1
    order = np.lexsort((-scores, group))
    leaders: Ints = rows[order[starts]]
    return leaders
