"""Whether an index that was copied from another is the same as it, turn by turn."""

import numpy as np

from memory.errors import SetupError
from memory.ledger import EVERY_TENANT, Ledger, turns
from memory.scope import Scope
from retrieval.index.entry import packed
from retrieval.indexing.reindex import Rebuildable

_BATCH = 256


def compared(ledger: Ledger, one: Rebuildable, other: Rebuildable) -> int:
    """Read all turns that both indexes hold, as bytes; return how many.

    Raises `SetupError` that names a turn that is not the same in both, `CorruptFileError` where one
    is damaged. Nobody may write to either meanwhile.
    """
    both = np.intersect1d(one.numbers(), other.numbers(), assume_unique=True)
    for start in range(0, len(both), _BATCH):
        ids = both[start : start + _BATCH].tolist()
        with ledger.reading(EVERY_TENANT) as tx:
            whose = turns.owners(tx, ids)
        for scope, mine in whose.items():
            here, there = _entries(one, scope, mine), _entries(other, scope, mine)
            if here != there:
                named = next(key for key in mine if here.get(key) != there.get(key))
                raise SetupError(
                    f"turn {named} is not the same in both indexes: delete the new one, and build it by "
                    "`satchel reindex`"
                )
    return len(both)


def _entries(index: Rebuildable, scope: Scope, keys: list[int]) -> dict[int, bytes]:
    return {turn.key: packed(turn) for turn in index.turns(scope, keys)}
