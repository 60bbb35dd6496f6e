"""The quality report: how good a choice of context is, as calibrated estimates."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from memory.encoders.port import Floats
from retrieval.features import Featured
from retrieval.kinds import KINDS
from retrieval.relevance import RelevanceModel, Scored, log_odds, sigmoid

INPUTS = (
    "one",
    "share of relevance packed",
    "log relevance found",
    "log relevance left out",
    "best relevance",
    "second relevance",
    "third relevance",
    "gap",
    "many",
    "when",
    "back",
    "length",
)

_KINDS = tuple(KINDS.index(name) for name in INPUTS[-4:])


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
    """Return float32 (len(INPUTS),) of a choice; `packed` are its rows."""
    relevance = scored.relevance.astype(np.float64)
    inside = float(relevance[packed].sum())
    total = float(relevance.sum())
    top = np.sort(relevance)[::-1][:3] if len(relevance) else relevance
    top = np.concatenate([top, np.zeros(3 - len(top))])
    gap = float(np.diff(np.sort(scored.score)[-2:]).sum()) if len(relevance) > 1 else 0.0
    values = [
        1.0,
        float(log_odds(np.array(inside / max(total, 1e-9)))),
        float(np.log(total + 0.01)),
        float(np.log(max(total - inside, 0) + 0.01)),
        *log_odds(top).tolist(),
        gap,
        *(float(turns.kinds[place]) for place in _KINDS),
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
