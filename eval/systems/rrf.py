"""Dense and BM25 by reciprocal rank: the usual "hybrid"."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from eval.datasets.model import Query, Unit
from eval.systems.bm25 import Bm25
from eval.systems.dense import Dense
from eval.systems.port import Means
from eval.systems.ranker import Ranker
from memory.encoders.port import Floats

K = 60


class ReciprocalRank(Ranker):
    """Reciprocal rank fusion (Cormack et al. 2009) of both, k = 60, over all units."""

    name = "rrf"

    def __init__(self, means: Means) -> None:
        """Make both arms."""
        super().__init__(means)
        self._arms: tuple[Ranker, ...] = (Dense(means), Bm25(means))

    @property
    def settings(self) -> dict[str, Any]:
        return {"k": K, **{arm.name: dict(arm.settings) for arm in self._arms}}

    def forget(self) -> None:
        """Begin a conversation."""
        for arm in self._arms:
            arm.forget()

    def add(self, units: Sequence[Unit]) -> None:
        """Take the next units."""
        for arm in self._arms:
            arm.add(units)

    def scores(self, query: Query) -> Floats:
        """Return the sum of reciprocal ranks; what an arm scores zero gets nothing from it."""
        fused: list[Floats] = []
        for arm in self._arms:
            scores = arm.scores(query)
            ranks = np.empty(len(scores), np.float32)
            ranks[np.argsort(-scores, kind="stable")] = np.arange(1, len(scores) + 1)
            fused.append(np.where(scores == 0, 0, 1 / (K + ranks)).astype(np.float32))
        total: Floats = np.sum(fused, axis=0)
        return total
