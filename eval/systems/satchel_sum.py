"""Satchel without what it learned: the untrained sum in the place of the relevance model."""

from dataclasses import replace

from eval.datasets.model import Query
from eval.systems.port import Delivered, Means
from eval.systems.satchel import Satchel
from eval.train.untrained import untrained


class SatchelSum(Satchel):
    """The service with the mean of its dense, lexical and token-level scores instead of the model.

    Index, candidates, packing and rendering are the service's own. It has no quality report: what would
    be in it is learned.
    """

    name = "satchel-sum"

    def __init__(self, means: Means) -> None:
        """Open a service, and ask it by the sum."""
        super().__init__(means)
        self._answer_by(untrained())

    def context(self, query: Query, max_tokens: int) -> Delivered:
        """Return the context, and nothing about it."""
        delivered = super().context(query, max_tokens)
        items = tuple(replace(item, relevance=None) for item in delivered.items)
        return replace(delivered, items=items, quality=None)
