"""One vector a turn: what most memory systems search by."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from eval.datasets.model import Query, Unit
from eval.datasets.turns import spoken
from eval.systems.port import Means
from eval.systems.ranker import Ranker
from memory.encoders.port import Floats


class Dense(Ranker):
    """Cosine of the query's vector and each whole turn's, exact."""

    name = "dense"

    def __init__(self, means: Means) -> None:
        """Take the shared encoder."""
        super().__init__(means)
        self._encoder = means.encoder

    @property
    def settings(self) -> dict[str, Any]:
        return {"encoder": self._encoder.id}

    def forget(self) -> None:
        """Begin a conversation."""
        self._vectors: list[Floats] = []

    def add(self, units: Sequence[Unit]) -> None:
        """Encode the next units."""
        texts = [spoken(unit) for unit in units]
        self._vectors.extend(encoding.pooled for encoding in self._encoder.encode(texts))

    def scores(self, query: Query) -> Floats:
        """Return the cosine of every unit."""
        (encoding,) = self._encoder.encode([query.text])
        found: Floats = np.stack(self._vectors) @ encoding.pooled
        return found
