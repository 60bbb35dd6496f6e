"""A new index, built beside the one in use and taken into use when it is whole."""

from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from api.indexes import qdrant_index, take_beside
from api.services import make_encoder
from api.settings import Settings
from api.stores import open_ledger
from memory.encoders import Encoder
from memory.errors import DataFolderInUseError, EncoderMismatchError
from memory.folder import DataFolder
from memory.ledger import Ledger
from memory.tokens import TokenCounter
from retrieval.embedded import EmbeddedIndex
from retrieval.embedded.beside import Beside
from retrieval.index.port import IndexSettings
from retrieval.indexing.alike import compared
from retrieval.indexing.reindex import Progress, Rebuildable, Reindex
from retrieval.passages.codec import TokenCodec, default_codec

if TYPE_CHECKING:
    from retrieval.qdrant import QdrantIndex


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
        if settings.qdrant_url is None:
            return build.embedded(None)
        with build.opened(settings.model_copy(update={"qdrant_url": None})) as source:
            return build.shared(source, drop_old=drop_old)


def carry(source: Settings, target: Settings, progress: Progress, encoder: Encoder | None = None) -> int:
    """Build the index of a ledger that was moved, from the one at the place it came from.

    Entries are copied; what the old index hasn't is encoded. Returns how many turns were read back from
    both and found the same. Raises `SetupError` where two differ. No service may run at either place.
    """
    with open_ledger(target) as ledger:
        build = _Build(target, ledger, encoder or make_encoder(target), progress)
        with build.opened(source) as old:
            if target.qdrant_url is None:
                build.embedded(old)
            else:
                build.shared(old)
            with build.opened(target) as new:
                return compared(ledger, old, new) if old and new else 0


class _Build:
    def __init__(self, settings: Settings, ledger: Ledger, encoder: Encoder, progress: Progress) -> None:
        self._settings = settings
        self._ledger = ledger
        self._encoder = encoder
        self._codec: TokenCodec = default_codec(encoder.dim)
        self._wanted = IndexSettings(encoder.id, encoder.dim, self._codec.id)
        self._progress = progress

    def shared(self, source: Rebuildable | None, *, drop_old: bool = False) -> Reindexed:
        """Build a collection; the alias switches to it in one step."""
        with closing(self._collection(self._settings, beside=True)) as index:
            added, checked = self._fill(index, source)
            index.publish()
            gone = tuple(index.drop_others()) if drop_old else ()
            return Reindexed(len(index.numbers()), added, checked, switched=True, dropped=gone)

    def embedded(self, source: Rebuildable | None) -> Reindexed:
        """Build a file; a rename puts it in place of the old one, now or at the service's next start."""
        beside = Beside(self._settings.data)
        with beside.held():
            beside.begin(self._wanted)
            with closing(self._file(beside.folder)) as index:
                added, checked = self._fill(index, source)
                turns = len(index.numbers())
            beside.finish()
        return Reindexed(turns, added, checked, switched=self._switched())

    @contextmanager
    def opened(self, settings: Settings) -> Iterator[Rebuildable | None]:
        """Open the index of these settings, where one is there that the same encoder built."""
        index: Rebuildable | None = None
        if settings.qdrant_url is not None:
            with suppress(EncoderMismatchError):
                index = self._collection(settings)
        elif EmbeddedIndex.settings_in(settings.data) == self._wanted:
            index = self._file(settings.data)
        with closing(index) if index else nullcontext():
            yield index

    def _fill(self, index: Rebuildable, source: Rebuildable | None) -> tuple[int, int]:
        """Return how many turns were added, and how many were sought by their own words."""
        counter = TokenCounter(self._settings.token_encoding)
        work = Reindex(
            self._ledger, index, self._encoder, self._codec, counter, source=source, progress=self._progress
        )
        return work.run(), work.check()

    def _collection(self, settings: Settings, *, beside: bool = False) -> "QdrantIndex":
        """Open a collection whose reads are given as long as its writes: no user waits for them."""
        patient = settings.model_copy(update={"qdrant_read_timeout": settings.qdrant_write_timeout})
        return qdrant_index(patient, self._encoder, self._codec, beside=beside)

    def _file(self, folder: Path) -> EmbeddedIndex:
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
