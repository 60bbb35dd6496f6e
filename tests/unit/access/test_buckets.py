"""Token buckets: the rate holds on average, a burst passes, and one key's haste is not another's."""

import pytest

from api.access.buckets import Buckets
from memory.errors import LimitError
from memory.limits import NO_LIMITS, Limits


class Clock:
    """A clock that is set by hand."""

    now = 100.0

    def __call__(self) -> float:
        """Return the time that was set."""
        return self.now


def passed(buckets: Buckets, key: str, limits: Limits, asked: int) -> int:
    """Ask at one moment; return how many requests passed."""
    count = 0
    for _ in range(asked):
        try:
            buckets.take(key, limits)
        except LimitError:
            break
        count += 1
    return count


def test_a_burst_passes_and_then_the_rate() -> None:
    """Five at once; from then on two a second, however long nobody asked."""
    clock = Clock()
    buckets, limits = Buckets(clock), Limits(rate=2, burst=5)

    counts = [passed(buckets, "a", limits, 100)]
    for seconds in (0.5, 1.0, 60.0):
        clock.now += seconds
        counts.append(passed(buckets, "a", limits, 100))

    assert counts == [5, 1, 2, 5]
    assert passed(buckets, "b", limits, 100) == 5
    assert passed(buckets, "c", NO_LIMITS, 1000) == 1000


def test_the_error_says_when_to_ask_again() -> None:
    """As long as the next token takes, and then it is there."""
    clock = Clock()
    buckets, limits = Buckets(clock), Limits(rate=0.1, burst=1)
    buckets.take("a", limits)
    with pytest.raises(LimitError, match=r"0\.1 requests a second") as caught:
        buckets.take("a", limits)

    clock.now += caught.value.retry_after

    assert caught.value.retry_after == 10
    buckets.take("a", limits)


def test_buckets_of_keys_that_went_away_are_forgotten() -> None:
    """However many keys ask once, memory is bounded; a bucket that isn't full is kept."""
    clock = Clock()
    buckets = Buckets(clock)
    buckets.take("slow", Limits(rate=0.001, burst=1))
    for number in range(25_000):
        clock.now += 0.01
        buckets.take(str(number), Limits(rate=10, burst=1))

    assert len(buckets._buckets) <= 10_001  # noqa: SLF001 - nothing else shows it
    with pytest.raises(LimitError):
        buckets.take("slow", Limits(rate=0.001, burst=1))
