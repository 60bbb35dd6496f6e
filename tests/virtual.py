"""An event loop whose time is its own: a minute of waiting takes as long as its work does, and is exact."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class StuckError(AssertionError):
    """All that still runs waits for something that no timer will bring."""


class _Jumping(selectors.SelectSelector):
    """Waits for nothing: the time that was to be waited is over at once."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise StuckError("nothing is left that could go on")
        self.now += max(timeout, 0.0)
        return super().select(0)


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end in time that begins at 0; for what waits for timers alone.

    Raises `StuckError` where it would wait for ever.
    """
    with asyncio.Runner(loop_factory=_Loop) as runner:
        return runner.run(main)
