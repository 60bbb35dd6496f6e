"""Admission: how much is worked on at once, who is next, and who is sent away at once.

A queue in front of a service that can't keep up makes every answer late. Here a request is let in only if
its turn will come soon, by what requests took lately; it is told so before any work, and whoever was let in
is served. The rule has two states, as in "controlled delay" (Nichols and Jacobson, Controlling Queue Delay,
ACM Queue 2012):

- calm: a burst may wait, up to `burst` seconds each. The first that would have to wait longer is sent away,
  and that ends the calm;
- crowded: only who is next for a place, or would wait for less than `PATIENCE`, is let in; a tenant that has
  no place may be behind as many as there are places. Calm returns when nobody was sent away for `burst`
  seconds.

Places go to the tenant that has fewest, so that one who asks a lot waits for himself and not for the others.
"""

import asyncio
import random
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from memory.errors import OverloadedError

# Seconds of waiting that nobody notices.
PATIENCE = 0.02

# What is typical is an average in which the newest request counts this much.
_NEWEST = 0.05
# The typical request before there was one, and the least, in seconds.
_FIRST, _LEAST = 0.02, 0.0005


@dataclass(frozen=True, slots=True)
class _Waiting:
    since: float
    turn: asyncio.Future[None]


class Admission:
    """Hands out `places` to work in, fairly between tenants. For the one thread of an event loop."""

    def __init__(self, places: int, burst: float, clock: Callable[[], float] = time.monotonic) -> None:
        """burst: the longest wait in seconds while it is calm."""
        self._places = places
        self._burst = burst
        self._clock = clock
        self._running: Counter[str] = Counter()
        self._queues: dict[str, deque[_Waiting]] = {}
        self._typical = _FIRST
        self._refused_at = float("-inf")

    @property
    def running(self) -> int:
        """How many are worked on."""
        return self._running.total()

    @property
    def waiting(self) -> int:
        """How many wait."""
        return sum(map(len, self._queues.values()))

    def check(self, tenant: str) -> None:
        """Raise `OverloadedError` where a request of the tenant would be sent away now."""
        ahead = self._ahead(tenant)
        if ahead is None:
            return
        at = self._clock()
        crowded = at - self._refused_at < self._burst
        wait = (ahead + 1) * self._typical / self._places
        room = self._places if not self._running[tenant] else 1
        if (ahead >= room and wait > PATIENCE) if crowded else wait > self._burst:
            self._refused_at = at
            # Spread, so that those sent away together don't come back together.
            raise OverloadedError("more is asked than can be answered now", random.randint(1, 4))  # noqa: S311

    @asynccontextmanager
    async def place(self, tenant: str) -> AsyncIterator[Callable[[], None]]:
        """Wait for a place and hold it until the end, or until the yielded function gives it back.

        Raises `OverloadedError` at once where the wait would be too long.
        """
        self.check(tenant)
        await self._turn(tenant)
        begun = self._clock()
        held = True

        def give_back() -> None:
            nonlocal held
            if held:
                held = False
                self._leave(tenant, self._clock() - begun)

        try:
            yield give_back
        finally:
            give_back()

    def _ahead(self, tenant: str) -> int | None:
        """Return how many would go first; None where a place is free."""
        if self.running < self._places:
            return None
        mine = self._queues.get(tenant, ())
        rank = self._running[tenant] + len(mine) + 1
        return len(mine) + sum(
            min(len(queue), max(0, rank - self._running[other]))
            for other, queue in self._queues.items()
            if other != tenant
        )

    async def _turn(self, tenant: str) -> None:
        if self.running < self._places:
            self._running[tenant] += 1
            return
        mine = _Waiting(self._clock(), asyncio.get_running_loop().create_future())
        self._queues.setdefault(tenant, deque()).append(mine)
        try:
            await mine.turn
        except asyncio.CancelledError:
            if not mine.turn.cancelled():
                self._end(tenant)  # the place had just been given
            elif mine in self._queues.get(tenant, ()):
                self._forget(tenant, mine)
            raise

    def _leave(self, tenant: str, seconds: float) -> None:
        self._typical = max(_LEAST, self._typical + _NEWEST * (seconds - self._typical))
        self._end(tenant)

    def _end(self, tenant: str) -> None:
        """Take the tenant's place back and give it to whoever is next."""
        self._running[tenant] -= 1
        if not self._running[tenant]:
            del self._running[tenant]
        while self._queues:
            following = min(self._queues, key=lambda one: (self._running[one], self._queues[one][0].since))
            called = self._queues[following][0]
            self._forget(following, called)
            if not called.turn.done():  # else it went away, and its task doesn't know yet
                self._running[following] += 1
                called.turn.set_result(None)
                return

    def _forget(self, tenant: str, waiting: _Waiting) -> None:
        self._queues[tenant].remove(waiting)
        if not self._queues[tenant]:
            del self._queues[tenant]
