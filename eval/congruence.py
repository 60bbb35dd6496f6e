"""Do two index adapters give the same answers on the same data?"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np

from eval.datasets.model import Conversation
from eval.datasets.turns import turn
from memory.encoders import Encoder
from memory.scope import Scope
from memory.tokens import TokenCounter
from retrieval.evidence.features import featured
from retrieval.index.port import Found, Index, IndexedTurn, Limits
from retrieval.packing.choose import choose
from retrieval.passages.codec import TokenCodec
from retrieval.passages.making import encoded
from retrieval.query.query import Query, views
from retrieval.relevance.model import RelevanceModel

BEST = 50


@dataclass(frozen=True, slots=True)
class Compared:
    """One question put to both: share of the best turns that both have; whether they pack the same spans."""

    overlap: float
    same_context: bool


def compared(
    conversation: Conversation,
    one: Index,
    other: Index,
    encoder: Encoder,
    codec: TokenCodec,
    *,
    budget: int,
) -> Iterator[Compared]:
    """Put every question to both, each when they hold what it may see and no more."""
    scope = Scope("eval", conversation.id)
    model, held = RelevanceModel.shipped(), 0
    turns = _turns(conversation, encoder, codec)
    for asked in sorted(conversation.queries, key=lambda query: query.pool_end):
        new = turns[held : asked.pool_end]
        held = max(held, asked.pool_end)
        if new:
            one.upsert(scope, new)
            other.upsert(scope, new)
        query = Query(asked.text, (), turns[held - 1].at)
        searched = views(query, encoder, codec)
        found = [index.search(scope, searched, Limits()) for index in (one, other)]
        best = [_best(query, each) for each in found]
        packed = [
            {(pick.turn, pick.spans) for pick in choose(query, each, budget, model, explain=False).picks}
            for each in found
        ]
        yield Compared(len(best[0] & best[1]) / max(len(best[0]), 1), packed[0] == packed[1])


def _turns(conversation: Conversation, encoder: Encoder, codec: TokenCodec) -> Sequence[IndexedTurn]:
    counter, numbers = TokenCounter(), count(1)
    sessions = {name: next(numbers) for name in dict.fromkeys(unit.session for unit in conversation.units)}
    said = [turn(unit, place, sessions[unit.session], 0) for place, unit in enumerate(conversation.units)]
    return encoded(said, encoder.encode, counter, codec)


def _best(query: Query, found: Found) -> set[int]:
    """Return the turns with the highest untrained sums."""
    if not len(found.candidates):
        return set()
    turns = featured(query, found)
    order = np.argsort(-turns.base, kind="stable")[:BEST]
    return set(turns.table.key[order].tolist())
