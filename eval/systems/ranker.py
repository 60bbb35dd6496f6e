"""A system that only ranks: packing, rendering and the rest are shared."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from eval.datasets.model import Query, Unit
from eval.systems.packing import Packer
from eval.systems.port import Delivered, Means
from memory.encoders.port import Floats


class Ranker(ABC):
    """Scores every remembered unit for a query; the highest are packed, ties in order of arrival."""

    name: str
    budgeted = True

    def __init__(self, means: Means) -> None:
        """Take what all systems share."""
        self._packer = Packer(means.counter)
        self._ids: list[str] = []
        self._last: tuple[tuple[str, int], list[str]] | None = None

    @property
    def settings(self) -> Mapping[str, Any]:
        return {}

    def start(self, conversation: str) -> None:
        """Forget everything."""
        del conversation
        self._packer.forget()
        self._ids = []
        self._last = None
        self.forget()

    def remember(self, units: Sequence[Unit]) -> None:
        """Take the next units."""
        self._packer.add(units)
        self._ids.extend(unit.id for unit in units)
        self._last = None
        self.add(units)

    def context(self, query: Query, max_tokens: int) -> Delivered:
        """Return the best turns that fit."""
        return self._packer.pack(self._ranked(query), max_tokens)

    def own_context(self, query: Query) -> Delivered | None:
        del query
        return None

    def ranking(self, query: Query, k: int) -> list[str]:
        """Return the `k` best units."""
        return self._ranked(query)[:k]

    def close(self) -> None:
        """Let go of what is remembered."""
        self.forget()

    @abstractmethod
    def forget(self) -> None:
        """Begin a conversation."""

    @abstractmethod
    def add(self, units: Sequence[Unit]) -> None:
        """Take the next units."""

    @abstractmethod
    def scores(self, query: Query) -> Floats:
        """Return float32 (units,), higher is better."""

    def _ranked(self, query: Query) -> list[str]:
        """Return all units, best first; kept for the query's next budget."""
        key = (query.id, len(self._ids))
        if self._last is None or self._last[0] != key:
            order = np.argsort(-self.scores(query), kind="stable")
            self._last = (key, [self._ids[place] for place in order])
        return self._last[1]
