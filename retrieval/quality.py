"""The quality report: how good a choice of context is, as calibrated estimates."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from memory.encoders.port import Floats
from retrieval.features import Featured
from retrieval.kinds import KINDS
from retrieval.matches import Matches
from retrieval.query import Query
from retrieval.relevance import RelevanceModel, Scored, sigmoid

INPUTS = (
    "one",
    "share of relevance packed",
    "log relevance found",
    "log relevance left out",
    "best relevance",
    "second relevance",
    "third relevance",
    "best maxsim",
    "best coverage",
    "best dense",
    "gap",
    "coverage of the best",
    "maxsim of the best",
    "words unseen",
    "names unseen",
    "speaker named",
    "named speaker leads",
    "named speaker leads in maxsim",
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


def quality_inputs(query: Query, turns: Featured, scored: Scored, packed: NDArray[np.int64]) -> Floats:
    """Return float32 (len(INPUTS),) of a choice; `packed` are its rows."""
    relevance = scored.relevance.astype(np.float64)
    inside = float(relevance[packed].sum())
    total = float(relevance.sum())
    top = np.sort(relevance)[::-1][:3] if len(relevance) else relevance
    top = np.concatenate([top, np.zeros(3 - len(top))])
    gap = float(np.diff(np.sort(scored.score)[-2:]).sum()) if len(relevance) > 1 else 0.0
    best = [
        float(scores[:, 0].max(initial=0))
        for scores in (turns.table.maxsim, turns.table.coverage, turns.table.dense)
    ]
    logits = [_logit(value) for value in top]
    values = [
        1.0,
        _logit(inside / max(total, 1e-9)),
        float(np.log(total + 0.01)),
        float(np.log(max(total - inside, 0) + 0.01)),
        *logits,
        *best,
        gap,
        *_of_best(turns, scored),
        *_unseen(query, turns),
        *_speakers(turns),
        *(float(turns.kinds[place]) for place in _KINDS),
    ]
    return np.array(values, np.float32)


def quality(model: RelevanceModel, inputs: Floats, *, empty: bool) -> Quality:
    """Return the report of a choice with these inputs; `empty` = nothing is in it."""
    if empty:
        return Quality(0.0, 0.0, 0.0, abstained=True, model=model.name)
    values = {key: float(sigmoid(inputs @ weights)) for key, weights in model.quality.items()}
    return Quality(
        values["recall"], values["precision"], values["sufficient"], abstained=False, model=model.name
    )


def _logit(share: float) -> float:
    kept = min(max(share, 0.002), 0.998)
    return float(np.log(kept / (1 - kept)))


def _of_best(turns: Featured, scored: Scored) -> tuple[float, float]:
    """Return how much of the query the three best turns have: words, and meaning token by token."""
    best = scored.order[:3]
    if not len(best):
        return 0.0, 0.0
    return float(turns.table.coverage[best, 0].max()), float(turns.table.maxsim[best, 0].max())


def _unseen(query: Query, turns: Featured) -> tuple[float, float]:
    """Return the share of the query's words, and of its names, that no candidate has."""
    matches = Matches(query.text, turns.table.matched)
    return matches.unseen(), matches.unseen(names=True)


def _speakers(turns: Featured) -> tuple[float, float, float]:
    """Return whether the query names a speaker, and by how much that one's turns lead the others'.

    A question that fits what somebody else said best may have the wrong person in mind.
    """
    this = turns.values[:, turns.names.index("speaker named")] > 0
    other = turns.values[:, turns.names.index("other named")] > 0
    if not this.any() or not other.any():
        return 0.0, 0.0, 0.0
    lead, token_lead = (
        float(values[this].max() - values[other].max()) for values in (turns.base, turns.table.maxsim[:, 0])
    )
    return 1.0, lead, token_lead
