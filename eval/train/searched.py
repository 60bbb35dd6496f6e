"""Questions put to an index that holds what each of them may see, no more."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from eval.train.encoded import EncodedTexts
from eval.train.evidence import History, Question
from memory.tokens import TokenCounter
from retrieval.embedded.hot import HotScope
from retrieval.finder import RECENT
from retrieval.index.port import Found, IndexedTurn, Limits
from retrieval.passages.codec import TokenCodec
from retrieval.passages.making import indexed, searched_text, spans_of
from retrieval.query.query import Query, said_text, view

# Of the questions that no turn of the conversation asks, one in so many is asked after unrelated turns.
_ASIDE = 4


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
    recents: bool = False,
) -> Iterator[Asked]:
    """Yield every question with its candidates, in the order of what they may see.

    guests: questions of other histories, which nothing here answers. swaps: ask about a speaker's words
    once more with the other speaker's name, where a history has two or more. recents: ask once more
    with what was said just before, where that is known.
    """
    turns = indexed_turns(history, encoded, counter, codec)
    posed = [("own", replace(question, recent=())) for question in history.questions if question.pool]
    if recents:
        posed += [("own", question) for question in continued(history)]
    posed += [("foreign", replace(guest, gold=(), also=frozenset(), pool=len(turns))) for guest in guests]
    posed += [("swapped", question) for question in swapped(history)] if swaps else []
    questions = [question for _, question in posed]
    encodings = encoded.encode([question.text for question in questions])
    said = [said_text(question.recent) for question in questions if question.recent]
    before = dict(zip(said, encoded.encode(said), strict=True)) if said else {}
    scope = HotScope(len(encodings[0].pooled), codec.dim)
    held = 0
    for place in sorted(range(len(questions)), key=lambda place: questions[place].pool):
        question = questions[place]
        scope.add(turns[held : question.pool])
        held = max(held, question.pool)
        query = Query(question.text, question.recent, question.at or turns[question.pool - 1].at)
        searched = [view(question.text, encodings[place], codec)]
        if question.recent:
            text = said_text(question.recent)
            searched.append(view(text, before[text], codec))
        found = scope.search(searched, limits, None)
        yield Asked(history.name, question, query, found, posed[place][0])


def continued(history: History) -> list[Question]:
    """Return questions with what was said just before them.

    That is known where the query is itself a turn. Some of the others are asked as if the newest session
    still went on, which most of them have nothing to do with: what was just said may well not matter. Their
    kind is `aside`.
    """
    turns = history.turns
    found = []
    for place, question in enumerate(history.questions):
        if question.recent:
            found.append(question)
        elif question.pool and place % _ASIDE == 0:
            last = turns[question.pool - 1].session
            said = [
                turn.content
                for turn in turns[max(question.pool - RECENT, 0) : question.pool]
                if turn.session == last
            ]
            found.append(replace(question, kind="aside", recent=tuple(said)))
    return found


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
        found.append(replace(question, text=text, gold=(), also=frozenset(), recent=()))
    return found
