"""How well a score tells two classes apart."""

from collections.abc import Sequence

import numpy as np


def auroc(scores: Sequence[float], outcomes: Sequence[bool]) -> float | None:
    """Return the chance that a true case scores above a false one, ties half; None if a class is empty.

    Area under the ROC curve as the Mann-Whitney statistic (Hanley and McNeil 1982).
    """
    truth, values = np.asarray(outcomes, bool), np.asarray(scores, float)
    positives, negatives = values[truth], np.sort(values[~truth])
    if not (len(positives) and len(negatives)):
        return None
    below = np.searchsorted(negatives, positives, "left") + np.searchsorted(negatives, positives, "right")
    return float(below.mean() / 2 / len(negatives))
