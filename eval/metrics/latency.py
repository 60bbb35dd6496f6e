"""How long it took."""

from collections.abc import Sequence

import numpy as np


def percentiles(milliseconds: Sequence[float]) -> dict[str, float]:
    """Return p50, p95 and p99, linearly interpolated, rounded to a microsecond."""
    if not milliseconds:
        return {}
    found = np.percentile(np.asarray(milliseconds, float), [50, 95, 99])
    return {name: round(float(value), 3) for name, value in zip(("p50", "p95", "p99"), found, strict=True)}
