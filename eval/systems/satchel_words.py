"""Satchel while its index is away: what a user gets during an outage."""

import logging
from collections.abc import Iterator
from contextlib import closing, contextmanager

import structlog

from eval.datasets.model import Query
from eval.systems.port import Delivered, Means
from eval.systems.satchel import Satchel
from memory.errors import UnavailableError
from retrieval.finder import Finder
from retrieval.index.guarded import GuardedIndex
from retrieval.index.late import LateIndex
from retrieval.index.port import Index
from retrieval.passages.codec import default_codec


class SatchelWords(Satchel):
    """The service with an index that doesn't answer: the ledger is searched, by words alone.

    Everything after the search, the relevance model too, is the service's own. The search takes what it
    can read in a tenth of a second, newest first, so on a slow or busy machine it finds less.
    """

    name = "satchel-words"

    def __init__(self, means: Means) -> None:
        """Open a service, and ask it over the index that is away."""
        super().__init__(means)
        services = self._services
        away = self._stack.enter_context(
            closing(GuardedIndex(LateIndex(services.index.settings, _no_answer)))
        )
        self._finder = Finder(
            services.ledger,
            away,
            means.encoder,
            default_codec(means.encoder.dim),
            services.counter,
            repair=services.repair,
        )
        self._answer_by(self._model)

    def context(self, query: Query, max_tokens: int) -> Delivered:
        """Return what `POST /v1/context` would during an outage."""
        with _unwarned():
            return super().context(query, max_tokens)

    def ranking(self, query: Query, k: int) -> list[str]:
        """Return what `POST /v1/search` would during an outage."""
        with _unwarned():
            return super().ranking(query, k)


def _no_answer() -> Index:
    raise UnavailableError("the index was taken away")


@contextmanager
def _unwarned() -> Iterator[None]:
    """Keep warnings off the screen: every answer is degraded here, and would say so."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    try:
        yield
    finally:
        structlog.configure(**before)
