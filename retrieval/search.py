"""Search: the turns most relevant to a query, ranked; no budget, no packing."""

from collections.abc import Collection
from dataclasses import dataclass

from memory.ledger import Ledger, turns
from memory.scope import Scope
from memory.trust import Tier, tier
from memory.turns import Turn
from retrieval.choose import Ranked, rank
from retrieval.finder import Clock, Finder, Wanted
from retrieval.relevance import RelevanceModel


@dataclass(frozen=True, slots=True)
class Hit:
    """A turn, how far it is trusted, how relevant it is (0 to 1), and the scores behind that."""

    turn: Turn
    tier: Tier
    score: float
    details: dict[str, float]


@dataclass(frozen=True, slots=True)
class Hits:
    """Turns found, best first. timings: milliseconds by phase."""

    hits: list[Hit]
    degraded: bool
    timings: dict[str, float]


class Search:
    """The use case behind `POST search`."""

    def __init__(
        self, ledger: Ledger, find: Finder, model: RelevanceModel, *, trusted: Collection[str] = ()
    ) -> None:
        """`trusted`: sources that the operator vouches for."""
        self._ledger = ledger
        self._find = find
        self._model = model
        self._trusted = trusted

    def __call__(self, scope: Scope, wanted: Wanted, top_k: int) -> Hits:
        """Return at most `top_k` turns, best first."""
        clock = Clock()
        finding = self._find(scope, wanted, clock)
        with clock.measured("rank"):
            ranked = [
                row
                for row in rank(finding.query, finding.found, self._model)
                if row.turn not in finding.excluded
            ]
            best = ranked[:top_k]
        with clock.measured("fetch"), self._ledger.reading(scope.tenant) as tx:
            found = turns.by_id(tx, scope, [row.turn for row in best])
        hits = [self._hit(found[row.turn], row) for row in best if row.turn in found]
        return Hits(hits, finding.degraded, clock.total())

    def _hit(self, turn: Turn, row: Ranked) -> Hit:
        return Hit(turn, tier(turn.role, turn.source, self._trusted), row.relevance, row.scores)
