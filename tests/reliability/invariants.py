"""What holds in every state of rest, as plain functions: after a crash, a restart, a random history."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from api.services import Services, open_services
from api.settings import Settings
from api.stores import DEFAULT_TENANT
from memory.encoders import Encoder
from memory.ledger import turns
from memory.scope import Scope
from retrieval.index.port import Limits, QueryView
from retrieval.passages.codec import default_codec

# More than any scope of these tests holds: a search by nothing that returns everything.
_ALL = Limits(dense=1 << 20, lexical=0, newest=1 << 20)


def assert_index_is_ledger(data: Path, users: Sequence[str], encoder: Encoder | None = None) -> None:
    """Open the data folder and demand that, once the queue is empty, the index is what the ledger says."""
    with open_services(Settings(data=data), encoder=encoder) as services:
        services.drain()
        for user in users:
            assert_same_turns(services, Scope(DEFAULT_TENANT, user))


def assert_same_turns(services: Services, scope: Scope) -> None:
    """The index has each turn that the ledger has of a user, no other, and vectors for each passage."""
    with services.ledger.reading(scope.tenant) as tx:
        kept = {turn.id for turn in turns.stream(tx, scope)}
    view = any_view(services.index.settings.dim)
    found = services.index.search(scope, [view], _ALL)
    assert found.size == len(kept)
    assert set(found.candidates.turn) == kept
    rows = list(zip(found.candidates.turn, found.candidates.passage, strict=True))
    assert len(rows) == len(set(rows)), "a passage is there twice"
    lengths = np.linalg.norm(found.candidates.pooled, axis=1)
    assert np.allclose(lengths, 1, atol=1e-2), "a passage without vectors"


def any_view(dim: int) -> QueryView:
    """Return a query that asks for nothing in particular."""
    tokens = np.ones((1, default_codec(dim).dim), np.float32)
    return QueryView(np.ones(dim, np.float32), tokens, np.zeros(0, np.uint64), np.full(1, -1, np.int64))
