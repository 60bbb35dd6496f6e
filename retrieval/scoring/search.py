"""One search of a scope: what the arms bring, with every score filled in.

Only the vectors may be elsewhere: they are asked for through `VectorSource`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from memory.encoders.port import Floats
from retrieval.index.port import Candidates, Found, Ints, Limits, QueryView
from retrieval.scoring.lexical import Asked, LexicalScores
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

# Up to so many rows a scope is searched exactly. In a larger one the rows to look at are found first:
# by the signs of their vectors and by their rarest terms, this many each for every view.
LARGE = 65_536
FIELD = 2_000


@dataclass(frozen=True, slots=True)
class Cosines:
    """How near rows are to a view: float32 (rows,) each.

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

    def nearest(self, views: Sequence[QueryView], limit: int) -> Ints:
        """Return about `limit` of the rows that are nearest to each view."""

    def cosines(self, views: Sequence[QueryView], rows: Ints | None) -> list[Cosines]:
        """Return how near these rows, or all, are to each view; at least the nearest, and the session's."""

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
    words = outline.lexical
    asked = [words.asked(view.terms) for view in views]
    looked = None
    if len(outline) > LARGE:
        if session is None:
            looked = _field(outline, vectors, views, asked, limits)
        else:
            looked = outline.sessions.rows_in(session)
    within = outline.within(session, looked)
    matches = [words.bm25(terms, looked) for terms in asked]
    cosines = vectors.cosines(views, looked)
    arms = []
    for near, scores in zip(cosines, matches, strict=True):
        arms.append(_top(near.values + 2, limits.dense, within))
        arms.append(_top(scores, limits.lexical, within))
    rows = [arm if looked is None else looked[arm] for arm in arms]
    rows.append(outline.neighbours(np.concatenate([arm[: limits.neighbours] for arm in rows])))
    rows.append(outline.newest(limits.newest, session))
    among = None if looked is None else words.bm25(asked[0], outline.sample())
    fits = cosines[0].spread + spread(matches[0], among)
    wholes = outline.sessions.score(views[0].pooled, fits, looked, within)
    rows.append(_leading_sessions(outline, wholes, limits, session))
    found = np.unique(np.concatenate(rows))
    lexical = [words.score(terms, found) for terms in asked]
    weights = [token_weights(view, scores.idf) for view, scores in zip(views, lexical, strict=True)]
    details = vectors.details(found, views, weights)
    return Found(_candidates(outline, found, views, details, lexical, wholes=wholes), outline.turns)


def _field(
    outline: Outline,
    vectors: VectorSource,
    views: Sequence[QueryView],
    asked: Sequence[Asked],
    limits: Limits,
) -> Ints:
    """Return the rows of a large scope that are worth looking at, ascending."""
    matching = [outline.lexical.best(terms, FIELD) for terms in asked]
    return np.unique(
        np.concatenate([vectors.nearest(views, FIELD), *matching, outline.newest(limits.newest, None)])
    )


def _leading_sessions(outline: Outline, wholes: SessionScores, limits: Limits, session: int | None) -> Ints:
    rows = outline.sessions.rows_of(wholes.order[: limits.sessions], limits.session_rows)
    within = outline.within(session, rows)
    return rows if within is None else rows[within]


def _top(scores: Floats, limit: int, within: NDArray[np.bool_] | None) -> Ints:
    """Return the places of the highest scores above zero, best first."""
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
    coverage = np.stack([scores.coverage for scores in lexical], axis=1)
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
        lexical=np.stack([scores.bm25 for scores in lexical], axis=1),
        maxsim=np.where(waiting, coverage, details.maxsim),
        coverage=coverage,
        pooled=details.pooled,
        speaker=numbers[:, SPEAKER],
        traits=numbers[:, TRAITS],
        rarest=np.stack([scores.rarest for scores in lexical], axis=1),
        matched=lexical[0].matched,
        session_best=wholes.best[session],
        session_centroid=wholes.centroid[session],
        thread=wholes.thread[session],
    )
