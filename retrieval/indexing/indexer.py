"""Feeds the index from the outbox, in the background."""

from collections.abc import Callable, Sequence
from uuid import uuid4

import sqlalchemy as sa
import structlog

from memory.encoders import SharedEncoder
from memory.encoders.port import Floats
from memory.errors import CorruptFileError, RefusedError, SatchelError, UnavailableError, quotable
from memory.ledger import Ledger, outbox, users
from memory.ledger import turns as turn_table
from memory.ledger.outbox import Claim
from memory.ledger.tenancy import EVERY_TENANT
from memory.loop import Loop
from memory.scope import Scope
from memory.times import now
from memory.tokens import TokenCounter
from memory.turns import Turn
from retrieval.index.port import Index
from retrieval.indexing.repair import Repair
from retrieval.passages.codec import TokenCodec
from retrieval.passages.making import encoded, whole

log = structlog.get_logger()

_BATCH = 64
# Tokens in a batch, beside a longer turn that goes alone.
_TOKENS = 32_000
# Told of turns and their unit vectors once the index has them.
Observe = Callable[[sa.Connection, Scope, Sequence[tuple[Turn, Floats]]], None]

# Microseconds for which turns are put off at most while the index doesn't answer: that is not for their
# sake, and once it does they should not be waited for.
_OUTAGE = 2_000_000
# Seconds between two looks at the outbox when nobody says that something came.
_POLL = 0.5
# Seconds between two renewals of the claims in hand: two may come late before one lapses.
_HOLD = outbox.LEASE / 4e6


class Indexer:
    """One thread that encodes queued turns and puts them into the index.

    Any number of them, in any number of processes, share one outbox. A turn leaves it only after the
    index has it durably; one that fails is put off and tried again for ever. A turn that was erased
    meanwhile is not written.
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
        repair: Repair | None = None,
    ) -> None:
        """`observe` is called with each batch, in the transaction that takes it off the outbox.

        `repair` is told of damage, and done before each batch.
        """
        self._ledger = ledger
        self._index = index
        self._encoder = encoder
        self._codec = codec
        self._counter = counter
        self._observe = observe
        self._repair = repair
        self._worker = uuid4().hex
        self._held: Sequence[Claim] = ()
        self._last = 0
        self._loop = Loop("indexer", self.step, pause=_POLL)
        self._holding = Loop("indexer.claims", self._hold_on, pause=_HOLD)

    def start(self) -> None:
        """Begin to work."""
        self._loop.start()
        self._holding.start()

    def wake(self) -> None:
        """Say that turns were queued."""
        self._loop.wake()

    def close(self) -> None:
        """Stop, the encoder too; what is not indexed stays queued."""
        self._loop.stop()
        # A long turn may take minutes to encode: its encoding is given up, not waited for.
        self._encoder.close()
        self._loop.close()
        self._holding.close()

    def step(self) -> bool:
        """Index the turns that have waited longest; return whether there may be more that can be."""
        if self._repair is not None:
            self._repair.step()
        with self._ledger.writing(EVERY_TENANT) as tx:
            claims = outbox.claim(tx, self._worker, now(), _BATCH, after=self._last)
        self._last = claims[-1].user if claims else 0
        self._held = claims
        try:
            # Where the index stopped to answer, what is left stays due: only what was tried is put off.
            done = all(self._index_or_put_off(claim, ids) for claim in claims for ids in _batches(claim))
        finally:
            self._release()
        return bool(claims) and done

    def _release(self) -> None:
        claims, self._held = self._held, ()
        if not claims:
            return
        try:
            with self._ledger.writing(EVERY_TENANT) as tx:
                outbox.release(tx, claims)
        except UnavailableError as error:  # they lapse by themselves
            log.warning("indexer.not_released", error=str(error))

    def _hold_on(self) -> bool:
        """Hold the claims in hand for as long as this process lives and works on them.

        Claims that lapse cost a repetition, no turn.
        """
        if self._held:
            with self._ledger.writing(EVERY_TENANT) as tx:
                outbox.hold(tx, self._held, now())
        return False

    def _index_or_put_off(self, claim: Claim, ids: Sequence[int]) -> bool:
        """Return whether it is worth going on: the index answers."""
        try:
            self._index_turns(claim, ids)
        except Exception as error:  # noqa: BLE001 - whatever it was, the turn is put off, not lost
            if self._loop.stopping and isinstance(error, SatchelError):
                return False
            down = _index_is_down(error)
            if len(ids) > 1 and not down:  # one bad turn must not hold up the others
                return all(self._index_or_put_off(claim, [turn]) for turn in ids)
            told = quotable(error)
            log.warning("indexer.put_off", turn=ids[0], turns=len(ids), error=told)
            if self._repair is not None and isinstance(error, CorruptFileError):
                self._repair.report(claim.scope, error)
            with self._ledger.writing(claim.scope.tenant) as tx:
                longest = _OUTAGE if down else outbox.LONGEST_DELAY
                outbox.failed(tx, ids, now(), told, longest=longest)
            return not down
        return True

    def _index_turns(self, claim: Claim, ids: Sequence[int]) -> None:
        scope = claim.scope
        with self._ledger.writing(scope.tenant) as tx:
            if not outbox.renew(tx, claim, now()):
                return  # it took so long that another worker has the user now
            turns = turn_table.by_id(tx, scope, ids)
        made = encoded(list(turns.values()), self._encoder.encode_later, self._counter, self._codec)
        ready = {turn.key: turn for turn in made}
        with self._ledger.alone(scope):
            # Looked at again under the lock under which a purge deletes: what is written is not erased.
            with self._ledger.reading(scope.tenant) as tx:
                left = turn_table.by_id(tx, scope, ids)
            kept = [turn for turn in ids if turn in left]
            if kept:
                self._index.upsert(scope, [ready[turn] for turn in kept])
            with self._ledger.writing(scope.tenant) as tx:
                if outbox.renew(tx, claim, now()):
                    self._count_in(tx, claim, [(turns[turn], whole(ready[turn])) for turn in kept], ids)

    def _count_in(
        self, tx: sa.Connection, claim: Claim, seen: Sequence[tuple[Turn, Floats]], ids: Sequence[int]
    ) -> None:
        """Take turns off the queue and tell who asked of those that were on it."""
        fresh = outbox.done(tx, ids)
        if self._observe is not None:
            self._observe(tx, claim.scope, [pair for pair in seen if pair[0].id in fresh])
        users.touch(tx, claim.user)


def _index_is_down(error: Exception) -> bool:
    """Tell whether no turn would fare better alone."""
    return isinstance(error, UnavailableError) and not isinstance(error, RefusedError)


def _batches(claim: Claim) -> list[list[int]]:
    """Return the claim's turns in batches, each short enough to be encoded while the claim holds."""
    batches: list[list[int]] = []
    room = 0
    for turn, tokens in claim.turns:
        if not batches or tokens > room:  # an empty turn fits even into no room
            batches.append([])
            room = _TOKENS
        batches[-1].append(turn)
        room -= tokens
    return batches
