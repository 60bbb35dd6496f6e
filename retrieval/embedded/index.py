"""The embedded adapter of the index port."""

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from memory.residue import Piece
from memory.scope import Scope
from retrieval.embedded.heat import Heat
from retrieval.embedded.hot import HotScope
from retrieval.embedded.store import Store
from retrieval.index.port import Found, IndexedTurn, IndexSettings, Ints, Limits, QueryView
from retrieval.index.traces import pieces_of
from retrieval.passages.codec import TokenCodec

FILE = "index.sqlite3"


class EmbeddedIndex:
    """Exact search per user: hot users in memory within a byte limit, cold ones on disk."""

    def __init__(self, folder: Path, encoder: str, dim: int, codec: TokenCodec, *, hot_bytes: int) -> None:
        """Open the index in `folder`; users beyond `hot_bytes` in all are dropped, oldest use first."""
        self._folder = folder
        self._settings = IndexSettings(encoder, dim, codec.id)
        self._code_dim = codec.dim
        self._hot_bytes = hot_bytes
        self._open()

    @staticmethod
    def exists(folder: Path) -> bool:
        """Tell whether the folder holds an index; an empty file is none."""
        file = folder / FILE
        return file.exists() and file.stat().st_size > 0

    @staticmethod
    def settings_in(folder: Path) -> IndexSettings | None:
        """Return what the folder's index was built with; None where there is none."""
        store = Store.found(folder / FILE)
        if store is None:
            return None
        store.close()
        return store.settings

    @staticmethod
    def remove(folder: Path, *, only_logs: bool = False) -> None:
        """Delete the index's files; it is rebuilt from the ledger.

        `only_logs`: all but the file itself, in whose place another comes.
        """
        for suffix in ("-wal", "-shm") if only_logs else ("", "-wal", "-shm"):
            (folder / f"{FILE}{suffix}").unlink(missing_ok=True)

    @property
    def settings(self) -> IndexSettings:
        return self._settings

    def upsert(self, scope: Scope, turns: Sequence[IndexedTurn]) -> None:
        user = scope.whole_user()
        self._store.put(user, turns)
        self._heat.add(user, turns)

    def preview(self, scope: Scope, turns: Sequence[IndexedTurn]) -> None:
        with self._heat.of(scope.whole_user()) as hot:
            hot.add(turns)

    def delete(self, scope: Scope, keys: Collection[int] | None = None) -> None:
        user = scope.whole_user()
        try:
            self._store.drop(user, keys)
        finally:
            self._heat.forget(user)  # afterwards: who begins to read before it reads what is gone

    def traces(self, scope: Scope, keys: Collection[int]) -> Iterator[Piece]:
        for turn in self._store.some_of(scope.whole_user(), keys):
            yield from pieces_of(turn)

    def held(self) -> Iterator[bytes]:
        return self._store.held()

    def compact(self, *, thorough: bool = False) -> str:
        return self._store.compact(thorough=thorough)

    def search(
        self, scope: Scope, views: Sequence[QueryView], limits: Limits, *, session: int | None = None
    ) -> Found:
        with self._heat.of(scope.whole_user()) as hot:
            return hot.search(views, limits, session)

    def missing(self, scope: Scope, keys: Collection[int]) -> set[int]:
        with self._heat.of(scope.whole_user()) as hot:
            return set(keys).difference(hot.keys)

    def numbers(self) -> Ints:
        """Return the numbers of all turns that are here, int64 ascending."""
        return self._store.numbers()

    def drop(self, keys: Collection[int]) -> None:
        """Remove turns, whoever's they are; durable on return."""
        self._store.drop_numbers(keys)
        self._heat.clear()

    def turns(self, scope: Scope, keys: Collection[int]) -> list[IndexedTurn]:
        """Return those of the user's turns that are here; raise `CorruptFileError` where one is damaged."""
        return list(self._store.some_of(scope.whole_user(), keys))

    @property
    def hot_scopes(self) -> int:
        """How many users are in memory."""
        return len(self._heat)

    def check(self) -> None:
        """Raise `CorruptFileError` where more is damaged than entries: what is dropped may stay, unseen."""
        self._store.check()

    def renew(self) -> None:
        """Begin with an empty file, where the one there is so damaged that nothing can be removed from it.

        What was in it must be queued before.
        """
        self._heat.clear()
        self._store.close()
        self.remove(self._folder)
        self._open()

    def close(self) -> None:
        self._heat.clear()
        self._store.close()

    def _open(self) -> None:
        dim, code_dim = self._settings.dim, self._code_dim
        self._store = Store(self._folder / FILE, self._settings, code_dim)
        self._heat = Heat(self._store, lambda: HotScope(dim, code_dim), limit=self._hot_bytes)
