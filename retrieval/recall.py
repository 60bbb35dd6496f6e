"""Recall: from the new turn to the context that it needs."""

from collections.abc import Mapping
from dataclasses import dataclass

from memory.encoders.port import Floats
from memory.ledger import Ledger, turns
from memory.scope import Scope
from memory.tokens import TokenCounter
from memory.trust import Tier, tier_of_role
from memory.turns import Turn
from retrieval.finder import Clock, Finder, Finding, Wanted
from retrieval.packing.choose import Choice, Pick, choose
from retrieval.packing.fitting import fitted
from retrieval.relevance.model import RelevanceModel
from retrieval.rendering.recalled import own
from retrieval.rendering.render import Record, in_order


@dataclass(frozen=True, slots=True)
class Item:
    """A record of the context and why it is there. tokens: of its line. tier: how far it is trusted."""

    record: Record
    tokens: int
    pick: Pick
    tier: Tier


@dataclass(frozen=True, slots=True)
class Context:
    """What is returned. text: ready for a prompt, of `used` tokens. available: tokens remembered.
    note: why there is nothing, where there is nothing. timings: milliseconds by phase. pooled: the new
    turn's unit vector.
    """

    text: str
    items: list[Item]
    used: int
    available: int
    choice: Choice
    degraded: bool
    note: str | None
    timings: dict[str, float]
    pooled: Floats


class Recall:
    """The use case behind `POST context`."""

    def __init__(self, ledger: Ledger, find: Finder, counter: TokenCounter, model: RelevanceModel) -> None:
        self._ledger = ledger
        self._find = find
        self._counter = counter
        self._model = model

    def __call__(
        self,
        scope: Scope,
        wanted: Wanted,
        max_tokens: int,
        *,
        recent: int = 0,
        min_relevance: float | None = None,
        explain: bool = False,
    ) -> Context:
        """Return the context for a new turn, of at most `max_tokens` tokens, fence and all.

        recent: that many of the session's last turns are packed before anything else. min_relevance:
        nothing less likely to be needed than this is packed, 0 to 1. explain: tell of every candidate.
        """
        clock = Clock()
        finding = self._find(scope, wanted, clock)
        with clock.measured("choose"):
            choice = choose(
                finding.query,
                finding.found,
                max_tokens,
                self._model,
                min_relevance=min_relevance,
                pinned=[turn.id for turn in finding.last[-recent:]] if recent else [],
                excluded=finding.excluded,
                tiers=finding.tiers,
                explain=explain,
            )
        with clock.measured("render"):
            text, used, items = self._packed(scope, choice, finding.tiers, max_tokens)
        note = None if items else _why_empty(choice, finding, max_tokens)
        return Context(
            text,
            items,
            used,
            finding.available,
            choice,
            finding.degraded,
            note,
            clock.total(),
            finding.pooled,
        )

    def _packed(
        self, scope: Scope, choice: Choice, tiers: Mapping[int, Tier], budget: int
    ) -> tuple[str, int, list[Item]]:
        """Return the rendered picks and their exact tokens; the least relevant go until they fit."""
        with self._ledger.reading(scope.tenant) as tx:
            found = turns.by_id(tx, scope, [pick.turn for pick in choice.picks])
        # A turn that the ledger has no longer was erased after the index was asked.
        picks = {pick.turn: pick for pick in choice.picks if pick.turn in found}
        trust = {key: tiers.get(key, tier_of_role(found[key].role)) for key in picks}
        made = [_record(found[key], pick, trust[key]) for key, pick in picks.items()]
        text, used, records = fitted([one for one in made if one is not None], budget, self._counter)
        items = [
            Item(record, self._counter.count(record.line), picks[record.turn.id], trust[record.turn.id])
            for record in in_order(records)
        ]
        return text, used, items


def _record(turn: Turn, pick: Pick, trust: Tier) -> Record | None:
    """Return the turn as it is delivered: without what it repeats of a context; None if that is all."""
    kept = own(turn.content) if pick.spans is None else None
    if kept == []:
        return None
    return Record(turn, tuple(kept) if kept else pick.spans, low=trust is Tier.LOW)


def _why_empty(choice: Choice, finding: Finding, budget: int) -> str:
    if not finding.found.size:
        return "nothing is remembered in this scope"
    if choice.quality.abstained:
        return "nothing in memory seems relevant to this turn"
    return f"nothing relevant fits into {budget} tokens"
