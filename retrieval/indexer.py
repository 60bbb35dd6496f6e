"""Feeds the index from the outbox, in the background."""

import threading
from collections.abc import Callable, Sequence
from itertools import groupby

import sqlalchemy as sa
import structlog

from memory.encoders import SharedEncoder
from memory.encoders.port import Floats
from memory.errors import SatchelError
from memory.ledger import Ledger, outbox
from memory.ledger import turns as turn_table
from memory.ledger.tenancy import EVERY_TENANT
from memory.scope import Scope
from memory.times import now
from memory.tokens import TokenCounter
from memory.turns import Turn
from retrieval.codec import TokenCodec
from retrieval.index import Index
from retrieval.passages import encoded, whole

log = structlog.get_logger()

_BATCH = 32
# Told of turns and their unit vectors once the index has them.
Observe = Callable[[sa.Connection, Scope, Sequence[tuple[Turn, Floats]]], None]

# Seconds between two looks at the outbox when nobody says that something came.
_POLL = 0.5


class Indexer:
    """One thread that encodes queued turns and puts them into the index.

    A turn leaves the outbox only after the index has it durably; one that fails is put off and tried
    again for ever. A turn that was erased meanwhile is taken out of the index again.
    """

    def __init__(
        self,
        ledger: Ledger,
        index: Index,
        encoder: SharedEncoder,
        codec: TokenCodec,
        counter: TokenCounter,
        *,
        observe: Observe | None = None,
    ) -> None:
        """`observe` is called with each batch, in the transaction that takes it off the outbox."""
        self._ledger = ledger
        self._index = index
        self._encoder = encoder
        self._codec = codec
        self._counter = counter
        self._observe = observe
        self._wake = threading.Event()
        self._closed = False
        self._thread = threading.Thread(target=self._serve, name="indexer", daemon=True)

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def wake(self) -> None:
        """Say that turns were queued."""
        self._wake.set()

    def close(self) -> None:
        """Stop, the encoder too; what is not indexed stays queued."""
        self._closed = True
        self._wake.set()
        # A long turn may take minutes to encode: its encoding is given up, not waited for.
        self._encoder.close()
        if self._thread.is_alive():
            self._thread.join()

    def step(self) -> bool:
        """Index the turns that have waited longest; return whether there were any."""
        with self._ledger.reading(EVERY_TENANT) as tx:
            due = outbox.due(tx, now(), _BATCH)
        for scope, group in groupby(
            sorted(due, key=lambda item: _owner(item.scope)), lambda item: item.scope
        ):
            self._index_or_put_off(scope, [item.turn for item in group])
        return bool(due)

    def _serve(self) -> None:
        while not self._closed:
            self._wake.clear()
            try:
                worked = self.step()
            except Exception:
                # The thread must live on: without it nothing would ever be indexed again.
                log.exception("indexer.failed")
                worked = False
            if not worked:
                self._wake.wait(_POLL)

    def _index_or_put_off(self, scope: Scope, ids: Sequence[int]) -> None:
        try:
            self._index_turns(scope, ids)
        except Exception as error:  # noqa: BLE001 - whatever it was, the turn is put off, not lost
            if self._closed and isinstance(error, SatchelError):
                return
            if len(ids) > 1:  # one bad turn must not hold up the others
                for turn in ids:
                    self._index_or_put_off(scope, [turn])
                return
            log.warning("indexer.put_off", turn=ids[0], error=repr(error))
            with self._ledger.writing(scope.tenant) as tx:
                outbox.failed(tx, ids, now(), repr(error))

    def _index_turns(self, scope: Scope, ids: Sequence[int]) -> None:
        with self._ledger.reading(scope.tenant) as tx:
            turns = list(turn_table.by_id(tx, scope, ids).values())
        ready = encoded(turns, self._encoder.encode_later, self._counter, self._codec)
        if ready:
            self._index.upsert(scope, ready)
        # A purge commits to the ledger before it reaches the index. Looking again after the upsert
        # leaves no order of the two in which an erased turn stays.
        with self._ledger.writing(scope.tenant) as tx:
            left = turn_table.by_id(tx, scope, ids).keys()
            erased = set(ids) - left
            if self._observe is not None:
                pairs = zip(turns, ready, strict=True)
                self._observe(tx, scope, [(turn, whole(made)) for turn, made in pairs if turn.id in left])
            outbox.done(tx, ids)
        if erased:
            self._index.delete(scope, erased)


def _owner(scope: Scope) -> tuple[str, str]:
    return scope.tenant, scope.user
