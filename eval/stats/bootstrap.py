"""Intervals that respect that questions of one conversation share evidence."""

from collections.abc import Mapping, Sequence

import numpy as np

RESAMPLES = 2000


def interval(by_conversation: Mapping[str, Sequence[float]], seed: int = 0) -> tuple[float, float] | None:
    """Return the 95% interval of the mean over questions; None with fewer than two conversations.

    Percentile bootstrap that draws whole conversations (Davison and Hinkley 1997, section 3.8): a mean
    over questions whose conversations vary. With fewer than ten conversations it is known to be narrow.
    """
    sums = np.array([float(np.sum(values)) for values in by_conversation.values() if len(values)])
    counts = np.array([len(values) for values in by_conversation.values() if len(values)])
    if len(sums) < 2:  # noqa: PLR2004 - one conversation says nothing about others
        return None
    random = np.random.default_rng(seed)
    drawn = random.integers(0, len(sums), (RESAMPLES, len(sums)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)
