"""How much of the service each tenant had lately."""

from collections.abc import Callable

# "Lately" is this many seconds, at most twice as many.
LATELY = 5.0
# Who had less than this part of an equal share had little: of equals, nobody.
_LITTLE = 0.8


class Shares:
    """Adds up the time for which tenants were worked for; what is older is forgotten.

    It is asked for every request, however many tenants there are: what it needs of all is kept ready.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._since = clock()
        self._now: dict[str, float] = {}
        self._before: dict[str, float] = {}
        self._tenants = 0
        self._total = 0.0

    def add(self, tenant: str, seconds: float) -> None:
        """Count time that was worked for the tenant."""
        self._turn_over()
        self._tenants += self._is_new(tenant)
        self._total += seconds
        self._now[tenant] = self._now.get(tenant, 0) + seconds

    def small(self, tenant: str) -> bool:
        """Return whether the tenant had clearly less than if all who asked lately had the same."""
        self._turn_over()
        had = self._now.get(tenant, 0) + self._before.get(tenant, 0)
        return had * (self._tenants + self._is_new(tenant)) < _LITTLE * self._total

    def _is_new(self, tenant: str) -> bool:
        return tenant not in self._now and tenant not in self._before

    def _turn_over(self) -> None:
        age = self._clock() - self._since
        if age > LATELY:
            self._before = self._now if age < 2 * LATELY else {}
            self._now, self._since = {}, self._clock()
            self._tenants, self._total = len(self._before), sum(self._before.values())
