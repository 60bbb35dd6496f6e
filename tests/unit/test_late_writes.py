"""A write to the index that its sender gave up on, and that comes after the deletion."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from memory.ledger import EVERY_TENANT, Ledger, purges, turns
from memory.purge import Purge, Signer, Subject
from memory.purge.worker import Worker
from memory.residue import Piece
from memory.scope import Scope
from memory.times import now
from tests.helpers import ADA, said
from tests.reliability.unscanned import unscanned

SETTLE = 20


@dataclass
class Kept:
    """What an index on a server holds."""

    turns: set[int] = field(default_factory=set)

    def delete(self, scope: Scope, keys: Collection[int] | None = None) -> None:
        del scope
        self.turns -= self.turns if keys is None else set(keys)

    def traces(self, scope: Scope, keys: Collection[int]) -> Iterator[Piece]:
        del scope, keys
        return iter(())

    def held(self) -> Iterator[bytes]:
        return iter(())

    def compact(self, *, thorough: bool = False) -> str:
        del thorough
        return ""


def test_a_late_write_is_deleted_before_the_receipt_says_done(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where a replica starts meanwhile, which looks at every unfinished purge at once."""
    unscanned(monkeypatch)
    later = 0.0
    monkeypatch.setattr("memory.purge.worker.now", lambda: now() + round(later * 1e6))
    index, signer = Kept(), Signer(Ed25519PrivateKey.generate())
    worker = Worker(ledger, index, tmp_path, signer, backups=lambda _: {}, settle=SETTLE)
    purge = Purge(ledger, worker, signer)
    with ledger.writing("default") as tx:
        (turn,) = turns.append(tx, ADA, [said("a secret")], [2])
    index.turns = {turn.id}

    receipt = purge.begin(Subject("default", "user", "ada"), "test").id
    worker.step()
    assert index.turns == set()
    index.turns = {turn.id}  # sent long ago, and only now applied
    with ledger.writing(EVERY_TENANT) as tx:
        purges.at_once(tx)
    worker.step()
    assert purge.receipt("default", receipt).status == "running"
    later = SETTLE
    worker.step()

    assert purge.receipt("default", receipt).status == "done"
    assert index.turns == set()
