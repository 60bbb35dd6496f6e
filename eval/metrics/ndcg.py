"""How early a ranking brings the evidence."""

from collections.abc import Sequence
from math import log2


def ndcg(ranking: Sequence[str], groups: Sequence[Sequence[str]], k: int) -> float:
    """Return the normalised discounted cumulative gain of the first `k`, 0 to 1.

    Järvelin and Kekäläinen 2002, binary gains, log2 discount. Within a group only the first unit gains
    (alpha-nDCG of Clarke et al. 2008 with alpha = 1); with groups of one unit it is plain nDCG.
    """
    if not groups:
        raise ValueError("nDCG is undefined without evidence")
    group_of: dict[str, set[int]] = {}
    for number, group in enumerate(groups):
        for unit in group:
            group_of.setdefault(unit, set()).add(number)
    found: set[int] = set()
    gain = 0.0
    for rank, unit in enumerate(ranking[:k], start=1):
        new = group_of.get(unit, set()) - found
        gain += len(new) / log2(rank + 1)
        found |= new
    return min(1.0, gain / _ideal(len(groups), k))


def _ideal(pieces: int, k: int) -> float:
    return sum(1 / log2(rank + 1) for rank in range(1, min(pieces, k) + 1))
