"""Questions put to an index that holds what each of them may see, no more."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from eval.train.encoded import EncodedTexts
from eval.train.evidence import History, Question
from memory.tokens import TokenCounter
from retrieval.codec import TokenCodec
from retrieval.embedded.hot import HotScope
from retrieval.index import Found, IndexedTurn, Limits
from retrieval.passages import indexed, searched_text, spans_of
from retrieval.query import Query, view


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with what the index found for it. foreign: put to a history that isn't its own."""

    history: str
    question: Question
    query: Query
    found: Found
    foreign: bool = False


def indexed_turns(
    history: History, encoded: EncodedTexts, counter: TokenCounter, codec: TokenCodec
) -> list[IndexedTurn]:
    """Return the turns of a history as the index keeps them."""
    spans = [spans_of(turn) for turn in history.turns]
    texts = [
        searched_text(turn, span) for turn, own in zip(history.turns, spans, strict=True) for span in own
    ]
    encodings = iter(encoded.encode(texts))
    return [
        indexed(turn, own, [next(encodings) for _ in own], counter, codec)
        for turn, own in zip(history.turns, spans, strict=True)
    ]


def asked(
    history: History,
    encoded: EncodedTexts,
    counter: TokenCounter,
    codec: TokenCodec,
    limits: Limits,
    *,
    guests: Sequence[Question] = (),
) -> Iterator[Asked]:
    """Yield every question with its candidates, in the order of what they may see.

    guests: questions of other histories, which nothing here answers.
    """
    turns = indexed_turns(history, encoded, counter, codec)
    strangers = [replace(guest, gold=(), also=frozenset(), pool=len(turns)) for guest in guests]
    own = [question for question in history.questions if question.pool]
    questions = [*own, *strangers]
    encodings = encoded.encode([question.text for question in questions])
    scope = HotScope(len(encodings[0].pooled), codec.dim)
    held = 0
    for place in sorted(range(len(questions)), key=lambda place: questions[place].pool):
        question = questions[place]
        scope.add(turns[held : question.pool])
        held = max(held, question.pool)
        query = Query(question.text, (), question.at or turns[question.pool - 1].at)
        found = scope.search([view(question.text, encodings[place], codec)], limits, None)
        yield Asked(history.name, question, query, found, foreign=place >= len(own))
