"""Which index is used, and how a new one is filled."""

import structlog

from api.settings import Settings
from memory.encoders import Encoder
from memory.errors import CorruptFileError
from memory.ledger import Ledger, outbox
from memory.ledger.tenancy import EVERY_TENANT
from memory.times import now
from retrieval.codec import TokenCodec
from retrieval.embedded import EmbeddedIndex
from retrieval.guarded import GuardedIndex
from retrieval.index import Index, IndexSettings
from retrieval.late import LateIndex

log = structlog.get_logger()


def open_index(settings: Settings, ledger: Ledger, encoder: Encoder, codec: TokenCodec) -> Index:
    """Open the index that the settings name; a new one is filled from the ledger.

    Raises `EncoderMismatchError` where another encoder built it. A server that doesn't answer yet is asked
    again in the background.
    """
    if settings.qdrant_url is None:
        return _embedded(settings, ledger, encoder, codec)
    wanted = IndexSettings(encoder.id, encoder.dim, codec.id)
    return GuardedIndex(LateIndex(wanted, lambda: _qdrant(settings, ledger, encoder, codec)))


def _qdrant(settings: Settings, ledger: Ledger, encoder: Encoder, codec: TokenCodec) -> Index:
    """Open the shared index; make a new one from the ledger where there is none."""
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
        index = QdrantIndex(
            clients, encoder.id, encoder.dim, codec, hot_bytes=settings.hot_bytes, options=options
        )
        if not index.published:
            # Before and not after: an alias that is there says that what its collection lacks is queued.
            _queue_all(ledger)
            index.publish()
    except BaseException:
        clients.close()
        raise
    return index


def _embedded(settings: Settings, ledger: Ledger, encoder: Encoder, codec: TokenCodec) -> EmbeddedIndex:
    """Open the embedded index; make a new one from the ledger where it is missing or damaged."""
    folder = settings.data

    def opened() -> EmbeddedIndex:
        return EmbeddedIndex(folder, encoder.id, encoder.dim, codec, hot_bytes=settings.hot_bytes)

    with ledger.writing(EVERY_TENANT) as tx:
        outbox.release_all(tx)  # this process is the only one, so what is claimed was left by a killed one
    if not EmbeddedIndex.exists(folder):
        _queue_all(ledger)
    try:
        return opened()
    except CorruptFileError as error:
        log.warning("index.damaged", error=str(error), remedy="rebuilding it from the ledger")
        _queue_all(ledger)
        EmbeddedIndex.remove(folder)
        return opened()


def _queue_all(ledger: Ledger) -> None:
    """Queue every turn for an index that is about to be made.

    Before and not after: an index file that is there says that what it lacks is queued, and a crash
    between the two would leave it empty for ever.
    """
    with ledger.writing(EVERY_TENANT) as tx:
        queued = outbox.requeue(tx, now())
    if queued:
        log.info("index.rebuilding", turns=queued)
