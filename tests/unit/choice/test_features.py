"""Features mean the same whatever the size of the memory and the scale of the scores."""

import numpy as np

from retrieval.evidence.features import Featured, featured
from retrieval.evidence.matches import Matches
from retrieval.passages.traits import Trait, speaker_code, traits
from retrieval.query.kinds import KINDS, kinds
from tests.searching import Said, ask

TALK = [
    Said("I adopted a grey cat", speaker="Ann", day=0),
    Said("What did you call the cat?", speaker="Bob", day=0),
    Said("Her name is Misty", speaker="Ann", day=0),
    Said("I bought a bicycle", session=2, speaker="Bob", day=40),
]


def column(turns: Featured, name: str) -> dict[int, float]:
    values = turns.values[:, turns.names.index(name)]
    return {int(key): float(value) for key, value in zip(turns.table.key, values, strict=True)}


def test_every_value_is_finite_and_names_are_unique() -> None:
    turns = featured(*ask("what is Ann's cat called?", TALK))
    assert np.isfinite(turns.values).all()
    assert len(set(turns.names)) == len(turns.names) == turns.values.shape[1]


def test_one_turn_alone_has_finite_features() -> None:
    assert np.isfinite(featured(*ask("cat", TALK[:1])).values).all()


def test_a_neighbour_lends_its_score() -> None:
    turns = featured(*ask("what did you call the cat", TALK))
    assert column(turns, "before")[3] > column(turns, "before")[4]
    assert column(turns, "before")[4] < 0


def test_the_named_speaker_is_told_from_the_other() -> None:
    turns = featured(*ask("what did Ann adopt?", TALK))
    assert column(turns, "speaker named") == {1: 1, 2: 0, 3: 1, 4: 0}
    assert column(turns, "other named") == {1: 0, 2: 1, 3: 0, 4: 1}


def test_a_date_in_the_query_points_at_its_turns() -> None:
    turns = featured(*ask("what happened on 24 December 2023?", TALK))  # day 40
    inside = column(turns, "in time")
    assert inside[4] > inside[1]


def test_a_later_turn_on_the_same_thing_shows() -> None:
    turns = featured(
        *ask("launch date", [Said("launch date is 3 May"), Said("launch date is 9 May", session=2)])
    )
    assert column(turns, "said again later")[1] > column(turns, "said again later")[2]


def test_kinds_tell_a_question_from_an_order() -> None:
    asked = dict(zip(KINDS, kinds("When did we last meet?").tolist(), strict=True))
    ordered = dict(zip(KINDS, kinds("Please draft the summary.").tolist(), strict=True))
    assert asked["question"] == asked["when"] == 1
    assert ordered["question"] == 0
    assert ordered["order"] == 1


def test_identifiers_are_told_from_words_and_dates() -> None:
    _, found = ask("is NX-4471 from 2023 red?", [Said("NX-4471 is here"), Said("red in 2023")])
    matches = Matches("is NX-4471 from 2023 red?", found.candidates.matched)
    assert matches.identifiers.tolist() == [1, 0]
    assert matches.exact(0) == ["NX-4471"]
    assert matches.exact(1) == []


def test_traits_say_what_kind_of_text_it_is() -> None:
    assert traits("Thanks, see you tomorrow?") & Trait.CHATTER
    assert traits("Actually the launch moved to 9 May") & Trait.CHANGE
    assert not traits("plain words") & (Trait.NUMBER | Trait.ASKS | Trait.CODE)
    assert speaker_code(None) == 0
    assert speaker_code("Ann") == speaker_code("ann Smith") != speaker_code("Bob")
