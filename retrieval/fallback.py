"""Lexical search straight from the ledger, for when the index doesn't answer."""

from collections.abc import Sequence

from memory.ledger import Ledger, turns
from memory.scope import Scope
from memory.tokens import TokenCounter
from retrieval.codec import TokenCodec
from retrieval.embedded.hot import HotScope
from retrieval.index import Found, Limits, QueryView
from retrieval.passages import unencoded


def search_ledger(
    ledger: Ledger,
    scope: Scope,
    views: Sequence[QueryView],
    limits: Limits,
    *,
    session: int | None,
    counter: TokenCounter,
    codec: TokenCodec,
) -> Found:
    """Return what BM25 finds in the user's turns; dense and token scores follow from the shared words."""
    dim = len(views[0].pooled)
    hot = HotScope(dim, codec.dim)
    with ledger.reading(scope.tenant) as tx:
        hot.add([unencoded(turn, dim, counter, codec) for turn in turns.stream(tx, scope)])
    return hot.search(views, limits, session)
