"""Threads that run one at a time, switched and killed at named points as a seed decides."""

import random
import threading
from collections.abc import Callable, Mapping

# How often an actor dies at a point, while deaths are left.
_DEADLY = 0.05


class KilledError(BaseException):
    """What a killed actor dies of: nothing in the code under test catches it."""


class Interleaving:
    """Runs actors so that at each point another may go on; the same seed gives the same order."""

    def __init__(self, seed: int, *, deaths: int) -> None:
        """deaths: how many times an actor dies at a point instead of going on."""
        self.random = random.Random(seed)
        self.deaths = 0
        self._most = deaths
        self._go: dict[str, threading.Semaphore] = {}
        self._back = threading.Semaphore(0)
        self._alive: set[str] = set()
        self._failed: list[BaseException] = []

    def point(self) -> None:
        """Let others pass, and perhaps die; actors call this between any two steps."""
        name = threading.current_thread().name
        if name in self._alive:  # else it is set up, or looked at, from outside
            self._back.release()
            self._go[name].acquire()
            self.risk()

    def risk(self) -> None:
        """Perhaps die here, where nobody else could go on: within a transaction."""
        if threading.current_thread().name not in self._alive or self.deaths >= self._most:
            return
        if self.random.random() < _DEADLY:
            self.deaths += 1
            raise KilledError

    def run(self, actors: Mapping[str, Callable[[], None]]) -> None:
        """Run actors to their ends; one that was killed is begun anew, as a supervisor would."""
        self._go = {name: threading.Semaphore(0) for name in actors}
        self._alive = set(actors)
        threads = [threading.Thread(target=self._play, args=item, name=item[0]) for item in actors.items()]
        for thread in threads:
            thread.start()
        while self._alive:
            self._go[self.random.choice(sorted(self._alive))].release()
            self._back.acquire()
        for thread in threads:
            thread.join()
        if self._failed:
            raise self._failed[0]

    def _play(self, name: str, actor: Callable[[], None]) -> None:
        self._go[name].acquire()
        try:
            while self._died(actor):
                pass
        except BaseException as error:  # noqa: BLE001 - raised again by `run`
            self._failed.append(error)
        self._alive.discard(name)
        self._back.release()

    @staticmethod
    def _died(actor: Callable[[], None]) -> bool:
        try:
            actor()
        except KilledError:
            return True
        return False
