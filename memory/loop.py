"""A thread that does one step again and again."""

import threading
from collections.abc import Callable

import structlog

from memory.errors import SatchelError

log = structlog.get_logger()


class Loop:
    """Repeats a step at once while it finds work, else after a pause or when woken.

    A step that fails is logged and repeated after the pause: without the thread it would never be done
    again.
    """

    def __init__(self, name: str, step: Callable[[], bool], *, pause: float, at_once: bool = True) -> None:
        """`step` returns whether there may be more to do; a failure of it is logged as NAME.failed.

        pause: seconds; there is none before the first step if `at_once`.
        """
        self._failed = f"{name}.failed"
        self._step = step
        self._pause = pause
        self._at_once = at_once
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @property
    def stopping(self) -> bool:
        """Whether it was told to stop."""
        return self._stopping.is_set()

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wake(self) -> None:
        """End the pause at hand."""
        self._wake.set()

    def stop(self) -> None:
        """Say that the step at hand is the last one."""
        self._stopping.set()
        self._wake.set()

    def close(self) -> None:
        """Stop, and wait for the step at hand."""
        self.stop()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        more = self._at_once
        while not self.stopping:
            if not more:
                self._wake.wait(self._pause)
                if self.stopping:
                    return
            self._wake.clear()
            more = self._stepped()

    def _stepped(self) -> bool:
        try:
            return self._step()
        except SatchelError as error:
            log.warning(self._failed, error=str(error))
        except Exception:
            log.exception(self._failed)
        return False
