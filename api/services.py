"""The composition root: everything wired once, for HTTP, command line, evaluation and tests alike."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass

import structlog
from threadpoolctl import threadpool_limits

from api.access import Authenticator
from api.access.oidc import Tokens
from api.indexes import derived, open_index
from api.settings import Settings
from api.stores import open_ledger
from memory.backup.keys import after_purge
from memory.encoders import Encoder, OnnxEncoder, SharedEncoder
from memory.errors import SetupError, UnavailableError
from memory.folder import DataFolder
from memory.holding import Holding
from memory.insight import Insight
from memory.intent import IntentTagger
from memory.intent.model import load as load_model
from memory.intent.model import shipped
from memory.ledger import Ledger, idempotency, outbox
from memory.ledger.tenancy import EVERY_TENANT
from memory.limits import Limits
from memory.purge import Purge, Signer
from memory.purge.signing import FILE as RECEIPT_KEY
from memory.purge.worker import Worker
from memory.recall_log import RecallLog
from memory.remember import Remember
from memory.retention import Retention
from memory.review import Reviewing
from memory.risk import RiskFlags, load_policies
from memory.risk.model import shipped as risk_model
from memory.routing import load_routing
from memory.seal import Sealing
from memory.tokens import TokenCounter
from retrieval.embedded import EmbeddedIndex
from retrieval.finder import Finder
from retrieval.index.port import Index
from retrieval.indexing.indexer import Indexer
from retrieval.indexing.repair import Repair
from retrieval.passages.codec import default_codec
from retrieval.recall import Recall
from retrieval.relevance.model import RelevanceModel
from retrieval.search import Search

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Services:
    """The use cases, and what they stand on."""

    settings: Settings
    ledger: Ledger
    index: Index
    counter: TokenCounter
    indexer: Indexer
    repair: Repair
    remember: Remember
    finder: Finder
    recall: Recall
    search: Search
    purge: Purge
    holds: Holding
    retention: Retention
    insight: Insight
    reviews: Reviewing
    recalls: RecallLog
    access: Authenticator

    def drain(self, timeout: float = 600) -> None:
        """Wait until the index has every turn; raise `UnavailableError` after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while self.queued():
            if time.monotonic() > deadline:
                raise UnavailableError(f"{self.queued()} turns are still not indexed after {timeout:g} s")
            time.sleep(0.01)

    def queued(self) -> int:
        """Return how many turns the index doesn't have yet."""
        with self.ledger.reading(EVERY_TENANT) as tx:
            return outbox.depth(tx)


@contextmanager
def open_services(settings: Settings, *, encoder: Encoder | None = None) -> Iterator[Services]:
    """Open the stores that the settings name and all that stands on them; close it on the way out.

    `encoder` stands in for the one that the settings name. Raises `SetupError` where something can't
    be opened, or is another process's own.
    """
    with ExitStack() as stack:
        held = stack.enter_context
        # Our matrices are small: a BLAS or FAISS that spreads them over the cores only takes these from
        # the encoder. Measured: recall without the encoder 70 ms before and 16 ms after, in one run on
        # two busy cores.
        held(threadpool_limits(limits=1))
        if settings.keeps_data:
            held(closing(DataFolder(settings.data)))
        ledger = held(open_ledger(settings))
        held(sharing(settings, ledger))
        with ledger.writing(EVERY_TENANT) as tx:
            idempotency.sweep(tx)
        sealing = held(closing(Sealing(ledger)))
        shared = held(closing(SharedEncoder(encoder or make_encoder(settings))))
        codec = default_codec(shared.dim)
        index = held(closing(open_index(settings, ledger, shared, codec)))
        counter = TokenCounter(settings.token_encoding)
        flags = RiskFlags(load_policies(settings.risk_policies), risk_model().on(shared.id))
        repair = Repair(ledger, index, file=index if isinstance(index, EmbeddedIndex) else None)
        insight = Insight(ledger, make_tagger(settings, shared), flags, load_routing(settings.routing_policy))
        recalls = held(closing(RecallLog(ledger)))
        observe = insight.observe
        indexer = held(
            closing(Indexer(ledger, index, shared, codec, counter, observe=observe, repair=repair))
        )
        purge = held(closing(make_purge(settings, ledger, index, repair)))
        retention = held(closing(Retention(ledger, purge, seconds=settings.sweep_seconds)))
        access = held(closing(open_access(settings, ledger)))
        trusted = settings.trusted_sources
        finder = Finder(ledger, index, shared, codec, counter, repair=repair, trusted=trusted)
        model = RelevanceModel.shipped()
        for loop in (sealing, indexer, purge, retention):
            loop.start()
        yield Services(
            settings=settings,
            ledger=ledger,
            index=index,
            counter=counter,
            indexer=indexer,
            repair=repair,
            remember=Remember(ledger, counter, indexer.wake),
            finder=finder,
            recall=Recall(ledger, finder, counter, model),
            search=Search(ledger, finder, model),
            purge=purge,
            holds=Holding(ledger),
            retention=retention,
            insight=insight,
            reviews=Reviewing(ledger, flags.policies),
            recalls=recalls,
            access=access,
        )


@contextmanager
def sharing(settings: Settings, ledger: Ledger) -> Iterator[None]:
    """Keep a ledger to oneself whose index is in this process; share it where the index is shared.

    An embedded index would miss what another process takes off the queue. Raises `SetupError`.
    """
    shared = settings.qdrant_url is not None
    with ledger.keeping("serving", shared=shared) as free:
        if not free:
            found = "keeps it to itself, with an embedded index" if shared else "serves this ledger"
            raise SetupError(
                f"another process {found}: with the embedded index only one may. "
                "Stop it, or give all of them one index by SATCHEL_QDRANT_URL"
            )
        yield


def make_purge(settings: Settings, ledger: Ledger, index: Index, repair: Repair) -> Purge:
    """Return what erases: from the ledger, from what is derived of it, and with a signed proof."""
    signer = open_signer(settings, ledger)
    worker = Worker(
        ledger,
        derived(settings, index),
        settings.data,
        signer,
        backups=lambda _: after_purge(ledger),
        settle=settings.qdrant_settle_seconds if settings.qdrant_url else 0,
        damaged=repair.report,
    )
    return Purge(ledger, worker, signer)


def open_signer(settings: Settings, ledger: Ledger) -> Signer:
    """Return what signs receipts: with the key in its file, or with the one that replicas share."""
    beside = settings.data / RECEIPT_KEY
    if settings.receipt_key is not None or settings.database is None:
        return Signer.from_file(settings.receipt_key or beside)
    return Signer.in_ledger(ledger, beside if beside.exists() else None)


def make_tagger(settings: Settings, encoder: Encoder) -> IntentTagger:
    """Return the tagger with the model that the settings name, fitted on this encoder."""
    model = load_model(settings.intent_model) if settings.intent_model else shipped()
    model.check(encoder.id, encoder.dim)
    return IntentTagger(model)


def open_access(settings: Settings, ledger: Ledger) -> Authenticator:
    """Return what knows the callers, with the limits that the settings give to all of them."""
    limits = Limits(settings.rate, settings.burst, settings.user_turns, settings.tenant_turns)
    return Authenticator(ledger, limits, Tokens.of(settings, limits))


def make_encoder(settings: Settings) -> Encoder:
    """Return the encoder that the settings name."""
    if settings.encoder == "onnx":
        return OnnxEncoder(threads=settings.threads)
    from memory.encoders.transformers import TransformersEncoder  # noqa: PLC0415 - an optional extra

    return TransformersEncoder(settings.encoder)
