"""What is measured of one question; None where a question doesn't bear on it."""

from collections.abc import Callable, Iterable
from statistics import mean

from eval.metrics.complete import complete
from eval.metrics.ndcg import ndcg
from eval.metrics.precision import precision
from eval.metrics.recall import recall
from eval.run.rows import Row, Shot

Measure = Callable[[Row], float | None]


def shot_measures(label: str) -> dict[str, Measure]:
    """Return what is measured of a context; None where a question doesn't bear on it."""

    def judged(measure: Callable[[Row, Shot], float | None]) -> Measure:
        def found(row: Row) -> float | None:
            shot = row.contexts.get(label)
            return measure(row, shot) if shot and row.answerable and row.error is None else None

        return found

    return {
        "recall": judged(lambda _, shot: recall(shot.hits)),
        "recall_strict": judged(lambda _, shot: recall(shot.strict)),
        "complete": judged(lambda row, shot: None if row.incomplete else float(complete(shot.hits))),
        "precision": judged(_precision),
    }


def k_measures(k: int) -> dict[str, Measure]:
    """Return what is measured of the first `k` of a ranking; refused where `k` reaches the pool."""

    def usable(row: Row) -> bool:
        return row.answerable and bool(row.ranking) and k < row.pool

    return {
        "recall": lambda row: recall(_top(row, k)) if usable(row) else None,
        "ndcg": lambda row: ndcg(_condensed(row), row.groups, k) if usable(row) else None,
    }


def by_conversation(rows: Iterable[Row], measure: Measure) -> dict[str, list[float]]:
    """Return the measure's values, grouped for the bootstrap."""
    found: dict[str, list[float]] = {}
    for row in rows:
        value = measure(row)
        if value is not None:
            found.setdefault(row.conversation, []).append(value)
    return found


def mean_of(rows: Iterable[Row], measure: Measure) -> float | None:
    values = [value for row in rows if (value := measure(row)) is not None]
    return round(mean(values), 5) if values else None


def _precision(row: Row, shot: Shot) -> float | None:
    gold = {unit for group in row.groups for unit in group}
    return precision([item[0] for item in shot.items], gold, row.also)


def _condensed(row: Row) -> list[str]:
    """Return the ranking without what is neither rewarded nor punished."""
    gold = {unit for group in row.groups for unit in group}
    return [unit for unit in row.ranking if unit in gold or unit not in row.also]


def _top(row: Row, k: int) -> list[bool]:
    first = set(row.ranking[:k])
    return [any(unit in first for unit in group) for group in row.groups]
