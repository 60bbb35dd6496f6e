"""How much of the service each tenant had lately."""

from collections import defaultdict
from collections.abc import Callable

# "Lately" is this many seconds, at most twice as many.
LATELY = 5.0
# Who had less than this part of an equal share had little: of equals, nobody.
_LITTLE = 0.8


class Shares:
    """Adds up the time for which tenants were worked for; what is older is forgotten."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._since = clock()
        self._now: defaultdict[str, float] = defaultdict(float)
        self._before: defaultdict[str, float] = defaultdict(float)

    def add(self, tenant: str, seconds: float) -> None:
        """Count time that was worked for the tenant."""
        self._turn_over()
        self._now[tenant] += seconds

    def small(self, tenant: str) -> bool:
        """Return whether the tenant had clearly less than if all who asked lately had the same."""
        self._turn_over()
        everybody = self._now.keys() | self._before.keys() | {tenant}
        total = sum(self._now.values()) + sum(self._before.values())
        had = self._now.get(tenant, 0) + self._before.get(tenant, 0)
        return had * len(everybody) < _LITTLE * total

    def _turn_over(self) -> None:
        age = self._clock() - self._since
        if age > LATELY:
            self._before = self._now if age < 2 * LATELY else defaultdict(float)
            self._now, self._since = defaultdict(float), self._clock()
