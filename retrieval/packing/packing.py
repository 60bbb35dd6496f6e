"""Packing: which turns and excerpts go into a budget, at what they cost when delivered."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from memory.encoders.port import Floats
from retrieval.evidence.features import Featured
from retrieval.evidence.turnwise import TurnTable, passage_scores
from retrieval.index.port import Candidates, Ints
from retrieval.packing.deference import Deference
from retrieval.relevance.model import Scored

# Tokens (cl100k_base) of the fence, of a line that opens a session or a day, and of what stands around
# the text of a record; measured on rendered contexts, see docs/decisions.
FENCE = 40
HEADER = 11
LINE = 3
GAP = 2
# Escaped line breaks and quotes make text longer: tokens delivered for each of the text's own.
ESCAPED = 1.0

# Of a budget, what low-trust records may take in all; and what their lines say more, in tokens.
LOW_SHARE = 0.2
_LOW_LINE = 6

# Below this nothing is worth its tokens, whatever room there is; and what no turn reaches.
MIN_RELEVANCE = 0.002
NOTHING = 2.0

_DAY = 86_400
# A turn that alone takes more than this share of the budget is packed by excerpt; then it gets a share
# of the budget, the larger one if it is likely to be needed.
_WHOLE_SHARE = 0.7
_EXCERPT_SHARE = 0.12
_LIKELY_EXCERPT_SHARE = 0.35
_LIKELY = 0.3
_LEAST_EXCERPT = 60
# Tokens below which no turn is worth looking for.
_LEAST = 8
# What length costs in the order of packing: score lost for each e-fold beyond a short turn. Score alone
# lets long turns crowd out short ones, score by token does the opposite harm; see docs/decisions.
PRICE = 0.6
_SHORT = 30.0
_SAME = 0.985


@dataclass(frozen=True, slots=True)
class Packed:
    """A turn in the context. row: in the table. spans: None = the whole turn. tokens: it adds."""

    row: int
    spans: tuple[tuple[int, int], ...] | None
    tokens: int


@dataclass(frozen=True, slots=True)
class Packing:
    """What was packed, in the order in which it was chosen, and why the other rows were not."""

    packed: list[Packed]
    left_out: dict[int, str]
    tokens: int


def pack(
    turns: Featured,
    scored: Scored,
    found: Candidates,
    budget: int,
    *,
    floor: float = MIN_RELEVANCE,
    pinned: Collection[int] = (),
    excluded: Collection[int] = (),
    price: float = PRICE,
    deference: Deference | None = None,
) -> Packing:
    """Return what fits into `budget` tokens: pinned turns, newest first, then the most relevant.

    deference: which turns are trusted little, and give way to which; none where it isn't given. One that
    isn't pinned is left out where a turn that it gives way to doesn't fit.
    """
    table = turns.table
    ways = deference or Deference(np.zeros(len(table), np.bool_), {})
    # What the query names exactly is as good as likely.
    likely = (scored.relevance >= _LIKELY) | (turns.matches.identifiers > 0)
    packer = Packer(table, likely, found, budget, ways.low)
    held = np.isin(table.key, np.array(list(pinned), np.int64))
    barred = np.isin(table.key, np.array(list(excluded), np.int64))
    first = np.flatnonzero(held & ~barred)
    for row in first[np.argsort(table.age[first])].tolist():
        packer.take(row, again=True)
    taken, kept_out, unlikely = held.tolist(), barred.tolist(), (scored.relevance < floor).tolist()
    for row in in_turn(table, scored, price, ways).tolist():
        if kept_out[row]:
            packer.skip(row, "the caller has it already")
        elif taken[row]:
            continue
        elif unlikely[row]:
            packer.skip(row, "not likely enough to be needed")
        elif packer.left < _LEAST:
            packer.skip(row, "no room is left in the budget")
        elif packer.crowded_out(ways.rivals.get(row, ())):
            packer.skip(row, "gives way to what the user said, which doesn't fit")
        else:
            packer.take(row)
    return packer.packing()


def in_turn(
    table: TurnTable, scored: Scored, price: float = PRICE, deference: Deference | None = None
) -> Ints:
    """Return rows in the order of packing: by score, less what their length costs; low trust gives way."""
    priced = (scored.score - price * np.log(np.maximum(table.tokens, _SHORT) / _SHORT)).astype(np.float32)
    order: Ints = np.argsort(-(deference.below(priced) if deference else priced), kind="stable")
    return order


class Packer:
    """Takes turns, best first, while they fit; those of low trust while their share lasts."""

    def __init__(
        self,
        table: TurnTable,
        likely: NDArray[np.bool_],
        found: Candidates,
        budget: int,
        low: NDArray[np.bool_],
    ) -> None:
        """Take rows as bool (n,): those whose excerpts get more, and those that share a small part."""
        self._table = table
        self._low: list[bool] = low.tolist()
        self._low_left = LOW_SHARE * budget
        self._unfit: set[int] = set()
        self._likely = likely
        self._found = found
        self._budget = budget
        self._left = float(budget - FENCE)
        self._scores = passage_scores(found)
        # One number at a time is read faster from lists than from arrays.
        self._sizes: list[int] = table.tokens.tolist()
        self._days = list(zip(table.session.tolist(), (table.at // _DAY).tolist(), strict=True))
        self._headed: set[tuple[int, float]] = set()
        self._packed: list[Packed] = []
        self._left_out: dict[int, str] = {}

    def take(self, row: int, *, again: bool = False) -> bool:
        """Pack a turn, whole or by excerpt; say whether it was. again: even where its text is packed."""
        day = self._days[row]
        low = self._low[row]
        room = min(self._left, self._low_left) if low else self._left
        around = (LINE if day in self._headed else LINE + HEADER) + (_LOW_LINE if low else 0)
        cost = self._sizes[row] * ESCAPED + around
        spans: tuple[tuple[int, int], ...] | None = None
        if cost > min(_WHOLE_SHARE * self._budget, room if low else cost) and self._table.passages[row] > 1:
            spans, tokens = self._excerpts(row, room - around)
            cost = tokens + around
            if not spans:
                return self._refuse(row, "too long for the budget")
        if cost > room:
            whose = "its share" if cost <= self._left else "what is left"
            return self._refuse(row, f"too long for {whose} of the budget")
        if not again and self._twin(row):
            self.skip(row, "says what a packed turn says")
            return False
        self._left -= cost
        self._low_left -= cost if low else 0
        self._headed.add(day)
        self._packed.append(Packed(row, spans, int(np.ceil(cost))))
        return True

    def skip(self, row: int, why: str) -> None:
        """Leave a turn out."""
        self._left_out[row] = why

    def crowded_out(self, rows: Collection[int]) -> bool:
        """Say whether one of these turns should be in, but doesn't fit."""
        return any(row in self._unfit and not self._twin(row) for row in rows)

    def _refuse(self, row: int, why: str) -> bool:
        self._unfit.add(row)
        self.skip(row, why)
        return False

    @property
    def left(self) -> float:
        """Tokens that are not taken yet."""
        return self._left

    def packing(self) -> Packing:
        """Return what was packed."""
        used = sum(packed.tokens for packed in self._packed)
        return Packing(self._packed, self._left_out, used + FENCE if used else 0)

    def _twin(self, row: int) -> bool:
        """Say whether what is packed has this turn's text already, nearly word by word."""
        rows = [packed.row for packed in self._packed]
        if not rows:
            return False
        likeness = self._table.pooled[rows] @ self._table.pooled[row]
        sizes = np.abs(self._table.tokens[rows] - self._table.tokens[row])
        return bool(((likeness > _SAME) & (sizes <= 2 + self._table.tokens[row] // 20)).any())

    def _excerpts(self, row: int, room: float) -> tuple[tuple[tuple[int, int], ...], float]:
        """Return the best passages of a turn that fit into `room` and a share of the budget."""
        first, end = self._table.first[row], self._table.first[row + 1]
        rows: Ints = self._table.rows[first:end]
        scores: Floats = self._scores[rows]
        share = _LIKELY_EXCERPT_SHARE if self._likely[row] else _EXCERPT_SHARE
        room = min(room, max(share * self._budget, _LEAST_EXCERPT))
        chosen: list[int] = []
        used = 0.0
        for place in np.argsort(-scores, kind="stable"):
            cost = self._found.tokens[rows[place]] * ESCAPED + GAP
            if used + cost <= room:
                chosen.append(int(rows[place]))
                used += cost
        return _merged([(int(self._found.start[r]), int(self._found.end[r])) for r in sorted(chosen)]), used


def _merged(spans: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Return ascending spans with those that touch made one."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and merged[-1][1] >= start:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple(merged)
