"""How far probabilities can be trusted."""

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]


def expected_calibration_error(stated: Vector, seen: Vector, bins: int = 10) -> float:
    """Return the mean distance of what was stated from what was seen, over bins of equal size.

    Naeini et al. 2015, with bins by quantile, which small sets need.
    """
    order = np.argsort(stated, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    gaps = [len(part) * abs(float(stated[part].mean() - seen[part].mean())) for part in parts]
    return sum(gaps) / max(len(order), 1)


def auroc(scores: Vector, positive: NDArray[np.bool_]) -> float:
    """Return the chance that a positive scores above a negative, ties counting half."""
    if positive.all() or not positive.any():
        return float("nan")
    values = np.unique(scores, return_inverse=True)[1]
    counts = np.bincount(values)
    rank = (np.cumsum(counts) - (counts - 1) / 2)[values]
    positives = int(positive.sum())
    area = rank[positive].sum() - positives * (positives + 1) / 2
    return float(area / (positives * (len(scores) - positives)))
