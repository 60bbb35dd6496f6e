"""Whole turns under a budget, rendered as the service renders them: the same for every ranker."""

from collections.abc import Iterable, Sequence

from eval.datasets.model import Unit
from eval.datasets.turns import turn
from eval.systems.port import Delivered, Item
from memory.tokens import TokenCounter
from retrieval.rendering.render import Record, closing, day_of, header, opening, render

# Every fence number has as many digits and so as many tokens; a fixed one makes runs repeatable.
_NONCE = "0" * 39


class Packer:
    """Packs greedily in the order given; what doesn't fit is skipped, and smaller turns may follow."""

    def __init__(self, counter: TokenCounter) -> None:
        self._counter = counter
        self._fence = counter.count(opening(_NONCE)) + counter.count(closing(_NONCE))
        self.forget()

    def forget(self) -> None:
        """Begin a conversation."""
        self._records: dict[str, Record] = {}
        self._costs: dict[str, tuple[int, int]] = {}
        self._sessions: dict[str, int] = {}

    def add(self, units: Iterable[Unit]) -> None:
        """Take the next units."""
        for unit in units:
            session = self._sessions.setdefault(unit.session, len(self._sessions) + 1)
            self._records[unit.id] = Record(turn(unit, len(self._records), session, 0), None)

    def pack(self, ranking: Sequence[str], max_tokens: int) -> Delivered:
        """Return as many of the best turns as fit, `max_tokens` counted over the rendered whole."""
        room = max_tokens - self._fence
        seen: set[tuple[int, str]] = set()
        chosen: list[str] = []
        for unit in ranking:
            line, head = self._cost(unit)
            block = self._block(unit)
            cost = line + (0 if block in seen else head)
            if cost <= room:
                room -= cost
                seen.add(block)
                chosen.append(unit)
        return self._fitted(chosen, max_tokens)

    def whole(self, units: Iterable[str]) -> Delivered:
        """Return these turns, whatever they cost."""
        chosen = list(units)
        text = render([self._records[unit] for unit in chosen], _NONCE)
        return Delivered(text, tuple(Item(unit) for unit in chosen))

    def _fitted(self, chosen: list[str], max_tokens: int) -> Delivered:
        """Drop the last ones while the exact count is over: tokens of parts don't quite add up."""
        while True:
            delivered = self.whole(chosen)
            if self._counter.count(delivered.text) <= max_tokens:
                return delivered
            chosen.pop()

    def _cost(self, unit: str) -> tuple[int, int]:
        """Return the tokens of the unit's line and of the header it may need."""
        if unit not in self._costs:
            record = self._records[unit]
            head = header(record.turn.session, day_of(record.turn))
            self._costs[unit] = (self._counter.count(record.line), self._counter.count(head))
        return self._costs[unit]

    def _block(self, unit: str) -> tuple[int, str]:
        record = self._records[unit]
        return record.turn.session, day_of(record.turn)
