"""An index on a server that need not answer when the service starts."""

import threading
from collections.abc import Callable, Collection, Iterator, Sequence

import structlog

from memory.errors import SetupError, UnavailableError
from memory.residue import Piece
from memory.scope import Scope
from retrieval.index.port import Found, Index, IndexedTurn, IndexSettings, Limits, QueryView

log = structlog.get_logger()

# Seconds between two tries to open it.
_PAUSE = 1.0


class LateIndex:
    """Opened at once where that can be done, else in the background; every verb fails until then."""

    def __init__(self, settings: IndexSettings, opening: Callable[[], Index]) -> None:
        """Try once, and again later after `UnavailableError`; raise whatever else `opening` does."""
        self._settings = settings
        self._opening = opening
        self._index: Index | None = None
        self._why = ""
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._go_on, name="index", daemon=True)
        try:
            self._index = opening()
        except UnavailableError as error:
            self._failed(error)
            self._thread.start()

    @property
    def opened(self) -> bool:
        """Whether it answers calls."""
        return self._index is not None

    @property
    def settings(self) -> IndexSettings:
        return self._settings

    def upsert(self, scope: Scope, turns: Sequence[IndexedTurn]) -> None:
        self._answering().upsert(scope, turns)

    def preview(self, scope: Scope, turns: Sequence[IndexedTurn]) -> None:
        self._answering().preview(scope, turns)

    def delete(self, scope: Scope, keys: Collection[int] | None = None) -> None:
        self._answering().delete(scope, keys)

    def traces(self, scope: Scope, keys: Collection[int]) -> Iterator[Piece]:
        return self._answering().traces(scope, keys)

    def held(self) -> Iterator[bytes]:
        return self._answering().held()

    def compact(self, *, thorough: bool = False) -> str:
        return self._answering().compact(thorough=thorough)

    def search(
        self, scope: Scope, views: Sequence[QueryView], limits: Limits, *, session: int | None = None
    ) -> Found:
        return self._answering().search(scope, views, limits, session=session)

    def missing(self, scope: Scope, keys: Collection[int]) -> set[int]:
        return self._answering().missing(scope, keys)

    def close(self) -> None:
        self._closed.set()
        if self._thread.is_alive():
            self._thread.join()
        if self._index is not None:
            self._index.close()

    def _answering(self) -> Index:
        if self._index is None:
            raise UnavailableError(f"the index has not been opened yet: {self._why}")
        return self._index

    def _go_on(self) -> None:
        while self._index is None and not self._closed.wait(_PAUSE):
            try:
                self._index = self._opening()
                log.info("index.opened")
            except (UnavailableError, SetupError) as error:  # an operator may mend what is set up wrongly
                self._failed(error)

    def _failed(self, error: Exception) -> None:
        if str(error) != self._why:
            log.warning("index.not_opened", error=str(error))
        self._why = str(error)
