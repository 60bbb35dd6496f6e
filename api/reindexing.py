"""A new index, built beside the one in use and taken into use when it is whole."""

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from api.indexes import qdrant_index, take_beside
from api.services import make_encoder
from api.settings import Settings
from api.stores import open_ledger
from memory.encoders import Encoder
from memory.errors import DataFolderInUseError
from memory.folder import DataFolder
from memory.ledger import Ledger
from memory.tokens import TokenCounter
from retrieval.codec import TokenCodec, default_codec
from retrieval.embedded import EmbeddedIndex
from retrieval.embedded.beside import Beside
from retrieval.index import IndexSettings
from retrieval.reindex import Copy, Progress, Rebuildable, Reindex


@dataclass(frozen=True, slots=True)
class Reindexed:
    """What was done. added: turns, of which some were copied and not encoded. checked: turns that were
    sought by their own words. switched: whether the index is in use now, or from the next start on.
    dropped: collections that were deleted.
    """

    turns: int
    added: int
    checked: int
    switched: bool
    dropped: tuple[str, ...] = ()


def reindex(
    settings: Settings, progress: Progress, *, drop_old: bool = False, encoder: Encoder | None = None
) -> Reindexed:
    """Build the index that the settings name beside the one in use, check it, and switch to it.

    The service may run meanwhile, with its present settings. Cut off, it goes on where it was.
    drop_old: delete what the alias named before; no service may use it any more. `encoder` stands in for
    the one that the settings name. Raises `DataFolderInUseError` where another process builds already.
    """
    with open_ledger(settings) as ledger:
        build = _Build(settings, ledger, encoder or make_encoder(settings), progress)
        return build.shared(drop_old=drop_old) if settings.qdrant_url else build.embedded()


class _Build:
    def __init__(self, settings: Settings, ledger: Ledger, encoder: Encoder, progress: Progress) -> None:
        self._settings = settings
        self._ledger = ledger
        self._encoder = encoder
        self._codec: TokenCodec = default_codec(encoder.dim)
        self._wanted = IndexSettings(encoder.id, encoder.dim, self._codec.id)
        self._progress = progress

    def shared(self, *, drop_old: bool) -> Reindexed:
        """Build a collection; the alias switches to it in one step."""
        with ExitStack() as stack:
            index = qdrant_index(self._settings, self._encoder, self._codec, beside=True)
            stack.callback(index.close)
            added, checked = self._fill(index, self._copy(stack))
            index.publish()
            gone = tuple(index.drop_others()) if drop_old else ()
            return Reindexed(len(index.numbers()), added, checked, switched=True, dropped=gone)

    def embedded(self) -> Reindexed:
        """Build a file; a rename puts it in place of the old one, now or at the service's next start."""
        beside = Beside(self._settings.data)
        with beside.held(), ExitStack() as stack:
            beside.begin(self._wanted)
            index = self._open(beside.folder)
            stack.callback(index.close)
            added, checked = self._fill(index, None)
            turns = len(index.numbers())
            beside.finish()
        return Reindexed(turns, added, checked, switched=self._switched())

    def _fill(self, index: Rebuildable, copy: Copy | None) -> tuple[int, int]:
        """Return how many turns were added, and how many were sought by their own words."""
        counter = TokenCounter(self._settings.token_encoding)
        work = Reindex(
            self._ledger, index, self._encoder, self._codec, counter, copy=copy, progress=self._progress
        )
        return work.run(), work.check()

    def _copy(self, stack: ExitStack) -> Copy | None:
        """Return what reads the embedded index, where one is there that the same encoder built."""
        if EmbeddedIndex.settings_in(self._settings.data) != self._wanted:
            return None
        index = self._open(self._settings.data)
        stack.callback(index.close)
        return index.turns

    def _open(self, folder: Path) -> EmbeddedIndex:
        return EmbeddedIndex(folder, self._encoder.id, self._encoder.dim, self._codec, hot_bytes=0)

    def _switched(self) -> bool:
        """Switch now where no service has the data folder; else its next start does."""
        try:
            folder = DataFolder(self._settings.data)
        except DataFolderInUseError:
            return False
        try:
            return take_beside(self._settings, self._ledger, self._encoder, self._codec)
        finally:
            folder.close()
