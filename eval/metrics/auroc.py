"""How well a score tells two classes apart."""

from collections.abc import Sequence

import numpy as np
from scipy.stats import rankdata


def auroc(scores: Sequence[float], outcomes: Sequence[bool]) -> float | None:
    """Return the chance that a true case scores above a false one, ties half; None if a class is empty.

    Area under the ROC curve as the Mann-Whitney statistic (Hanley and McNeil 1982).
    """
    truth = np.asarray(outcomes, bool)
    positives, negatives = int(truth.sum()), int((~truth).sum())
    if not (positives and negatives):
        return None
    ranks = rankdata(np.asarray(scores, float))
    return float((ranks[truth].sum() - positives * (positives + 1) / 2) / (positives * negatives))
