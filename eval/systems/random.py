"""Turns by chance: the floor that any system must leave."""

from collections.abc import Sequence
from zlib import crc32

import numpy as np

from eval.datasets.model import Query, Unit
from eval.systems.port import Means
from eval.systems.ranker import Ranker
from memory.encoders.port import Floats


class Random(Ranker):
    """A shuffle for each question, the same for the same seed."""

    name = "random"

    def __init__(self, means: Means) -> None:
        """Take the seed."""
        super().__init__(means)
        self._seed = means.seed

    def forget(self) -> None:
        """Begin a conversation."""
        self._count = 0

    def add(self, units: Sequence[Unit]) -> None:
        """Count."""
        self._count += len(units)

    def scores(self, query: Query) -> Floats:
        """Return chance."""
        chance = np.random.default_rng([self._seed, crc32(f"{query.id}\0{query.text}".encode())])
        return chance.random(self._count, np.float32)
