"""Building an index beside the one in use, from the ledger, while others write to it.

What there is to do is never noted anywhere: it is the difference between the turns of the ledger and those
of the new index, looked at again after each pass. So a build that was cut off goes on where it was, what
came meanwhile is added and what was erased meanwhile goes, whichever version of the service did it.
"""

import sys
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from random import Random
from typing import Protocol

import numpy as np

from memory.encoders import Encoder
from memory.errors import CorruptFileError, SetupError
from memory.ledger import EVERY_TENANT, Ledger, outbox, turns
from memory.scope import Scope
from memory.times import now
from memory.tokens import TokenCounter
from memory.turns import Turn
from retrieval.index.port import Index, IndexedTurn, Ints, Limits
from retrieval.passages.codec import TokenCodec
from retrieval.passages.making import encoded
from retrieval.query.query import Query, views

_BATCH = 32
_SAMPLE = 64
# Of the turns that are sought by their own words, so many must be found; many people say "thanks".
_FOUND = 0.95

# Told how many turns are done, of how many.
Progress = Callable[[int, int], None]


class Rebuildable(Index, Protocol):
    """An index that can be compared with the ledger and with another index."""

    def numbers(self) -> Ints:
        """Return the numbers of all turns that are here, int64 ascending."""

    def turns(self, scope: Scope, keys: Collection[int]) -> list[IndexedTurn]:
        """Return those of the user's turns that are here; raise `CorruptFileError` where one is damaged."""

    def drop(self, keys: Collection[int]) -> None:
        """Remove turns, whoever's they are; durable on return."""


@dataclass(frozen=True, slots=True)
class Difference:
    """missing: turns that the index should have; extra: that it should not have. int64 ascending."""

    missing: Ints
    extra: Ints


def difference(ledger: Ledger, index: Rebuildable) -> Difference:
    """Compare an index with the ledger; 8 bytes a turn, twice.

    The index is looked at first: what it has and the ledger has not was erased, and not just added.
    """
    has = index.numbers()
    with ledger.reading(EVERY_TENANT) as tx:
        wanted = np.sort(np.fromiter(turns.all_numbers(tx), np.int64))
    missing = np.setdiff1d(wanted, has, assume_unique=True)
    return Difference(missing, np.setdiff1d(has, wanted, assume_unique=True))


def reconcile(ledger: Ledger, index: Rebuildable) -> tuple[int, int]:
    """Queue what the index lacks, and drop what it should not have; return how many of each."""
    found = difference(ledger, index)
    if len(found.extra):
        index.drop(found.extra.tolist())
    if not len(found.missing):
        return 0, len(found.extra)
    with ledger.writing(EVERY_TENANT) as tx:
        return outbox.again(tx, found.missing.tolist(), now()), len(found.extra)


class Reindex:
    """Fills an index from the ledger until both hold the same turns."""

    def __init__(
        self,
        ledger: Ledger,
        index: Rebuildable,
        encoder: Encoder,
        codec: TokenCodec,
        counter: TokenCounter,
        *,
        source: Rebuildable | None = None,
        progress: Progress = lambda _done, _all: None,
    ) -> None:
        """`source`: an index of the same encoder; what it has is copied, and only the rest encoded."""
        self._ledger = ledger
        self._index = index
        self._encoder = encoder
        self._codec = codec
        self._counter = counter
        self._source = source
        self._progress = progress

    def run(self) -> int:
        """Build until hardly anything is missing; return how many turns were added.

        Where turns come faster than they are built, each pass would find more: then it ends too. What is
        missing still is queued when the index is taken into use.
        """
        added = 0
        last = sys.maxsize
        while True:
            found = difference(self._ledger, self._index)
            if len(found.extra):
                self._index.drop(found.extra.tolist())
            missing = len(found.missing)
            for start in range(0, missing, _BATCH):
                added += self._add(found.missing[start : start + _BATCH].tolist())
                self._progress(min(start + _BATCH, missing), missing)
            if missing <= _BATCH or missing >= last:
                return added
            last = missing

    def check(self) -> int:
        """Seek some turns by their own words; return how many, or raise `SetupError` if too few are found."""
        numbers = self._index.numbers().tolist()
        sought = Random(0).sample(numbers, min(_SAMPLE, len(numbers)))  # noqa: S311 - a sample, no secret
        with self._ledger.reading(EVERY_TENANT) as tx:
            whose = turns.owners(tx, sought)
            said = {turn.id: turn for turn in turns.numbered(tx, sought)}
        pairs = [(scope, said[number]) for scope, mine in whose.items() for number in mine if number in said]
        found = [self._finds(scope, turn) for scope, turn in pairs]
        if sum(found) < _FOUND * len(found):
            raise SetupError(
                f"the new index finds {sum(found)} of {len(found)} turns by their own words; it is not taken "
                "into use. Delete it and build it again"
            )
        return len(found)

    def _add(self, ids: Sequence[int]) -> int:
        with self._ledger.reading(EVERY_TENANT) as tx:
            whose = turns.owners(tx, ids)
            said = {turn.id: turn for turn in turns.numbered(tx, ids)}
        ready = {turn.key: turn for scope, mine in whose.items() for turn in self._copied(scope, mine)}
        fresh = [said[number] for number in ids if number in said and number not in ready]
        ready |= {turn.key: turn for turn in encoded(fresh, self._encoder.encode, self._counter, self._codec)}
        return sum(
            self._write(scope, [ready[number] for number in mine if number in ready])
            for scope, mine in whose.items()
        )

    def _copied(self, scope: Scope, ids: Sequence[int]) -> list[IndexedTurn]:
        if self._source is None:
            return []
        try:
            return self._source.turns(scope, ids)
        except CorruptFileError:  # it can be made anew
            return []

    def _write(self, scope: Scope, ready: Sequence[IndexedTurn]) -> int:
        """Write those of the turns that are still there.

        Nobody can erase them meanwhile: on PostgreSQL a purge deletes from indexes under the user's lock;
        on SQLite, where that lock is another process's own, it erases from the ledger in a write
        transaction, of which there is one at a time, and from indexes afterwards.
        """
        with self._ledger.alone(scope), self._ledger.writing(scope.tenant) as tx:
            alive = turns.by_id(tx, scope, [turn.key for turn in ready])
            kept = [turn for turn in ready if turn.key in alive]
            if kept:
                self._index.upsert(scope, kept)
        return len(kept)

    def _finds(self, scope: Scope, turn: Turn) -> bool:
        query = Query(turn.content)
        found = self._index.search(scope, views(query, self._encoder, self._codec), Limits()).candidates
        return turn.id in found.turn.tolist()
