"""Memory that was freed, given back to the system.

glibc keeps freed memory for the thread that asked for it, in pieces between what is still used. In steady
use the pieces grow in number: 39 MB an hour at two sessions a second, without this
(`pytest -m drill tests/reliability/test_r23_soak.py`).
"""

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from memory.loop import Loop

# Seconds between two times.
_PAUSE = 30.0


@contextmanager
def trimmed() -> Iterator[None]:
    """Give back what was freed, now and then, where the C library can (`malloc_trim`, glibc)."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is None:
        yield
        return
    loop = Loop("heap", _step(trim), pause=_PAUSE, at_once=False)
    loop.start()
    try:
        yield
    finally:
        loop.close()


def _step(trim: Callable[[int], int]) -> Callable[[], bool]:
    def step() -> bool:
        trim(0)
        return False

    return step
