"""Choosing with the shipped model: what is found, why, and what is said of it."""

from pathlib import Path

import numpy as np
import pytest

from memory.errors import CorruptFileError, SetupError
from retrieval.index.port import Limits
from retrieval.packing.choose import choose, rank
from retrieval.query.query import Query, view
from retrieval.relevance.model import RelevanceModel
from tests.searching import CODEC, Said, ask, encoding, memory

MODEL = RelevanceModel.shipped()
TALK = [
    Said("The invoice NX-4471 was paid on Friday", day=1),
    Said("Thanks, noted", role="assistant", day=1),
    Said("We should repaint the kitchen in a pale green", session=2, day=30),
    Said("Pale green it is, two coats", session=2, role="assistant", day=30),
    *(
        Said(f"Unrelated remark number {n} about weather and trains", session=3 + n, day=60 + n)
        for n in range(20)
    ),
]


def test_an_exact_identifier_is_found_and_named() -> None:
    choice = choose(*ask("what about NX-4471?", TALK), 512, MODEL)
    assert choice.picks[0].turn == 1
    assert choice.picks[0].reason == "names *NX-4471*"


def test_the_ranking_puts_the_answer_first() -> None:
    ranked = rank(*ask("which colour for the kitchen, pale green?", TALK), MODEL)
    assert {row.turn for row in ranked[:2]} == {3, 4}
    assert [row.relevance for row in ranked] == sorted((row.relevance for row in ranked), reverse=True)


def test_every_candidate_is_explained() -> None:
    query, found = ask("kitchen colour", TALK)
    choice = choose(query, found, 128, MODEL)
    assert {entry.turn for entry in choice.considered} == set(found.candidates.turn.tolist())
    assert {entry.turn for entry in choice.considered if entry.packed} == {pick.turn for pick in choice.picks}
    assert all(entry.why for entry in choice.considered)


def test_the_report_expects_more_of_a_larger_context() -> None:
    asked = ask("kitchen colour", TALK)
    small, large = (choose(*asked, budget, MODEL).quality for budget in (90, 2048))
    assert small.expected_recall < large.expected_recall
    assert 0 <= large.sufficient <= 1


def test_what_the_memory_never_heard_of_is_less_likely_sufficient() -> None:
    known = choose(*ask("was the invoice NX-4471 paid on Friday?", TALK), 512, MODEL).quality
    unknown = choose(*ask("how did Zoltan like the opera in Vienna?", TALK), 512, MODEL).quality
    assert unknown.sufficient < known.sufficient


def test_an_empty_memory_abstains() -> None:
    text = "anything"
    found = memory([]).search([view(text, encoding(text), CODEC)], Limits(), None)
    choice = choose(Query(text), found, 512, MODEL)
    assert choice.picks == ()
    assert choice.quality.abstained


def test_a_floor_that_nothing_reaches_abstains() -> None:
    choice = choose(*ask("kitchen colour", TALK), 512, MODEL, min_relevance=1.0)
    assert choice.quality.abstained
    assert not choice.picks


def test_it_is_the_same_every_time() -> None:
    asked = ask("kitchen colour", TALK)
    assert choose(*asked, 512, MODEL) == choose(*asked, 512, MODEL)


def test_recent_turns_count() -> None:
    with_recent = rank(*ask("and how many coats?", TALK, recent="the pale green kitchen"), MODEL)
    assert with_recent[0].turn in {3, 4}


def test_recent_turns_do_not_outshout_the_question() -> None:
    aside = TALK[-1].text
    alone = rank(*ask("was the invoice NX-4471 paid?", TALK), MODEL)
    after = rank(*ask("which colour for the kitchen, pale green?", TALK, recent=aside), MODEL)
    assert {row.turn for row in after[:2]} == {3, 4}
    assert rank(*ask("was the invoice NX-4471 paid?", TALK, recent=aside), MODEL)[0].turn == alone[0].turn


def test_a_damaged_model_is_refused() -> None:
    with pytest.raises(CorruptFileError):
        RelevanceModel({"format": np.array([1])}, "damaged")


def test_a_missing_model_is_refused() -> None:
    with pytest.raises(SetupError):
        RelevanceModel.load(Path("nowhere.npz"))
