"""The thread that repeats a step: it outlives failures, goes on while there is work, and stops when told."""

import threading
from collections.abc import Callable

import pytest

from memory.errors import UnavailableError
from memory.loop import Loop

LONG = 3600.0


def _looped(step: Callable[[], bool], *, at_once: bool = True) -> Loop:
    loop = Loop("test", step, pause=LONG, at_once=at_once)
    loop.start()
    return loop


@pytest.mark.parametrize("failure", [UnavailableError("not now"), ValueError("a defect")])
def test_it_outlives_a_failure(failure: Exception) -> None:
    """What failed is done again once somebody says that there is work."""
    begun: list[threading.Event] = [threading.Event(), threading.Event()]
    places = iter(begun)

    def step() -> bool:
        next(places).set()
        raise failure

    loop = _looped(step)
    assert begun[0].wait(10)
    assert not begun[1].is_set()
    loop.wake()
    assert begun[1].wait(10)
    loop.close()


def test_it_goes_on_while_there_is_work() -> None:
    """No pause lies between two steps as long as the first found something."""
    left, done = [True, True, False], threading.Event()

    def step() -> bool:
        more = left.pop(0)
        if not left:
            done.set()
        return more

    loop = _looped(step)
    assert done.wait(10)
    loop.close()


def test_closing_ends_the_pause_and_waits_for_the_step() -> None:
    """A step that had begun is over when `close` returns, and none follows."""
    begun, go_on, steps = threading.Event(), threading.Event(), []

    def step() -> bool:
        begun.set()
        go_on.wait(10)
        steps.append(1)
        return True

    loop = _looped(step)
    assert begun.wait(10)
    loop.stop()
    go_on.set()
    loop.close()
    assert len(steps) == 1

    paused = _looped(lambda: bool(steps.append(2)), at_once=False)  # type: ignore[func-returns-value]
    paused.close()
    assert len(steps) == 1
