"""Memory that was freed, used again by whoever asks next, or given back to the system.

glibc keeps a pool of freed memory for each thread, in pieces between what is still used. In steady use the
pieces grow in number: 39 MB an hour at two sessions a second, without any of this, and 9 with memory given
back now and then but a pool a thread (`pytest -m drill tests/reliability/test_r23_soak.py`).
"""

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from memory.loop import Loop

# Seconds between two times.
_PAUSE = 30.0
# As malloc.h names it.
_M_ARENA_MAX = -8


@contextmanager
def frugal() -> Iterator[None]:
    """Keep one pool for all threads, and give back what was freed now and then, where glibc does both.

    Threads hardly wait for each other's pool: they wait for the interpreter.
    """
    library = ctypes.CDLL(None)
    if not (hasattr(library, "mallopt") and hasattr(library, "malloc_trim")):
        yield
        return
    library.mallopt(_M_ARENA_MAX, 1)
    loop = Loop("heap", _step(library.malloc_trim), pause=_PAUSE, at_once=False)
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
