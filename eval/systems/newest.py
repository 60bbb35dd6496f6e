"""The newest turns: what a plain window of the conversation gives."""

from collections.abc import Sequence

import numpy as np

from eval.datasets.model import Query, Unit
from eval.systems.ranker import Ranker
from memory.encoders.port import Floats


class Newest(Ranker):
    """The later, the better."""

    name = "newest"

    def forget(self) -> None:
        """Begin a conversation."""
        self._count = 0

    def add(self, units: Sequence[Unit]) -> None:
        """Count."""
        self._count += len(units)

    def scores(self, query: Query) -> Floats:
        """Return each unit's place."""
        del query
        return np.arange(self._count, dtype=np.float32)
