"""What a choice of context was worth: recall, precision and whether it sufficed."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eval.train.prepared import Prepared
from retrieval.packing.packing import MIN_RELEVANCE, PRICE, Packing, pack
from retrieval.relevance.model import Scored

BUDGETS = (256, 512, 1024, 2048, 4096)


@dataclass(frozen=True, slots=True)
class Judged:
    """One choice. recall, strict (whole turns alone count) and with excerpts of at least half a turn.

    rows: of the table, what was packed. precision: share of what was packed that is evidence.
    """

    budget: int
    recall: float
    with_excerpts: float
    precision: float
    rows: np.ndarray
    tokens: int

    @property
    def complete(self) -> bool:
        """Whether all of the evidence is there, whole."""
        return self.recall >= 1


def judge(
    question: Prepared, scored: Scored, budget: int, price: float = PRICE, floor: float = MIN_RELEVANCE
) -> Judged:
    """Pack one question's context and compare it with the labels."""
    found = question.asked.found.candidates
    packing = pack(question.turns, scored, found, budget, floor=floor, price=price)
    table = question.turns.table
    rows = np.array([packed.row for packed in packing.packed], np.int64)
    whole = {int(table.key[packed.row]) for packed in packing.packed if packed.spans is None}
    ample = whole | {int(key) for key in _ample(question, packing)}
    groups = question.asked.question.gold
    counted = rows[~question.also[rows]] if len(rows) else rows
    return Judged(
        budget,
        float(np.mean([bool(group & whole) for group in groups])) if groups else 0.0,
        float(np.mean([bool(group & ample) for group in groups])) if groups else 0.0,
        float(question.gold[counted].mean()) if len(counted) else 0.0,
        rows,
        packing.tokens,
    )


def table_of(
    questions: Sequence[Prepared], scored: Sequence[Scored], floors: Sequence[float] | None = None
) -> dict[str, dict[str, float]]:
    """Return mean figures by budget over the questions that have evidence; floors: least relevance."""
    floors = floors or [MIN_RELEVANCE] * len(questions)
    figures = {}
    for budget in BUDGETS:
        judged = [
            judge(question, scores, budget, floor=floor)
            for question, scores, floor in zip(questions, scored, floors, strict=True)
            if question.answerable
        ]
        figures[str(budget)] = {
            "recall": round(float(np.mean([entry.recall for entry in judged])), 4),
            "excerpts": round(float(np.mean([entry.with_excerpts for entry in judged])), 4),
            "complete": round(float(np.mean([entry.complete for entry in judged])), 4),
            "precision": round(float(np.mean([entry.precision for entry in judged])), 4),
            "tokens": round(float(np.mean([entry.tokens for entry in judged])), 1),
        }
    return figures


def _ample(question: Prepared, packing: Packing) -> list[int]:
    """Return turns whose excerpts hold at least half of their tokens."""
    table, found = question.turns.table, question.asked.found.candidates
    keys = []
    for packed in packing.packed:
        rows = table.rows[table.first[packed.row] : table.first[packed.row + 1]]
        spans = packed.spans or ()
        inside = [row for row in rows if any(a <= found.start[row] and found.end[row] <= b for a, b in spans)]
        if 2 * int(found.tokens[inside].sum()) >= int(table.tokens[packed.row]):
            keys.append(int(table.key[packed.row]))
    return keys
