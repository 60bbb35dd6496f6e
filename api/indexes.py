"""Which index is used, how a new one is filled, and how one that was built beside it takes its place."""

from typing import TYPE_CHECKING

import structlog

from api.settings import Settings
from memory.encoders import Encoder
from memory.errors import CorruptFileError
from memory.ledger import Ledger, outbox
from memory.ledger.tenancy import EVERY_TENANT
from memory.purge.derived import Derived
from memory.times import now
from retrieval.embedded import EmbeddedIndex
from retrieval.embedded.beside import Beside, WithBeside
from retrieval.index.guarded import GuardedIndex
from retrieval.index.late import LateIndex
from retrieval.index.port import Index, IndexSettings
from retrieval.indexing.reindex import Rebuildable, reconcile
from retrieval.passages.codec import TokenCodec

if TYPE_CHECKING:
    from retrieval.qdrant import QdrantIndex

log = structlog.get_logger()

# Names the index that was in use last.
_SERVED = "index.name"


def open_index(settings: Settings, ledger: Ledger, encoder: Encoder, codec: TokenCodec) -> Index:
    """Open the index that the settings name; a new one is filled from the ledger.

    One that was not in use here before may lack what came since it was built, or hold what was erased:
    it is compared with the ledger. Raises `EncoderMismatchError` where another encoder built it. A server
    that doesn't answer yet is asked again in the background.
    """
    if settings.qdrant_url is None:
        opened = _embedded(settings, ledger, encoder, codec)
        _caught_up(settings, ledger, opened, f"embedded {opened.settings}")
        return opened
    wanted = IndexSettings(encoder.id, encoder.dim, codec.id)
    return GuardedIndex(LateIndex(wanted, lambda: _shared(settings, ledger, encoder, codec)))


def _shared(settings: Settings, ledger: Ledger, encoder: Encoder, codec: TokenCodec) -> Index:
    """Open the shared index; make a new one from the ledger where there is none."""
    index = qdrant_index(settings, encoder, codec)
    try:
        if not index.published:
            # Before and not after: an alias that is there says that what its collection lacks is queued.
            _queue_all(ledger)
            index.publish()
        _caught_up(settings, ledger, index, f"qdrant {index.collection}")
    except BaseException:
        index.close()
        raise
    return index


def derived(settings: Settings, index: Index) -> Derived:
    """Return all that a purge must delete from: the index, and one that is being built beside it."""
    return WithBeside(index, settings.data)


def take_beside(settings: Settings, ledger: Ledger, encoder: Encoder, codec: TokenCodec) -> bool:
    """Put an index that was built beside the one in use in its place, if it is the wanted one and ready.

    This process must have the data folder to itself. Returns whether it was.
    """
    beside = Beside(settings.data)
    if not beside.is_ready(IndexSettings(encoder.id, encoder.dim, codec.id)):
        return False
    with beside.held():
        new = EmbeddedIndex(beside.folder, encoder.id, encoder.dim, codec, hot_bytes=0)
        queued, dropped = reconcile(ledger, new)
        new.compact()
        new.close()
        # Whatever is started next compares again, should this be cut off now.
        (settings.data / _SERVED).unlink(missing_ok=True)
        EmbeddedIndex.remove(settings.data, only_logs=True)
        beside.move_to(settings.data)
    log.info("index.switched", encoder=encoder.id, queued=queued, dropped=dropped)
    return True


def qdrant_index(
    settings: Settings, encoder: Encoder, codec: TokenCodec, *, beside: bool = False
) -> "QdrantIndex":
    """Open the shared index; with `beside` the collection of this encoder, whichever is in use."""
    from retrieval.qdrant import QdrantIndex, QdrantOptions, connect  # noqa: PLC0415 - an optional extra

    key = settings.qdrant_api_key
    clients = connect(
        settings.qdrant_url or "",
        key.get_secret_value() if key else None,
        read_timeout=settings.qdrant_read_timeout,
        write_timeout=settings.qdrant_write_timeout,
    )
    options = QdrantOptions(
        alias=settings.qdrant_collection,
        replicas=settings.qdrant_replicas,
        write_consistency=settings.qdrant_write_consistency,
        shards=settings.qdrant_shards,
        shard_keys=settings.qdrant_shard_keys,
    )
    try:
        return QdrantIndex(
            clients,
            encoder.id,
            encoder.dim,
            codec,
            hot_bytes=settings.hot_bytes,
            options=options,
            beside=beside,
        )
    except BaseException:
        clients.close()
        raise


def _embedded(settings: Settings, ledger: Ledger, encoder: Encoder, codec: TokenCodec) -> EmbeddedIndex:
    """Open the embedded index; make a new one from the ledger where it is missing or damaged."""
    folder = settings.data

    def opened() -> EmbeddedIndex:
        return EmbeddedIndex(folder, encoder.id, encoder.dim, codec, hot_bytes=settings.hot_bytes)

    with ledger.writing(EVERY_TENANT) as tx:
        outbox.release_all(tx)  # this process is the only one, so what is claimed was left by a killed one
    take_beside(settings, ledger, encoder, codec)
    if not EmbeddedIndex.exists(folder):
        _queue_all(ledger)
    try:
        return opened()
    except CorruptFileError as error:
        log.warning("index.damaged", error=str(error), remedy="rebuilding it from the ledger")
        _queue_all(ledger)
        EmbeddedIndex.remove(folder)
        return opened()


def _caught_up(settings: Settings, ledger: Ledger, index: Rebuildable, name: str) -> None:
    """Compare the index with the ledger, unless it was the one in use here before.

    A replica without a folder knows nothing of before: there `satchel reindex` compares once more.
    """
    marker = settings.data / _SERVED
    if not settings.keeps_data:
        return
    if marker.exists() and marker.read_text(encoding="utf-8") == name:
        return
    queued, dropped = reconcile(ledger, index)
    marker.write_text(name, encoding="utf-8")
    if queued or dropped:
        log.info("index.caught_up", index=name, queued=queued, dropped=dropped)


def _queue_all(ledger: Ledger) -> None:
    """Queue every turn for an index that is about to be made.

    Before and not after: an index file that is there says that what it lacks is queued, and a crash
    between the two would leave it empty for ever.
    """
    with ledger.writing(EVERY_TENANT) as tx:
        queued = outbox.requeue(tx, now())
    if queued:
        log.info("index.rebuilding", turns=queued)
