"""Deference: what is trusted little goes behind what the user said."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from memory.encoders.port import Floats
from memory.trust import Tier
from retrieval.evidence.turnwise import TurnTable
from retrieval.index.port import ROLES, Ints
from retrieval.relevance.model import Scored

# A statement of the user's that is this likely to be needed may be what a low-trust turn contradicts, and
# so may one that is this near to it. Nothing short of reading both tells; see docs/decisions/0030.
NEEDED = 0.01
NEAR = 0.5


@dataclass(frozen=True, slots=True)
class Deference:
    """Who gives way to whom. low: bool (n,). rivals: rows of the user's statements, by low-trust row."""

    low: NDArray[np.bool_]
    rivals: Mapping[int, Ints]

    def capped(self, values: Floats) -> Floats:
        """Return `values` with every low-trust row's at most the least of its rivals'."""
        lowered = values.copy()
        for row, rivals in self.rivals.items():
            lowered[row] = values[rivals].min(initial=values[row])
        return lowered

    def below(self, values: Floats) -> Floats:
        """Return `values` with every low-trust row's just below the least of its rivals'."""
        capped = self.capped(np.nextafter(values, np.float32(-np.inf)))
        return np.where(self.low, np.minimum(values, capped), values)

    def scored(self, scored: Scored) -> Scored:
        """Return the scores with what is trusted little behind its rivals."""
        if not self.rivals:
            return scored
        return replace(scored, score=self.below(scored.score), relevance=self.below(scored.relevance))


def tiers_of(table: TurnTable, told: Mapping[int, Tier]) -> NDArray[np.int8]:
    """Return int8 (n,), each row's `Tier`: by the turn's number where `told`, else by its role."""
    user = table.role == ROLES.index("user")
    tiers = np.where(user, int(Tier.HIGH), int(Tier.MIDDLE)).astype(np.int8)
    for row in np.flatnonzero(np.isin(table.key, np.array(list(told), np.int64))):
        tiers[row] = told[int(table.key[row])]
    return tiers


def deference(table: TurnTable, relevance: Floats, told: Mapping[int, Tier]) -> Deference:
    """Return who gives way: each low-trust turn to every statement of the user's that it may contradict."""
    tiers = tiers_of(table, told)
    low = tiers == Tier.LOW
    theirs = np.flatnonzero(tiers == Tier.HIGH)
    needed = relevance[theirs] >= NEEDED
    rivals = {
        int(row): theirs[needed | (table.pooled[theirs] @ table.pooled[row] >= NEAR)]
        for row in np.flatnonzero(low)
    }
    return Deference(low, rivals)
