"""The whole history: the ceiling of recall, and what it costs."""

from eval.datasets.model import Query
from eval.systems.newest import Newest
from eval.systems.port import Delivered


class FullHistory(Newest):
    """Everything, every time. It keeps no budget, so it stands beside the budgets, not in them."""

    name = "full"
    budgeted = False

    def own_context(self, query: Query) -> Delivered:
        """Return all that was remembered."""
        del query
        return self._packer.whole(self._ids)
