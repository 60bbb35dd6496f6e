"""Questions put to an index that holds what each of them may see, no more."""

import re
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
    """A question with what the index found for it.

    origin: `own`, or why nothing answers it: `foreign` (put to a history that isn't its own), `swapped`
    (asked of the other speaker), `robbed` (its evidence was taken away).
    """

    history: str
    question: Question
    query: Query
    found: Found
    origin: str = "own"


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
    swaps: bool = False,
) -> Iterator[Asked]:
    """Yield every question with its candidates, in the order of what they may see.

    guests: questions of other histories, which nothing here answers. swaps: ask about a speaker's words
    once more with the other speaker's name, where a history has two or more.
    """
    turns = indexed_turns(history, encoded, counter, codec)
    posed = [("own", question) for question in history.questions if question.pool]
    posed += [("foreign", replace(guest, gold=(), also=frozenset(), pool=len(turns))) for guest in guests]
    posed += [("swapped", question) for question in swapped(history)] if swaps else []
    questions = [question for _, question in posed]
    encodings = encoded.encode([question.text for question in questions])
    scope = HotScope(len(encodings[0].pooled), codec.dim)
    held = 0
    for place in sorted(range(len(questions)), key=lambda place: questions[place].pool):
        question = questions[place]
        scope.add(turns[held : question.pool])
        held = max(held, question.pool)
        query = Query(question.text, (), question.at or turns[question.pool - 1].at)
        found = scope.search([view(question.text, encodings[place], codec)], limits, None)
        yield Asked(history.name, question, query, found, posed[place][0])


def swapped(history: History) -> list[Question]:
    """Return questions that name one speaker and have evidence, asked of another: nobody answers them."""
    speakers = {turn.speaker.split()[0] for turn in history.turns if turn.speaker}
    found = []
    for question in history.questions:
        named = [
            name
            for name in sorted(speakers)
            if re.search(rf"\b{re.escape(name)}\b", question.text, re.IGNORECASE)
        ]
        others = sorted(speakers - set(named))
        if len(named) != 1 or not others or not question.gold:
            continue
        other = others[len(question.text) % len(others)]
        text = re.sub(rf"\b{re.escape(named[0])}\b", other, question.text, flags=re.IGNORECASE)
        found.append(replace(question, text=text, gold=(), also=frozenset()))
    return found
