"""An embedded index that is being built beside the one in use, or waits to take its place."""

import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from memory.backup.files import sync
from memory.folder import DataFolder
from memory.residue import Piece, pieces_of_bytes
from memory.scope import Scope
from retrieval.embedded.index import FILE, EmbeddedIndex
from retrieval.embedded.store import Store
from retrieval.index.port import Index, IndexSettings

_FOLDER = "beside"
_READY = "ready"


class Beside:
    """The folder in which an index is built beside the one in use; one process at a time builds in it."""

    def __init__(self, data: Path) -> None:
        """Name the folder within the data folder `data`."""
        self.folder = data / _FOLDER

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep the folder to oneself; raise `DataFolderInUseError` where another process builds in it."""
        folder = DataFolder(self.folder)
        try:
            yield
        finally:
            folder.close()

    def is_ready(self, wanted: IndexSettings) -> bool:
        """Tell whether an index with these settings was built here and checked."""
        return (self.folder / _READY).exists() and EmbeddedIndex.settings_in(self.folder) == wanted

    def begin(self, wanted: IndexSettings) -> None:
        """Go on with the build of these settings; one of others is given up."""
        (self.folder / _READY).unlink(missing_ok=True)
        if EmbeddedIndex.settings_in(self.folder) not in (None, wanted):
            EmbeddedIndex.remove(self.folder)

    def finish(self) -> None:
        """Say that what was built may be taken into use."""
        (self.folder / _READY).touch(0o600)
        sync(self.folder)

    def move_to(self, data: Path) -> None:
        """Put the closed index in place of the one in the data folder, in one step."""
        (self.folder / FILE).replace(data / FILE)
        sync(data)
        shutil.rmtree(self.folder)


class WithBeside:
    """The index in use with the one beside it: what is erased goes from both, and is looked for in both.

    Another process fills the one beside; it may come and go at any time.
    """

    def __init__(self, index: Index, folder: Path) -> None:
        """`folder` is the data folder."""
        self._index = index
        self._path = Beside(folder).folder / FILE

    def delete(self, scope: Scope, keys: Collection[int] | None = None) -> None:
        self._index.delete(scope, keys)
        with self._store() as store:
            if store is not None:
                store.drop(scope.whole_user(), keys)

    def traces(self, scope: Scope, keys: Collection[int]) -> Iterator[Piece]:
        yield from self._index.traces(scope, keys)
        with self._store() as store:
            if store is not None:
                for entry in store.entries(scope.whole_user(), keys):
                    yield from pieces_of_bytes("index entry", entry)

    def held(self) -> Iterator[bytes]:
        yield from self._index.held()
        with self._store() as store:
            if store is not None:
                yield from store.held()

    def compact(self, *, thorough: bool = False) -> str:
        done = self._index.compact(thorough=thorough)
        with self._store() as store:
            if store is not None:
                done = f"{done}; the one beside it: {store.compact(thorough=thorough)}"
        return done

    @contextmanager
    def _store(self) -> Iterator[Store | None]:
        store = Store.found(self._path)
        try:
            yield store
        finally:
            if store is not None:
                store.close()
