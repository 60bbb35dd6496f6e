"""A memory keeps silent where nothing is asked of it, and never where it is named exactly."""

import numpy as np
import pytest

from retrieval.evidence.features import featured
from retrieval.packing.choose import choose, floor
from retrieval.packing.packing import MIN_RELEVANCE, NOTHING
from retrieval.passages.terms import terms
from retrieval.query.content import has_content
from retrieval.relevance.known import INPUTS, asks_nothing, known_inputs, leans_back
from retrieval.relevance.model import RelevanceModel, Scored
from tests.searching import Said, ask

MODEL = RelevanceModel.shipped()
TALK = [
    Said("The invoice NX-4471 was paid on Friday", speaker="Ann"),
    Said("We should repaint the kitchen in a pale green", session=2, day=30, speaker="Bob"),
    *(Said(f"Remark number {n} about weather and trains", session=3 + n, day=60 + n) for n in range(20)),
]


def least(text: str, known: float, recent: str | None = None, size: int = 1000) -> float:
    query, found = ask(text, TALK, recent=recent)
    turns = featured(query, found)
    nothing = np.zeros(len(turns.table), np.float32)
    return floor(query, turns, Scored(nothing, nothing, known), MODEL, size)


@pytest.mark.parametrize("text", ["thanks!", "ok", "Hello!", "yes", "?", "great, thank you so much", "🙂"])
def test_nothing_is_looked_up_where_nothing_is_asked(text: str) -> None:
    query, found = ask(text, TALK)
    assert asks_nothing(query, featured(query, found))
    assert choose(query, found, 512, MODEL).quality.abstained


@pytest.mark.parametrize("text", ["the kitchen?", "NX-4471", "do it again", "昨日の会議", "and Bob?"])
def test_a_word_to_look_up_is_asked(text: str) -> None:
    query, found = ask(text, TALK)
    assert not asks_nothing(query, featured(query, found))


def test_after_other_turns_a_bare_order_leans_on_them_and_thanks_do_not() -> None:
    query, found = ask("go on", TALK, recent="paint the kitchen green")
    assert not asks_nothing(query, featured(query, found))
    assert leans_back(query, featured(query, found))
    query, found = ask("thanks!", TALK, recent="paint the kitchen green")
    assert asks_nothing(query, featured(query, found))


def test_what_memory_knows_nothing_of_is_met_with_silence() -> None:
    assert least("how was the opera in Vienna?", known=0.999) == MIN_RELEVANCE
    assert least("how was the opera in Vienna?", known=0.0) == NOTHING


def test_a_small_memory_needs_plainer_evidence_to_be_silent() -> None:
    assert least("who painted the scullery?", known=0.0, size=22) == MIN_RELEVANCE
    assert least("who repainted the kitchen?", known=0.0, size=22) == MIN_RELEVANCE
    assert least("who repainted the kitchen?", known=0.0) == NOTHING


def test_an_exact_name_that_memory_has_is_never_met_with_silence() -> None:
    assert least("anything on NX-4471 by chance?", known=0.0) == MIN_RELEVANCE
    assert least("anything on NX-9999 by chance?", known=0.0) == NOTHING


def test_a_brief_turn_after_others_is_not_met_with_silence() -> None:
    assert least("fix the second one", known=0.0, recent="two walls to paint") == MIN_RELEVANCE
    assert least("fix the second one", known=0.0) == NOTHING


def test_who_says_how_relevant_it_must_be_gets_it() -> None:
    asked = ask("thanks!", TALK)
    assert choose(*asked, 512, MODEL, min_relevance=0).picks


def test_its_inputs_are_finite_for_any_memory() -> None:
    for talk in (TALK, TALK[:1]):
        inputs = known_inputs(featured(*ask("what did Ann say about the kitchen in Vienna?", talk)))
        assert inputs.shape == (len(INPUTS),)
        assert np.isfinite(inputs).all()


def test_what_nobody_mentioned_is_unseen() -> None:
    place = INPUTS.index("content unseen")
    seen, unseen = (
        known_inputs(featured(*ask(text, TALK)))[place]
        for text in ("the green kitchen", "the opera in Vienna")
    )
    assert seen == 0
    assert unseen == 1


def test_function_words_say_nothing() -> None:
    assert not any(has_content(term) for term in terms("What did you do with that? I don't know, thanks"))
    assert all(has_content(term) for term in terms("kitchen NX-4471 Vienna paint"))
