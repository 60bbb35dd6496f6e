"""Lexical search straight from the ledger, for when the index doesn't answer: newest first, in bounded time.

First the contents are read, newest first, and looked through for the query's words as they stand; then
the turns that have the most, and the rarest, are searched as the index would search them by their words.
"""

import time
from collections.abc import Iterable, Sequence
from heapq import nlargest
from math import log1p

from memory.ledger import Ledger, turns
from memory.scope import Scope
from memory.tokens import TokenCounter
from memory.turns import Turn
from retrieval.embedded.hot import HotScope
from retrieval.index.port import Found, IndexedTurn, Limits, QueryView
from retrieval.passages.codec import TokenCodec
from retrieval.passages.making import unencoded
from retrieval.passages.terms import terms
from retrieval.query.query import Query

# Seconds for reading, and then for preparing what was chosen. Whoever waits has waited for the index.
_READING = 0.06
_PREPARING = 0.04

# So many are read whatever it takes.
_ALWAYS = 100

_CHOSEN = 120
_NEWEST = 10

# Characters: words shorter than these are in every turn, and a longer turn takes longer than all others.
_SHORTEST = 3
_LONGEST = 16_384


class LedgerSearch:
    """Finds turns by their words alone; dense and token scores follow from the words they share."""

    def __init__(self, ledger: Ledger, counter: TokenCounter, codec: TokenCodec, limits: Limits) -> None:
        self._ledger = ledger
        self._counter = counter
        self._codec = codec
        self._limits = limits

    def __call__(
        self, scope: Scope, query: Query, views: Sequence[QueryView], *, session: int | None
    ) -> Found:
        """Return what BM25 finds among the user's newest turns, as many as time allows."""
        dim = len(views[0].pooled)
        with self._ledger.reading(scope.tenant) as tx:
            until = time.perf_counter() + _READING
            chosen = _best(turns.newest(tx, scope, session), _needles(query), until)
        ready = self._prepared(chosen, dim)
        hot = HotScope(dim, self._codec.dim)
        hot.add(sorted(ready, key=lambda turn: turn.key))
        return hot.search(views, self._limits, session)

    def _prepared(self, chosen: Sequence[Turn], dim: int) -> list[IndexedTurn]:
        until = time.perf_counter() + _PREPARING
        ready: list[IndexedTurn] = []
        for turn in chosen:
            if ready and time.perf_counter() > until:
                break
            ready.append(unencoded(turn, dim, self._counter, self._codec))
        return ready


def _needles(query: Query) -> list[str]:
    """Return what to look for as it stands: stems, cut where the stemmer changed a letter (`happi`)."""
    asked = {term.rstrip("i") for text in (query.text, *query.recent) for term in terms(text)}
    return sorted(needle for needle in asked if len(needle) >= _SHORTEST)


def _best(told: Iterable[Turn], needles: Sequence[str], until: float) -> list[Turn]:
    """Return the turns that have most of what is looked for, weighed by rarity, and the newest."""
    newest: list[Turn] = []
    holding: list[tuple[Turn, list[int]]] = []
    counts = [0] * len(needles)
    read = 0
    for turn in told:
        read += 1
        if len(turn.content) <= _LONGEST:
            if len(newest) < _NEWEST:
                newest.append(turn)
            text = turn.content.lower()
            held = [place for place, needle in enumerate(needles) if needle in text]
            if held:
                holding.append((turn, held))
            for place in held:
                counts[place] += 1
        if read % _ALWAYS == 0 and time.perf_counter() > until:
            break
    weights = [log1p((read - count + 0.5) / (count + 0.5)) for count in counts]
    best = nlargest(_CHOSEN, holding, key=lambda entry: sum(weights[place] for place in entry[1]))
    return list({turn.id: turn for turn in [turn for turn, _ in best] + newest}.values())
