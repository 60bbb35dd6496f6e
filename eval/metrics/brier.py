"""Mean squared error of a probability."""

from collections.abc import Sequence


def brier(predicted: Sequence[float], outcomes: Sequence[bool]) -> float:
    """Return the Brier score (Brier 1950), 0 is best; saying .5 always scores .25."""
    if not predicted:
        raise ValueError("the Brier score needs at least one prediction")
    return sum((p - y) ** 2 for p, y in zip(predicted, outcomes, strict=True)) / len(predicted)
