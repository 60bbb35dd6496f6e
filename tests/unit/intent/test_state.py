import json

import pytest

from memory.errors import CorruptFileError
from memory.intent import IntentTagger, SessionState
from memory.intent.state import turn_weight
from tests.unit.intent.conftest import toward


def test_a_state_survives_json(tagger: IntentTagger) -> None:
    """What a ledger row keeps gives the same tag as what was in memory."""
    state, _ = tagger.update(None, "plan my week please", "user", toward("planning"))
    state, _ = tagger.update(state, "and why does this crash with an error?", "user", toward("debugging"))
    assert state is not None

    again = SessionState.from_json(json.loads(json.dumps(state.to_json())))

    assert again.turns == 2
    assert tagger.judge(again).label == tagger.judge(state).label
    assert tagger.judge(again).confidence == pytest.approx(tagger.judge(state).confidence, abs=1e-3)


@pytest.mark.parametrize(
    "raw", [{}, {"v": 99}, {"v": 1, "turns": "many"}, {"v": 1, "turns": 1, "whole": None}]
)
def test_foreign_states_are_refused(raw: dict[str, object]) -> None:
    """A state that this version didn't write is an error, not a guess."""
    with pytest.raises(CorruptFileError):
        SessionState.from_json(raw)


def test_states_stay_small(tagger: IntentTagger) -> None:
    """However long a session is, its row stays small."""
    state = None
    for place in range(400):
        label = ("planning", "debugging")[place % 2]
        text = "a turn of quite a few words that says what it is about and more"
        state, _ = tagger.update(state, text, "user", toward(label))
    assert state is not None

    assert len(state.segments) <= 12
    assert len(json.dumps(state.to_json())) < 4096


def test_first_and_full_turns_weigh_more() -> None:
    """A word of thanks says little, the opening message most."""
    full = "please write a letter to my landlord about the heating that fails"

    assert turn_weight("ok", first=False) < 0.3
    assert turn_weight(full, first=False) == 1
    assert turn_weight(full, first=True) == 1.5
