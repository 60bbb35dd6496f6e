"""The quality report: how good a choice of context is, as calibrated estimates."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from memory.encoders.port import Floats
from retrieval.evidence.features import Featured
from retrieval.query.kinds import KINDS
from retrieval.relevance.model import RelevanceModel, Scored, log_odds, sigmoid

INPUTS = (
    "one",
    "share of evidence packed",
    "share of the best",
    "share of the best ten",
    "entropy",
    "turns packed",
    "length",
    "words of content",
)

_LENGTH = KINDS.index("length")
_TEN = 10
_MANY = 12  # words of content beyond which a query asks for no more


@dataclass(frozen=True, slots=True)
class Quality:
    """All 0..1. expected_recall: share of the needed evidence that is in the context, if there is any.
    expected_precision: share of what is in it that is needed. sufficient: chance that all of it is there.
    abstained: nothing seemed relevant. model: which model says so.
    """

    expected_recall: float
    expected_precision: float
    sufficient: float
    abstained: bool
    model: str


def quality_inputs(turns: Featured, scored: Scored, packed: NDArray[np.int64]) -> Floats:
    """Return float32 (len(INPUTS),) of a choice; `packed` are its rows.

    The ranker is fitted so that the softmax of its scores shares a question's evidence out among the
    candidates. Added up over what is packed it is the ranker's own guess of the recall, on a scale
    that is the same in every memory.
    """
    shares = np.exp((scored.score - scored.score.max(initial=-np.inf)).astype(np.float64))
    shares /= max(shares.sum(), 1e-9)
    best = np.sort(shares)[::-1]
    values = [
        1.0,
        *log_odds(np.array([shares[packed].sum(), best[:1].sum(), best[:_TEN].sum()])).tolist(),
        float(-(shares * np.log(shares + 1e-12)).sum()),
        float(np.log1p(len(packed))),
        float(turns.kinds[_LENGTH]),
        min(len(turns.matches.content), _MANY) / _MANY,
    ]
    return np.array(values, np.float32)


def quality(model: RelevanceModel, turns: Featured, scored: Scored, packed: NDArray[np.int64]) -> Quality:
    """Return the report of a choice; `packed` are its rows.

    What suffices is something that memory has, and that is packed whole.
    """
    inputs = quality_inputs(turns, scored, packed)
    recall, precision, complete = (
        float(sigmoid(inputs @ model.quality[key])) for key in ("recall", "precision", "complete")
    )
    slope, shift = model.quality["sufficient"]
    both = log_odds(np.array(scored.known * complete))
    return Quality(recall, precision, float(sigmoid(slope * both + shift)), abstained=False, model=model.name)


def nothing(model: RelevanceModel) -> Quality:
    """Return the report of a choice of nothing."""
    return Quality(0.0, 0.0, 0.0, abstained=True, model=model.name)
