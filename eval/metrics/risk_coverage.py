"""What it costs to answer more: error among the answers that a confidence lets through."""

from collections.abc import Sequence

import numpy as np


def risk_coverage(confidence: Sequence[float], correct: Sequence[bool]) -> list[tuple[float, float]]:
    """Return (coverage, risk) pairs, one for each distinct confidence, from the surest on.

    El-Yaniv and Wiener 2010. Equal confidences are let through together, so their order doesn't matter.
    """
    order = np.argsort(-np.asarray(confidence, float), kind="stable")
    sorted_confidence = np.asarray(confidence, float)[order]
    wrong = np.cumsum(1 - np.asarray(correct, float)[order])
    ends = np.flatnonzero(np.diff(sorted_confidence, append=-np.inf))
    return [(float((end + 1) / len(order)), float(wrong[end] / (end + 1))) for end in ends]


def area_under_risk(confidence: Sequence[float], correct: Sequence[bool]) -> float:
    """Return the mean risk over coverage (AURC, Geifman and El-Yaniv 2017), 0 is best."""
    points = risk_coverage(confidence, correct)
    area, before = 0.0, 0.0
    for coverage, risk in points:
        area += (coverage - before) * risk
        before = coverage
    return area
