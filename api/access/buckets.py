"""How often each key may ask: a token bucket a key, in this process."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

from memory.errors import LimitError
from memory.limits import Limits

# Buckets are forgotten once they must be full again; beyond this many it is looked for such.
_MANY = 10_000
# Where no burst is set: this many seconds' worth of requests may come at once.
_BURST_SECONDS = 2.0


@dataclass(slots=True)
class _Bucket:
    left: float
    at: float
    full_at: float


class Buckets:
    """Counts requests against limits; every replica counts its own. For one thread, such as a loop's."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._buckets: dict[str, _Bucket] = {}

    def take(self, key: str, limits: Limits) -> None:
        """Count a request; raise `LimitError`, saying when to ask again, where it is one too many."""
        if limits.rate is None:
            return
        most = limits.burst or max(1, ceil(limits.rate * _BURST_SECONDS))
        at = self._clock()
        bucket = self._buckets.get(key) or _Bucket(most, at, at)
        left = min(most, bucket.left + (at - bucket.at) * limits.rate)
        if left < 1:
            raise LimitError(
                f"this key may send {limits.rate:g} requests a second, {most} at once",
                retry_after=ceil((1 - left) / limits.rate),
            )
        self._buckets[key] = _Bucket(left - 1, at, at + (most - left + 1) / limits.rate)
        if len(self._buckets) > _MANY:
            self._buckets = {name: one for name, one in self._buckets.items() if one.full_at > at}
