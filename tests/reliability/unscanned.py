"""A purge without its proof, for tests of other things that purge thousands of times."""

from collections.abc import Sequence

import pytest

from memory.purge.proof import Proof
from memory.residue import Scan


def unscanned(patch: pytest.MonkeyPatch) -> None:
    """Let purges end without compaction and scan; R16 is about these."""
    patch.setattr("memory.purge.worker.prove", _proved)


def _proved(_ledger: object, _derived: object, _folder: object, sought: Sequence[object]) -> Proof:
    return Proof(Scan(0, 0, 0.0, ()), (0,) * len(sought), {})
