"""The reference system against each other, question by question."""

from collections.abc import Sequence

from eval.metrics.recall import recall
from eval.report.load import Run
from eval.run.rows import Row
from eval.stats.paired import Comparison, compare
from eval.systems import OURS


def budgets(runs: Sequence[Run]) -> list[str]:
    """Return the budgets that any run has, ascending."""
    found = {label for run in runs for label in run.metrics["budgets"] if label.isdigit()}
    return sorted(found, key=int)


def reference(runs: Sequence[Run], name: str) -> Run:
    """Return the run that others are compared with: the one named, else the first."""
    return next((run for run in runs if name in {run.system, run.label}), runs[0])


def difference(ours: Run, other: Run, budget: str, seed: int = 0) -> Comparison | None:
    """Return how much more evidence `ours` found within a budget; None without shared questions."""
    found: dict[str, list[float]] = {}
    for key, row in ours.rows.items():
        theirs = other.rows.get(key)
        if theirs and _judged(row, budget) and _judged(theirs, budget):
            gap = recall(row.contexts[budget].hits) - recall(theirs.contexts[budget].hits)
            found.setdefault(row.conversation, []).append(gap)
    return compare(found, seed)


def best_other(ours: Run, runs: Sequence[Run], budget: str) -> Run | None:
    """Return the strongest other system within a budget that answered every question.

    Another configuration of the same system counts only where there is no other system.
    """
    others = [
        run
        for run in runs
        if run is not ours and not run.metrics["failed"] and _recall(run, budget) is not None
    ]
    rivals = [run for run in others if not {run.system, ours.system} <= set(OURS)]
    return max(rivals or others, key=lambda run: _recall(run, budget) or 0.0, default=None)


def _recall(run: Run, budget: str) -> float | None:
    found: float | None = run.metrics["budgets"].get(budget, {}).get("recall")
    return found


def _judged(row: Row, budget: str) -> bool:
    return row.answerable and row.error is None and budget in row.contexts
