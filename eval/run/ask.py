"""One question put to one system."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from eval.cache import CachedEncoder
from eval.datasets.model import Query, Span, Unit
from eval.datasets.turns import new_turn
from eval.metrics.credit import earned, group_hits, whole
from eval.run.payload import Payload
from eval.run.rows import OWN, PackedItem, Report, Row, Shot
from eval.systems.port import Delivered, System, SystemFailedError
from memory.encoders import Encoder
from memory.tokens import TokenCounter

# What the light count adds to a turn's text, as chat formats do.
LIGHT_OVERHEAD = 4


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked of every system. budgets in tokens, the first is the one that latency is taken at."""

    budgets: tuple[int, ...]
    ks: tuple[int, ...] = (1, 3, 5, 10, 20, 50)
    deep: int = 400


@dataclass(slots=True)
class Desk:
    """A conversation as it is asked about: what the units cost and where they are."""

    counter: TokenCounter
    encoder: Encoder
    units: dict[str, Unit] = field(default_factory=dict)
    places: dict[str, int] = field(default_factory=dict)
    tokens: dict[str, int] = field(default_factory=dict)
    before: list[int] = field(default_factory=lambda: [0])

    def add(self, units: Sequence[Unit]) -> None:
        """Take the next units."""
        for unit in units:
            cost = self.counter.count(unit.text)
            self.places[unit.id] = len(self.units)
            self.units[unit.id] = unit
            self.tokens[unit.id] = cost
            self.before.append(self.before[-1] + cost)

    def ask(self, system: System | SystemFailedError, query: Query, conversation: str, plan: Plan) -> Row:
        """Return what the system did; a failure, earlier or now, is told in the row, never scored."""
        head = Row(
            conversation=conversation,
            query=query.id,
            type=query.type,
            level=query.level,
            pool=query.pool_end,
            available=self.before[query.pool_end],
            groups=query.groups,
            ages=tuple(
                query.pool_end - 1 - max(self.places[unit] for unit in group) for group in query.groups
            ),
            also=tuple(sorted(query.also)),
            trap=query.trap,
            incomplete=query.incomplete,
        )
        try:
            if isinstance(system, SystemFailedError):
                raise system
            return head.model_copy(update=self._answers(system, query, plan))
        except SystemFailedError as error:
            return head.model_copy(update={"error": str(error)})

    def _answers(self, system: System, query: Query, plan: Plan) -> dict[str, object]:
        contexts: dict[str, Shot] = {}
        took, encoder_ms = None, None
        with _live(self.encoder):
            for budget in plan.budgets if system.budgeted else ():
                begun = time.perf_counter()
                delivered = system.context(query, budget)
                if took is None:
                    took = (time.perf_counter() - begun) * 1000
                    encoder_ms = self.encoder.live_ms if isinstance(self.encoder, CachedEncoder) else None
                contexts[str(budget)] = self._shot(query, delivered)
            own = system.own_context(query)
        if own is not None:
            contexts[OWN] = self._shot(query, own)
        ranking = system.ranking(query, plan.deep) if system.budgeted else []
        return {
            "contexts": {key: contexts[key] for key in sorted(contexts, key=_by_number)},
            "ranking": tuple(ranking[: max(plan.ks)]),
            "light": {str(b): self._light(query, ranking, b) for b in sorted(plan.budgets)}
            if ranking
            else {},
            "ms": took,
            "encoder_ms": encoder_ms,
        }

    def _shot(self, query: Query, delivered: Delivered) -> Shot:
        payload = Payload(delivered.text)
        spans: dict[str, list[Span]] = {}
        items: list[PackedItem] = []
        unverified = 0
        for item in delivered.items:
            text = new_turn(self.units[item.unit], 0).content
            found = item.spans if item.spans is not None else ((0, len(text)),)
            items.append((item.unit, item.spans, item.relevance, item.reason))
            if payload.holds(text[a:b] for a, b in found):
                spans.setdefault(item.unit, []).extend(found)
            else:
                unverified += 1
        gold = [unit for unit in query.gold if unit in spans]
        credit = {u: earned(self.units[u].text, spans[u], query.spans.get(u, ()), self.counter) for u in gold}
        strict = {unit: whole(self.units[unit].text, spans[unit]) for unit in gold}
        said = delivered.quality
        return Shot(
            tokens=self.counter.count(delivered.text),
            items=tuple(items),
            hits=tuple(group_hits(query.groups, credit)),
            strict=tuple(group_hits(query.groups, strict)),
            unverified=unverified,
            quality=said
            and Report(
                expected_recall=said.expected_recall,
                expected_precision=said.expected_precision,
                sufficient=said.sufficient,
                abstained=said.abstained,
                degraded=said.degraded,
            ),
        )

    def _light(self, query: Query, ranking: Sequence[str], budget: int) -> tuple[bool, ...]:
        """Return hits when whole turns are packed in rank order and only their text is counted."""
        packed: Mapping[str, bool] = dict.fromkeys(self._fitting(ranking, budget), True)
        return tuple(group_hits(query.groups, packed))

    def _fitting(self, ranking: Sequence[str], budget: int) -> Iterator[str]:
        for unit in ranking:
            cost = self.tokens[unit] + LIGHT_OVERHEAD
            if cost <= budget:
                budget -= cost
                yield unit


@contextmanager
def _live(encoder: Encoder) -> Iterator[None]:
    if isinstance(encoder, CachedEncoder):
        with encoder.live():
            yield
    else:
        yield


def _by_number(label: str) -> int:
    return int(label) if label.isdigit() else 0
