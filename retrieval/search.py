"""Search: the turns most relevant to a query, ranked; no budget, no packing."""

from dataclasses import dataclass

from memory.ledger import Ledger, turns
from memory.scope import Scope
from memory.trust import Tier, tier_of_role
from memory.turns import Turn
from retrieval.finder import Clock, Finder, Wanted
from retrieval.packing.choose import rank
from retrieval.relevance.model import RelevanceModel


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

    def __init__(self, ledger: Ledger, find: Finder, model: RelevanceModel) -> None:
        self._ledger = ledger
        self._find = find
        self._model = model

    def __call__(self, scope: Scope, wanted: Wanted, top_k: int) -> Hits:
        """Return at most `top_k` turns, best first."""
        clock = Clock()
        finding = self._find(scope, wanted, clock)
        with clock.measured("rank"):
            ranked = [
                row
                for row in rank(finding.query, finding.found, self._model, tiers=finding.tiers)
                if row.turn not in finding.excluded
            ]
            best = ranked[:top_k]
        with clock.measured("fetch"), self._ledger.reading(scope.tenant) as tx:
            found = turns.by_id(tx, scope, [row.turn for row in best])
        kept = [(found[row.turn], row) for row in best if row.turn in found]
        hits = [
            Hit(turn, finding.tiers.get(turn.id, tier_of_role(turn.role)), row.relevance, row.scores)
            for turn, row in kept
        ]
        return Hits(hits, finding.degraded, clock.total())
