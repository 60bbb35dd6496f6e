"""Admission: how much is worked on at once, who is next, and who is sent away at once.

A queue in front of a service that can't keep up makes every answer late. Here a request is let in only if
its turn will come soon, by what requests took lately; it is told so before any work, and whoever was let in
is served. The rule has two states, as in "controlled delay" (Nichols and Jacobson, Controlling Queue Delay,
ACM Queue 2012):

- calm: a burst may wait, up to `burst` seconds each. The first that would have to wait longer is sent away,
  and that ends the calm;
- crowded: who is let in must be next to begin, within `NEXT` of what a request takes. There is always one
  who comes just then, so that no place stays free. Calm returns when nobody was sent away for `burst`
  seconds.

A tenant that lately had less than an equal share goes before what is left of others' bursts, and may wait for
longer in a crowd: who asks a lot waits for himself. `tests/unit/access/test_overload.py` plays it all in time
of its own; the constants were chosen there.
"""

import asyncio
import random
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from api.access.shares import Shares
from memory.errors import OverloadedError

# The longest waits in a crowd, beside the time that a request takes: of anybody, of who had little lately.
NEXT = 0.25
PATIENCE = 1.6

# What is typical is an average in which the newest request counts this much.
_NEWEST = 0.05
# The typical request before there was one, and the least, in seconds.
_FIRST, _LEAST = 0.02, 0.0005


@dataclass(frozen=True, slots=True, eq=False)
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
        self._shares = Shares(clock)
        self._begun: list[float] = []
        self._called = 0
        self._first: deque[_Waiting] = deque()
        self._others: deque[_Waiting] = deque()
        self._typical = _FIRST
        self._refused_at = float("-inf")

    @property
    def running(self) -> int:
        """How many are worked on, or were called to be."""
        return len(self._begun) + self._called

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._first) + len(self._others)

    def check(self, tenant: str) -> None:
        """Raise `OverloadedError` where a request of the tenant would be sent away now."""
        if self.running < self._places:
            return
        small = self._shares.small(tenant)
        wait = self._wait(len(self._first) if small else self.waiting)
        if wait > (self._typical * (PATIENCE if small else NEXT) if self._crowded else self._burst):
            self._refused_at = self._clock()
            # Spread, so that those sent away together don't come back together.
            raise OverloadedError("more is asked than can be answered now", random.randint(1, 4))  # noqa: S311

    @asynccontextmanager
    async def place(self, tenant: str) -> AsyncIterator[Callable[[], None]]:
        """Wait for a place and hold it until the end, or until the yielded function gives it back.

        Raises `OverloadedError` at once where the wait would be too long.
        """
        self.check(tenant)
        if self.running >= self._places:
            await self._turn(tenant)
        begun = self._clock()
        self._begun.append(begun)
        held = True

        def give_back() -> None:
            nonlocal held
            if held:
                held = False
                self._leave(tenant, begun)

        try:
            yield give_back
        finally:
            give_back()

    @property
    def _crowded(self) -> bool:
        return self._clock() - self._refused_at < self._burst

    def _wait(self, ahead: int) -> float:
        """Return for how long one would wait, in seconds, where no place is free and `ahead` go first."""
        at = self._clock()
        left = sorted(max(0.0, begun + self._typical - at) for begun in self._begun)
        left += [self._typical] * self._called
        rounds, place = divmod(ahead, self._places)
        return left[place] + rounds * self._typical

    async def _turn(self, tenant: str) -> None:
        queue = self._first if self._crowded or self._shares.small(tenant) else self._others
        mine = _Waiting(self._clock(), asyncio.get_running_loop().create_future())
        queue.append(mine)
        try:
            await mine.turn
        except asyncio.CancelledError:
            if mine.turn.cancelled():
                if mine in queue:
                    queue.remove(mine)
            else:  # the place had just been given
                self._called -= 1
                self._call()
            raise
        self._called -= 1

    def _leave(self, tenant: str, begun: float) -> None:
        seconds = self._clock() - begun
        self._begun.remove(begun)
        self._shares.add(tenant, seconds)
        self._typical = max(_LEAST, self._typical + _NEWEST * (seconds - self._typical))
        self._call()

    def _call(self) -> None:
        """Give a free place to whoever is next."""
        while self.waiting:
            called = self._next().popleft()
            if not called.turn.done():  # else it went away, and its task doesn't know yet
                self._called += 1
                called.turn.set_result(None)
                return

    def _next(self) -> deque[_Waiting]:
        if not (self._first and self._others):
            return self._first or self._others
        # Nobody is passed for ever.
        passed = self._first[0].since - self._others[0].since
        return self._others if passed > self._burst else self._first
