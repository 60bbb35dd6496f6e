"""An index behind a circuit breaker: what doesn't answer is not asked by everybody, again and again."""

import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager

import structlog

from memory.errors import RefusedError, UnavailableError
from memory.residue import Piece
from memory.scope import Scope
from retrieval.index.late import LateIndex
from retrieval.index.port import Found, Index, IndexedTurn, IndexSettings, Limits, QueryView

log = structlog.get_logger()

# Failures in a row that open the breaker: one lost packet must not cost everybody their vectors.
_FAILURES = 2
# Seconds between two tries of one that is open.
_PAUSE = 0.5


class Breaker:
    """Lets calls through until some fail in a row, then one call a pause, until one succeeds."""

    def __init__(self, name: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._name = name
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._next_try = 0.0

    @property
    def open(self) -> bool:
        """Whether calls are turned away."""
        return self._failures >= _FAILURES

    @contextmanager
    def guarding(self) -> Iterator[None]:
        """Run a call, or raise `UnavailableError` without it."""
        self._admit()
        try:
            yield
        except RefusedError:
            raise  # it answered
        except UnavailableError as error:
            self._failed(error)
            raise
        self._succeeded()

    def _admit(self) -> None:
        with self._lock:
            if not self.open:
                return
            if self._clock() < self._next_try:
                raise UnavailableError(f"the index did not answer {self._name} just now")
            self._next_try = self._clock() + _PAUSE

    def _failed(self, error: UnavailableError) -> None:
        with self._lock:
            self._failures += 1
            if self._failures == _FAILURES:
                self._next_try = self._clock() + _PAUSE
                log.warning("index.down", calls=self._name, error=str(error))

    def _succeeded(self) -> None:
        with self._lock:
            if self.open:
                log.info("index.up", calls=self._name)
            self._failures = 0


class GuardedIndex:
    """Any index, with a breaker for its reads and one for its writes.

    They are apart since reads give up early and writes late: a server that takes seconds still takes
    writes, and must not be asked to answer reads for that.
    """

    def __init__(self, index: Index) -> None:
        self._index = index
        self.reads = Breaker("reads")
        self.writes = Breaker("writes")

    @property
    def down(self) -> bool:
        """Whether it is known not to answer."""
        return (
            self.reads.open
            or self.writes.open
            or (isinstance(self._index, LateIndex) and not self._index.opened)
        )

    @property
    def settings(self) -> IndexSettings:
        return self._index.settings

    def upsert(self, scope: Scope, turns: Sequence[IndexedTurn]) -> None:
        with self.writes.guarding():
            self._index.upsert(scope, turns)

    def preview(self, scope: Scope, turns: Sequence[IndexedTurn]) -> None:
        self._index.preview(scope, turns)

    def delete(self, scope: Scope, keys: Collection[int] | None = None) -> None:
        with self.writes.guarding():
            self._index.delete(scope, keys)

    def traces(self, scope: Scope, keys: Collection[int]) -> Iterator[Piece]:
        return self._index.traces(scope, keys)

    def held(self) -> Iterator[bytes]:
        return self._index.held()

    def compact(self, *, thorough: bool = False) -> str:
        return self._index.compact(thorough=thorough)

    def search(
        self, scope: Scope, views: Sequence[QueryView], limits: Limits, *, session: int | None = None
    ) -> Found:
        with self.reads.guarding():
            return self._index.search(scope, views, limits, session=session)

    def missing(self, scope: Scope, keys: Collection[int]) -> set[int]:
        with self.reads.guarding():
            return self._index.missing(scope, keys)

    def close(self) -> None:
        self._index.close()
