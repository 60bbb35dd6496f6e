"""Admission: bounded work, short queues, fair places."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from api.access.admission import Admission
from memory.errors import OverloadedError
from tests import virtual

WORK = 0.02


async def busy(admission: Admission, tenant: str, seconds: float = WORK) -> float:
    """Work for a while; return how long the wait for a place was, in seconds."""
    loop = asyncio.get_running_loop()
    asked = loop.time()
    async with admission.place(tenant):
        waited = loop.time() - asked
        await asyncio.sleep(seconds)
    return waited


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a test in a loop of its own, and in time of its own."""
    virtual.run(test())


def admitting(places: int, burst: float) -> Admission:
    """Return an admission by the loop's time."""
    return Admission(places, burst, clock=asyncio.get_running_loop().time)


def test_no_more_is_worked_on_than_there_are_places() -> None:
    """A burst waits its turn and is served whole."""

    async def test() -> None:
        admission = admitting(3, burst=60)
        most = 0

        async def one() -> None:
            nonlocal most
            async with admission.place("a"):
                most = max(most, admission.running)
                await asyncio.sleep(0.001)

        await asyncio.gather(*(one() for _ in range(50)))
        assert most == 3
        assert admission.running == admission.waiting == 0

    run(test)


def test_too_much_is_sent_away_at_once_and_whoever_is_in_is_served() -> None:
    """Out of a hundred at a moment, as many stay as can be served within the burst; none is lost."""

    async def test() -> None:
        admission = admitting(2, burst=0.1)

        found = await asyncio.gather(*(busy(admission, "a") for _ in range(100)), return_exceptions=True)

        refused = [one for one in found if isinstance(one, OverloadedError)]
        waits = [one for one in found if isinstance(one, float)]
        assert len(refused) + len(waits) == 100
        assert 2 < len(waits) < 20
        assert {1, 2, 3, 4} >= {one.retry_after for one in refused}
        assert len({one.retry_after for one in refused}) > 1
        assert admission.running == admission.waiting == 0

    run(test)


def test_in_a_crowd_only_who_is_next_is_let_in_until_it_is_calm_again() -> None:
    """After a refusal nobody waits for a whole request; after a while without one, a burst may wait again."""

    async def test() -> None:
        admission = admitting(1, burst=0.1)
        working = asyncio.create_task(busy(admission, "a", 0.02))
        crowd = [asyncio.create_task(busy(admission, "a")) for _ in range(20)]
        await asyncio.sleep(0)
        first = admission.waiting
        await asyncio.sleep(0.09)
        with pytest.raises(OverloadedError):
            admission.check("a")
        await asyncio.gather(working, *crowd, return_exceptions=True)

        working = asyncio.create_task(busy(admission, "a", 0.02))  # still a crowd
        await asyncio.sleep(0.01)
        with pytest.raises(OverloadedError):
            admission.check("a")
        await asyncio.sleep(0.008)
        next_one = asyncio.create_task(busy(admission, "a"))
        await asyncio.sleep(0)
        crowded = admission.waiting
        await asyncio.gather(working, next_one)

        await asyncio.sleep(1)
        calm = [asyncio.create_task(busy(admission, "a")) for _ in range(3)]
        await asyncio.sleep(0)
        assert (first, crowded, admission.waiting) == (5, 1, 2)
        await asyncio.gather(*calm)

    run(test)


def test_a_noisy_tenant_waits_for_itself() -> None:
    """While one asks without end, the few requests of others are all served, and served next."""

    async def test() -> None:
        admission = admitting(2, burst=0.2)
        refused: Counter[str] = Counter()
        stop = asyncio.Event()

        async def noise() -> None:
            while not stop.is_set():
                try:
                    await busy(admission, "noisy")
                except OverloadedError:
                    refused["noisy"] += 1
                    await asyncio.sleep(0.001)

        noisy = [asyncio.create_task(noise()) for _ in range(40)]
        await asyncio.sleep(0.5)
        waits = []
        for number in range(20):
            try:
                waits.append(await busy(admission, f"quiet{number % 4}"))
            except OverloadedError:
                refused["quiet"] += 1
        stop.set()
        await asyncio.gather(*noisy)

        assert refused["quiet"] == 0
        assert refused["noisy"] > 100
        assert sorted(waits)[10] < 3 * WORK

    run(test)


def test_whoever_goes_away_leaves_no_hole() -> None:
    """Cancelled while waiting, while working, and at the very moment of the turn: places come back."""

    async def test() -> None:
        admission = admitting(1, burst=60)
        for after in range(12):
            tasks = [asyncio.create_task(busy(admission, "a", 0.001)) for _ in range(6)]
            for _ in range(after):
                await asyncio.sleep(0.0005)
            for task in tasks[::2]:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            assert admission.running == admission.waiting == 0

    run(test)


def test_a_place_can_be_given_back_early() -> None:
    """Once; the end doesn't give it back again."""

    async def test() -> None:
        admission = admitting(1, burst=60)
        async with admission.place("a") as give_back:
            give_back()
            give_back()
            assert admission.running == 0
            async with admission.place("b"):
                assert admission.running == 1
        assert admission.running == 0

    run(test)


def test_no_places_at_once_is_refused_with_no_burst() -> None:
    """With a burst of nothing, whoever finds no place is sent away."""

    async def test() -> None:
        admission = admitting(1, burst=0)
        async with admission.place("a"):
            with pytest.raises(OverloadedError):
                admission.check("b")

    run(test)
