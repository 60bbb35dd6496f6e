"""The background half of purges: derived data, proof, receipt."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import structlog

from memory.errors import CorruptFileError, UnavailableError, quotable
from memory.ledger import Ledger, purges
from memory.ledger.purges import Receipt
from memory.ledger.tenancy import EVERY_TENANT
from memory.loop import Loop
from memory.purge.derived import Derived
from memory.purge.document import document
from memory.purge.proof import Proof, prove
from memory.purge.signing import Signer
from memory.residue import Fingerprints
from memory.scope import Scope
from memory.times import now

log = structlog.get_logger()

# Purges that share one compaction and one scan.
_BATCH = 100
# Seconds between two looks at the register when nobody says that something came.
_POLL = 1.0
# A compaction of so many seconds is followed by so many times its length without one: purges that come
# meanwhile share the next. A large database is not held up by them for more than a tenth of the time.
_LONG = 1.0
_REST = 9

# Given a tenant, what the receipt says about backups that still hold what was erased.
Backups = Callable[[str], dict[str, Any]]


class Worker:
    """One thread that goes on with purges until each is proved.

    Every step can be repeated: one that was cut off or failed is begun again, later each time. Only the
    last step says `done`.
    """

    def __init__(
        self,
        ledger: Ledger,
        derived: Derived,
        folder: Path,
        signer: Signer,
        *,
        backups: Backups,
        damaged: Callable[[Scope, CorruptFileError], None] | None = None,
        settle: float = 0,
    ) -> None:
        """Take what it works on.

        folder: what is scanned. damaged: told where a user's derived data can't be read. settle: seconds for
        which a write to the derived data may still take effect after whoever sent it gave up or died; what
        was deleted is deleted again after them.
        """
        self._ledger = ledger
        self._derived = derived
        self._folder = folder
        self._signer = signer
        self._backups = backups
        self._settle = round(settle * 1e6)
        self._damaged = damaged
        self._resting_until = 0.0
        self._loop = Loop("purge", self.step, pause=_POLL)

    def start(self) -> None:
        """Begin to work; what an earlier process left is due at once."""
        with self._ledger.writing(EVERY_TENANT) as tx:
            purges.at_once(tx)
        self._loop.start()

    def wake(self) -> None:
        """Say that a purge was begun."""
        self._loop.wake()

    def close(self) -> None:
        """Stop after the step at hand."""
        self._loop.close()

    def step(self) -> bool:
        """Go on with the purges that are due; return whether anything was done.

        One replica at a time does: two would sign, and put off, each other's.
        """
        if not self._due():
            return False
        with self._ledger.keeping("purges") as mine:
            due = self._due() if mine else []
            self._go_on(due)
        return bool(due)

    def _due(self) -> list[Receipt]:
        with self._ledger.reading(EVERY_TENANT) as tx:
            due = purges.due(tx, now(), _BATCH)
        return [purge for purge in due if _uncleared(purge)] if self._resting() else due

    def _resting(self) -> bool:
        return time.monotonic() < self._resting_until

    def _go_on(self, due: list[Receipt]) -> None:
        ready = [purge for purge in due if self._tried([purge], lambda: self._clear_derived(purge))]  # noqa: B023
        if ready and not self._resting():
            self._tried(ready, lambda: self._prove(ready))

    def _tried(self, batch: list[Receipt], do: Callable[[], bool]) -> bool:
        """Do it for these purges, or put them off; return whether it was done."""
        ids = [purge.id for purge in batch]
        try:
            return do()
        except Exception as error:  # noqa: BLE001 - whatever it was, the purge is put off, not lost
            told = quotable(error)
            log.warning("purge.put_off", receipts=ids, error=told)
            with self._ledger.writing(EVERY_TENANT) as tx:
                purges.put_off(tx, ids, now(), told)
            return False

    def _clear_derived(self, purge: Receipt) -> bool:
        """Remove the derived data; return whether it is gone for good. The register then holds no name."""
        work, left = purge.work or {}, _uncleared(purge)
        if not left:
            return True
        if (again := work.get("again_at", 0)) > now():
            self._wait(purge, work, again)
            return False
        with self._ledger.reading(purge.tenant) as tx:
            sought = Fingerprints.from_bytes(purges.sought(tx, purge.id))
        scopes = [(Scope(purge.tenant, user), ids) for user, ids in left.items()]
        for scope, ids in scopes:
            try:
                sought.add(self._derived.traces(scope, ids))
            except CorruptFileError as error:
                if self._damaged is not None:
                    self._damaged(scope, error)  # all of it is dropped; then there is nothing left to trace
                raise
        with self._ledger.writing(purge.tenant) as tx:
            purges.sought_grown(tx, purge.id, sought.to_bytes())
        for scope, ids in scopes:
            with self._ledger.alone(scope):
                # An indexer that read these turns before they were erased looks again under this lock.
                self._derived.delete(scope, ids)
                self._assert_gone(scope, ids)
        if self._settle and not again:
            self._wait(purge, work, now() + self._settle)
            return False
        with self._ledger.writing(purge.tenant) as tx:
            purges.derived_gone(tx, purge.id, sought.to_bytes())
        return True

    def _assert_gone(self, scope: Scope, ids: list[int]) -> None:
        """Raise `UnavailableError` where a store still holds what it was told to remove.

        The scan could not tell: what a store holds counts there as somebody's living memory.
        """
        if next(iter(self._derived.traces(scope, ids)), None) is not None:
            raise UnavailableError("the index still holds turns that were erased")

    def _wait(self, purge: Receipt, work: dict[str, Any], until: int) -> None:
        with self._ledger.writing(purge.tenant) as tx:
            purges.wait(tx, purge.id, work | {"again_at": until}, until)

    def _prove(self, batch: list[Receipt]) -> bool:
        with self._ledger.reading(EVERY_TENANT) as tx:
            sought = [Fingerprints.from_bytes(purges.sought(tx, purge.id)) for purge in batch]
        proof = prove(self._ledger, self._derived, self._folder, sought)
        if proof.compacted > _LONG:
            self._resting_until = time.monotonic() + _REST * proof.compacted
        for place, purge in enumerate(batch):
            self._finish(purge, proof, place, sought[place])
        return True

    def _finish(self, purge: Receipt, proof: Proof, place: int, sought: Fingerprints) -> None:
        at = now()
        rows = (purge.receipt or {}).get("erased", {})
        made = document(purge, rows, proof, place, sought, at=at, backups=self._backups(purge.tenant))
        with self._ledger.writing(purge.tenant) as tx:
            purges.done(tx, purge.id, self._signer.signed(made), at)


def _uncleared(purge: Receipt) -> dict[str, list[int]]:
    """Return the turns whose derived data is still to be removed, by user."""
    found: dict[str, list[int]] = (purge.work or {}).get("turns", {})
    return found
