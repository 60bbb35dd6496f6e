"""Shares with their intervals."""

import math

_Z = 1.959964


def wilson(hits: int, n: int) -> tuple[float, float]:
    """Return the 95% interval of a share (Wilson 1927)."""
    if n == 0:
        return 0.0, 1.0
    share, squared = hits / n, _Z * _Z
    middle = (share + squared / (2 * n)) / (1 + squared / n)
    half = _Z * math.sqrt(share * (1 - share) / n + squared / (4 * n * n)) / (1 + squared / n)
    return max(0.0, middle - half), min(1.0, middle + half)


def share(hits: int, n: int) -> dict[str, float]:
    """Return a share and its 95% interval, as analytics shows it."""
    low, high = wilson(hits, n)
    return {"value": hits / n if n else 0.0, "low": low, "high": high}
