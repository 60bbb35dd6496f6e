"""The breaker before an index."""

from collections.abc import Callable

import pytest

from memory.errors import RefusedError, UnavailableError
from retrieval.index.guarded import Breaker


class Clock:
    """Time that passes when told."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def call(breaker: Breaker, error: Exception | None = None) -> bool:
    """Run a call that ends as told; return whether it was let through."""
    ran = False

    def inner() -> None:
        nonlocal ran
        ran = True
        if error is not None:
            raise error

    _quiet(breaker, inner)
    return ran


def _quiet(breaker: Breaker, inner: Callable[[], None]) -> None:
    try:
        with breaker.guarding():
            inner()
    except UnavailableError:
        pass


def test_it_opens_after_failures_in_a_row_and_closes_again() -> None:
    """Open, it lets one call a pause through; one that succeeds closes it."""
    clock = Clock()
    breaker = Breaker("reads", clock=clock)
    down = UnavailableError("down")

    assert [call(breaker, down) for _ in range(4)] == [True, True, False, False]
    clock.now = 0.6
    assert [call(breaker, down), call(breaker)] == [True, False]
    clock.now = 1.2
    assert [call(breaker), call(breaker), call(breaker)] == [True, True, True]
    assert not breaker.open


def test_failures_that_are_not_in_a_row_open_nothing() -> None:
    """A success between them starts the count anew."""
    breaker = Breaker("reads", clock=Clock())

    for _ in range(4):
        assert call(breaker, UnavailableError("down"))
        assert call(breaker)


@pytest.mark.parametrize("error", [RefusedError("no"), RefusedError("busy")])
def test_a_refusal_is_an_answer(error: RefusedError) -> None:
    """What one request gets refused says nothing about the others."""
    breaker = Breaker("writes", clock=Clock())

    assert all(call(breaker, error) for _ in range(5))
    assert not breaker.open
