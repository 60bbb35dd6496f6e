"""What the quality report looks at."""

import numpy as np
import pytest

from retrieval.evidence.features import featured
from retrieval.relevance.model import Scored
from retrieval.relevance.quality import INPUTS, quality_inputs
from tests.searching import Said, ask

TURNS = featured(*ask("which green paint?", [Said("green paint"), Said("red paint"), Said("a train")]))


def seen(scores: list[float], packed: list[int]) -> dict[str, float]:
    score = np.array(scores, np.float32)
    scored = Scored(score, np.full(len(score), 0.5, np.float32), 0.5)
    inputs = quality_inputs(TURNS, scored, np.array(packed, np.int64))
    return dict(zip(INPUTS, inputs.tolist(), strict=True))


def test_shares_are_the_softmax_of_scores() -> None:
    inputs = seen([np.log(6), np.log(3), np.log(1)], [0, 1])
    assert inputs["share of evidence packed"] == pytest.approx(np.log(0.9 / 0.1), abs=1e-5)
    assert inputs["share of the best"] == pytest.approx(np.log(0.6 / 0.4), abs=1e-5)
    assert inputs["entropy"] == pytest.approx(-sum(p * np.log(p) for p in (0.6, 0.3, 0.1)), abs=1e-5)
    assert inputs["turns packed"] == pytest.approx(np.log(3))


def test_the_level_of_scores_says_nothing() -> None:
    low, high = (seen([level + 1, level, level - 2], [0]) for level in (-40, 40))
    assert low == pytest.approx(high, abs=1e-4)


def test_nothing_packed_is_no_share() -> None:
    assert seen([1, 0, 0], [])["share of evidence packed"] < seen([1, 0, 0], [2])["share of evidence packed"]
