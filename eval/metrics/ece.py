"""How far stated probabilities are from observed frequencies."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

BINS = 10


@dataclass(frozen=True, slots=True)
class Bin:
    """A group of predictions of similar size: their mean, the observed share, how many."""

    predicted: float
    observed: float
    count: int


def calibration_curve(predicted: Sequence[float], observed: Sequence[float], bins: int = BINS) -> list[Bin]:
    """Return bins of nearly equal count, ascending.

    Equal counts, not equal widths: Nixon et al. 2019 show that near-empty bins make the figure noisy.
    Predictions that are equal stay in one bin, so that the result doesn't depend on their order.
    """
    order = np.argsort(np.asarray(predicted, float), kind="stable")
    p, y = np.asarray(predicted, float)[order], np.asarray(observed, float)[order]
    edges = np.unique(
        [np.searchsorted(p, p[part[0]]) for part in np.array_split(np.arange(len(p)), bins) if len(part)]
    )
    parts = zip(edges, [*edges[1:], len(p)], strict=True)
    return [Bin(float(p[a:b].mean()), float(y[a:b].mean()), int(b - a)) for a, b in parts]


def ece(predicted: Sequence[float], observed: Sequence[float], bins: int = BINS) -> float:
    """Return the expected calibration error (Naeini et al. 2015), 0 to 1, 0 is best.

    `observed` are outcomes (0 or 1) or shares in 0 to 1, such as recall against expected recall.
    """
    if not len(predicted):
        raise ValueError("the calibration error needs at least one prediction")
    curve = calibration_curve(predicted, observed, bins)
    return sum(abs(part.predicted - part.observed) * part.count for part in curve) / len(predicted)
