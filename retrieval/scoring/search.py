"""One search of a scope: what the arms bring, with every score filled in.

Only the vectors may be elsewhere: they are asked for through `VectorSource`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from memory.encoders.port import Floats
from retrieval.index import Candidates, Found, Ints, Limits, QueryView
from retrieval.scoring.lexical import LexicalScores
from retrieval.scoring.outline import (
    END,
    PASSAGE,
    PASSAGES,
    RANK,
    ROLE,
    SEQ,
    SESSION,
    SPEAKER,
    START,
    TOKENS,
    TRAITS,
    TURN,
    TURN_TOKENS,
    Outline,
)
from retrieval.scoring.sessions import SessionScores, spread
from retrieval.scoring.vectors import token_weights


@dataclass(frozen=True, slots=True)
class Cosines:
    """How near every row is to a view: float32 (rows,) each.

    values: the cosine, minus infinity where a row is too far to be known. spread: in standard
    deviations from the scope's mean.
    """

    values: Floats
    spread: Floats


@dataclass(frozen=True, slots=True)
class Details:
    """What rows say token by token: maxsim float32 (n, views), and pooled float32 (n, dim)."""

    maxsim: Floats
    pooled: Floats


class VectorSource(Protocol):
    """Where the vectors of a scope's rows are."""

    def cosines(self, views: Sequence[QueryView], session: int | None) -> list[Cosines]:
        """Return how near the rows are to each view, at least the nearest, and those of the session."""

    def details(self, rows: Ints, views: Sequence[QueryView], weights: Sequence[Floats]) -> Details:
        """Return the vectors of these rows, compared token by token with the views."""


def search(
    outline: Outline,
    vectors: VectorSource,
    views: Sequence[QueryView],
    limits: Limits,
    session: int | None,
) -> Found:
    """Return what each arm finds, every score filled in for every row."""
    within = outline.within(session)
    lexical = [outline.lexical.score(view.terms) for view in views]
    cosines = vectors.cosines(views, session)
    rows = [outline.newest(limits.newest, within)]
    for near, scores in zip(cosines, lexical, strict=True):
        rows.append(_top(near.values + 2, limits.dense, within))
        rows.append(_top(scores.bm25, limits.lexical, within))
    best = np.concatenate([arm[: limits.neighbours] for arm in rows[1:]])
    rows.append(outline.neighbours(best))
    fits = cosines[0].spread + spread(lexical[0].bm25)
    wholes = outline.sessions.score(views[0].pooled, fits, within)
    rows.append(_leading_sessions(outline, wholes, limits, within))
    found = np.unique(np.concatenate(rows))
    weights = [token_weights(view, scores.idf) for view, scores in zip(views, lexical, strict=True)]
    details = vectors.details(found, views, weights)
    return Found(_candidates(outline, found, views, details, lexical, wholes=wholes), outline.turns)


def _leading_sessions(
    outline: Outline, wholes: SessionScores, limits: Limits, within: NDArray[np.bool_] | None
) -> Ints:
    rows = outline.sessions.rows_of(wholes.order[: limits.sessions], limits.session_rows)
    return rows if within is None else rows[within[rows]]


def _top(scores: Floats, limit: int, within: NDArray[np.bool_] | None) -> Ints:
    """Return the rows of the highest scores above zero, best first."""
    if within is not None:
        scores = np.where(within, scores, 0)
    few = limit < len(scores)
    best = np.argpartition(scores, -limit)[-limit:] if few else np.arange(len(scores))
    best = best[scores[best] > 0]
    return best[np.argsort(-scores[best], kind="stable")]


def _candidates(
    outline: Outline,
    rows: Ints,
    views: Sequence[QueryView],
    details: Details,
    lexical: Sequence[LexicalScores],
    *,
    wholes: SessionScores,
) -> Candidates:
    numbers = outline.numbers[rows]
    session = outline.sessions.of(rows)
    coverage = np.stack([scores.coverage[rows] for scores in lexical], axis=1)
    # What has no vectors yet is taken to be as near as the words that it shares say: scored as zero,
    # the very turn that was asked for would lose to others that merely have their vectors.
    waiting = ~details.pooled.any(axis=1, keepdims=True)
    cosines = np.stack([details.pooled @ view.pooled for view in views], axis=1)
    return Candidates(
        turn=numbers[:, TURN],
        session=numbers[:, SESSION],
        seq=numbers[:, SEQ],
        at=outline.at[rows],
        role=numbers[:, ROLE],
        turn_tokens=numbers[:, TURN_TOKENS],
        passage=numbers[:, PASSAGE],
        passages=numbers[:, PASSAGES],
        start=numbers[:, START],
        end=numbers[:, END],
        tokens=numbers[:, TOKENS],
        age=outline.turns - 1 - numbers[:, RANK],
        dense=np.where(waiting, coverage, cosines),
        lexical=np.stack([scores.bm25[rows] for scores in lexical], axis=1),
        maxsim=np.where(waiting, coverage, details.maxsim),
        coverage=coverage,
        pooled=details.pooled,
        speaker=numbers[:, SPEAKER],
        traits=numbers[:, TRAITS],
        rarest=np.stack([scores.rarest[rows] for scores in lexical], axis=1),
        matched=lexical[0].matched[rows],
        session_best=wholes.best[session],
        session_centroid=wholes.centroid[session],
        thread=wholes.thread[session],
    )
