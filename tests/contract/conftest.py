"""Turns for an index, made with the default encoder."""

import pytest

from memory.encoders import OnnxEncoder
from memory.scope import Scope
from memory.tokens import TokenCounter
from retrieval.index.port import IndexedTurn, QueryView
from retrieval.passages.codec import default_codec
from retrieval.passages.making import indexed, searched_text, spans_of, unencoded
from retrieval.query.query import Query, views
from tests.helpers import a_turn

ADA = Scope("acme", "ada")
BOB = Scope("acme", "bob")
CODEC = default_codec(384)
TEXTS = [
    "The launch moved to 14 May.",
    "Error NX-4471 came up again in the importer.",
    "My sister Ines is allergic to peanuts.",
    "We use PostgreSQL for the ledger.",
]


class Maker:
    """Makes indexed turns and views with the default encoder."""

    def __init__(self, encoder: OnnxEncoder, counter: TokenCounter) -> None:
        self.encoder = encoder
        self.counter = counter

    def turn(self, text: str, key: int, session: int = 1) -> IndexedTurn:
        turn = a_turn(text, turn=key, session=session, seq=key)
        spans = spans_of(turn)
        texts = [searched_text(turn, span) for span in spans]
        return indexed(turn, spans, self.encoder.encode(texts), self.counter, CODEC)

    def bare(self, text: str, key: int) -> IndexedTurn:
        return unencoded(a_turn(text, turn=key, seq=key), 384, self.counter, CODEC)

    def views(self, text: str) -> list[QueryView]:
        return views(Query(text), self.encoder, CODEC)


@pytest.fixture(scope="module")
def maker(encoder: OnnxEncoder, counter: TokenCounter) -> Maker:
    """Turns and views."""
    return Maker(encoder, counter)
