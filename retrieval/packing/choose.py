"""Choosing context: from candidates to what goes into the budget, why, and how good it is."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from memory.trust import Tier
from retrieval.evidence.features import Featured, featured
from retrieval.index.port import Found
from retrieval.packing.deference import deference
from retrieval.packing.packing import MIN_RELEVANCE, NOTHING, Packing, pack
from retrieval.packing.reasons import Reasons
from retrieval.query.query import Query
from retrieval.relevance.known import asks_nothing, leans_back, nothing_near
from retrieval.relevance.model import RelevanceModel, Scored
from retrieval.relevance.quality import Quality, nothing, quality

# Turns below which a memory is too small for its candidates to stand out from each other.
_FEW = 64


@dataclass(frozen=True, slots=True)
class Pick:
    """A turn that goes into the context.

    spans: None = the whole turn, else characters of its excerpts, ascending. relevance: calibrated
    probability that it is needed. tokens: what it adds to the context, estimated. reason: for a person.
    """

    turn: int
    spans: tuple[tuple[int, int], ...] | None
    relevance: float
    tokens: int
    reason: str


@dataclass(frozen=True, slots=True)
class Considered:
    """A candidate turn and what became of it. scores: what spoke for it. why: in or out, in words."""

    turn: int
    relevance: float
    packed: bool
    why: str
    scores: dict[str, float]


@dataclass(frozen=True, slots=True)
class Choice:
    """The context: picks, best first; the quality report; every candidate for `explain`, best first."""

    picks: tuple[Pick, ...]
    quality: Quality
    considered: tuple[Considered, ...]


@dataclass(frozen=True, slots=True)
class Ranked:
    """A candidate turn by relevance. scores: what spoke for it."""

    turn: int
    relevance: float
    scores: dict[str, float]


def rank(
    query: Query, found: Found, model: RelevanceModel, *, tiers: Mapping[int, Tier] | None = None
) -> list[Ranked]:
    """Return every candidate turn, best first; those that have the query's identifiers before others.

    Who searches for a ticket number wants the turn that has it, however alike its neighbours are. tiers:
    of turns whose role doesn't tell; those of low trust stand behind what the user said.
    """
    if not len(found.candidates):
        return []
    turns = featured(query, found)
    scored = model.score(turns)
    ways = deference(turns.table, scored.relevance, tiers or {})
    scored = ways.scored(scored)
    named = ways.capped(turns.matches.identifiers)
    order = sorted(scored.order.tolist(), key=lambda row: -float(named[row]))
    return [
        Ranked(int(turns.table.key[row]), float(scored.relevance[row]), _scores(turns, scored, row))
        for row in order
    ]


def choose(
    query: Query,
    found: Found,
    budget: int,
    model: RelevanceModel,
    *,
    min_relevance: float | None = None,
    pinned: Collection[int] = (),
    excluded: Collection[int] = (),
    tiers: Mapping[int, Tier] | None = None,
    explain: bool = True,
) -> Choice:
    """Return what fits into `budget` tokens, as rendered, of what the query needs.

    min_relevance: nothing less likely to be needed is packed, 0 to 1; without it, nothing at all where
    memory seems to have nothing on what is asked. pinned: turns packed first, newest first. excluded:
    turns never packed. tiers: of turns whose role doesn't tell, by number. explain: fill `considered`.
    """
    if not len(found.candidates):
        return Choice((), nothing(model), ())
    turns = featured(query, found)
    scored = model.score(turns)
    ways = deference(turns.table, scored.relevance, tiers or {})
    scored = ways.scored(scored)
    order = scored.order
    least = floor(query, turns, scored, model, found.size) if min_relevance is None else min_relevance
    packing = pack(
        turns,
        scored,
        found.candidates,
        budget,
        floor=least,
        pinned=pinned,
        excluded=excluded,
        deference=ways,
    )
    reasons = Reasons(turns, order)
    rows = np.array([packed.row for packed in packing.packed], np.int64)
    report = quality(model, turns, scored, rows) if len(rows) else nothing(model)
    picks = tuple(
        Pick(
            turn=int(turns.table.key[packed.row]),
            spans=packed.spans,
            relevance=float(scored.relevance[packed.row]),
            tokens=packed.tokens,
            reason="among the latest turns"
            if turns.table.key[packed.row] in pinned
            else reasons.of(packed.row),
        )
        for packed in packing.packed
    )
    return Choice(picks, report, _considered(turns, scored, order, packing) if explain else ())


def floor(query: Query, turns: Featured, scored: Scored, model: RelevanceModel, size: int) -> float:
    """Return the relevance below which nothing is packed: `NOTHING` where memory had better be silent.

    What names exactly something that memory has is never met with silence, nor what leans on the turns
    just before. size: turns of the scope; among few, how far the best stands out says little, and silence
    takes plainer evidence.
    """
    if asks_nothing(query, turns):
        return NOTHING
    heard = turns.matches.identifiers.any() or leans_back(query, turns)
    heard = heard or (size < _FEW and not nothing_near(turns))
    return NOTHING if model.silent(scored) and not heard else MIN_RELEVANCE


def _considered(
    turns: Featured, scored: Scored, order: np.ndarray, packing: Packing
) -> tuple[Considered, ...]:
    packed = {entry.row for entry in packing.packed}
    return tuple(
        Considered(
            int(turns.table.key[row]),
            float(scored.relevance[row]),
            int(row) in packed,
            "packed" if int(row) in packed else packing.left_out[int(row)],
            _scores(turns, scored, int(row)),
        )
        for row in order
    )


def _scores(turns: Featured, scored: Scored, row: int) -> dict[str, float]:
    table = turns.table
    return {
        "score": round(float(scored.score[row]), 4),
        "dense": round(float(table.dense[row, 0]), 4),
        "lexical": round(float(table.lexical[row, 0]), 4),
        "token_level": round(float(table.maxsim[row, 0]), 4),
        "coverage": round(float(table.coverage[row, 0]), 4),
    }
