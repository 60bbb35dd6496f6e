"""An index that doesn't do what a purge tells it: late writes after the deletion, and no deletion at all."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from memory.ledger import EVERY_TENANT, Ledger, purges, turns
from memory.purge import Purge, Signer, Subject
from memory.purge.worker import Worker
from memory.residue import Piece, pieces_of_bytes
from memory.scope import Scope
from memory.times import now
from tests.helpers import ADA, said
from tests.reliability.unscanned import unscanned

SETTLE = 20


@dataclass
class Kept:
    """What an index on a server holds."""

    turns: set[int] = field(default_factory=set)
    deaf: bool = False

    def delete(self, scope: Scope, keys: Collection[int] | None = None) -> None:
        del scope
        if not self.deaf:
            self.turns -= self.turns if keys is None else set(keys)

    def traces(self, scope: Scope, keys: Collection[int]) -> Iterator[Piece]:
        del scope
        for turn in self.turns.intersection(keys):
            yield from pieces_of_bytes("index entry", b"what is kept of turn %d in here" % turn)

    def held(self) -> Iterator[bytes]:
        return iter(())

    def compact(self, *, thorough: bool = False) -> str:
        del thorough
        return ""


def begun(ledger: Ledger, index: Kept, folder: Path, settle: float = 0) -> tuple[Purge, Worker, int]:
    """Remember a turn in ledger and index; return what erases it, who does the work, and its number."""
    signer = Signer(Ed25519PrivateKey.generate())
    worker = Worker(ledger, index, folder, signer, backups=lambda _: {}, settle=settle)
    with ledger.writing("default") as tx:
        (turn,) = turns.append(tx, ADA, [said("a secret")], [2])
    index.turns = {turn.id}
    return Purge(ledger, worker, signer), worker, turn.id


def test_a_late_write_is_deleted_before_the_receipt_says_done(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where a replica starts meanwhile, which looks at every unfinished purge at once."""
    unscanned(monkeypatch)
    later = 0.0
    monkeypatch.setattr("memory.purge.worker.now", lambda: now() + round(later * 1e6))
    index = Kept()
    purge, worker, turn = begun(ledger, index, tmp_path, settle=SETTLE)

    receipt = purge.begin(Subject("default", "user", "ada"), "test").id
    worker.step()
    assert index.turns == set()
    index.turns = {turn}  # sent long ago, and only now applied
    with ledger.writing(EVERY_TENANT) as tx:
        purges.at_once(tx)
    worker.step()
    assert purge.receipt("default", receipt).status == "running"
    later = SETTLE
    worker.step()

    assert purge.receipt("default", receipt).status == "done"
    assert index.turns == set()


def test_an_index_that_removes_nothing_keeps_a_purge_from_being_done(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it still holds counts as living memory for the scan: it is asked for it by itself."""
    unscanned(monkeypatch)
    index = Kept(deaf=True)
    purge, worker, _ = begun(ledger, index, tmp_path)

    receipt = purge.begin(Subject("default", "user", "ada"), "test").id
    worker.step()
    put_off = purge.receipt("default", receipt)
    index.deaf = False
    with ledger.writing(EVERY_TENANT) as tx:
        purges.at_once(tx)
    worker.step()

    assert (put_off.status, put_off.error) == ("running", "the index still holds turns that were erased")
    assert purge.receipt("default", receipt).status == "done"
    assert index.turns == set()
