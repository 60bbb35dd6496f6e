"""Figures for the intent tag, each one function, rows in and a number out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]
Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure and the middle 95% of its bootstrap."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def bootstrap(
    figure: Callable[[NDArray[np.int64]], float], n: int, rounds: int = 500, seed: int = 1
) -> Interval:
    """Return `figure` of all n rows, and its interval over resampled rows."""
    if n == 0:
        return Interval(float("nan"), float("nan"), float("nan"))
    rng = np.random.default_rng(seed)
    drawn = [figure(rng.integers(0, n, n)) for _ in range(rounds)]
    low, high = np.nanpercentile(drawn, [2.5, 97.5])
    return Interval(figure(np.arange(n)), float(low), float(high))


Names = Sequence[str] | NDArray[np.str_]


def macro_f1(truth: Names, given: Names, labels: Sequence[str]) -> float:
    """Return the mean F1 over those of `labels` that occur in `truth`."""
    true, said = np.array(truth), np.array(given)
    scores = []
    for label in labels:
        hits = int(((true == label) & (said == label)).sum())
        wanted, found = int((true == label).sum()), int((said == label).sum())
        if wanted:
            scores.append(2 * hits / (wanted + found))
    return float(np.mean(scores)) if scores else float("nan")


def selective_accuracy(hits: Bools, confidence: Numbers, coverage: float) -> float:
    """Return the accuracy on the surest share `coverage` of the rows."""
    kept = np.argsort(-confidence, kind="stable")[: max(1, round(coverage * len(hits)))]
    return float(hits[kept].mean())


def calibration_error(hits: Bools, confidence: Numbers, bins: int = 15) -> float:
    """Return the expected calibration error over equally wide bins (Naeini et al. 2015)."""
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    total = 0.0
    for each in range(bins):
        chosen = place == each
        if chosen.any():
            total += chosen.mean() * abs(hits[chosen].mean() - confidence[chosen].mean())
    return float(total)


def rejection(inside: Numbers, hits: Bools, outside: Numbers, accuracy: float) -> tuple[float, float]:
    """Return (share of `outside` refused, share of `inside` kept) at the best single limit.

    inside, outside: confidence of rows that a label fits, and of rows that none fits. The limit is the
    lowest at which the kept rows of `inside` are right at least `accuracy` of the time.
    """
    for limit in np.unique(np.concatenate([[0.0], inside])):
        kept = inside >= limit
        if kept.any() and hits[kept].mean() >= accuracy:
            return float((outside < limit).mean()), float(kept.mean())
    return float("nan"), 0.0


def precision_at(recall: float, false_alarms: float, prevalence: float) -> float:
    """Return the precision that a rate of hits and of false alarms means at a prevalence."""
    hits, alarms = recall * prevalence, false_alarms * (1 - prevalence)
    return hits / (hits + alarms) if hits + alarms else float("nan")


def limit_for_recall(positive: Numbers, recall: float) -> float:
    """Return the highest limit at which the share `recall` of the positives is still flagged."""
    ordered = np.sort(positive)[::-1]
    return float(ordered[max(0, int(np.ceil(recall * len(ordered))) - 1)])
