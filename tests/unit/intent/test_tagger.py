import time
from dataclasses import replace

import numpy as np
import pytest

from memory.intent import IntentModel, IntentTagger
from memory.intent.model import shipped
from tests.unit.intent.conftest import DIM, toward

LONG = "a message of quite a few words that tells what all of this is about"


def test_the_label_follows_the_vector(tagger: IntentTagger) -> None:
    """A turn whose vector speaks for a label gets it, with its group."""
    _, tag = tagger.update(None, LONG, "user", toward("emotional_support"))

    assert tag is not None
    assert (tag.label, tag.group, tag.abstained) == ("emotional_support", "affective", False)
    assert 0.5 < tag.confidence <= 1
    assert len(tag.alternatives) == 3


def test_words_count_beside_the_vector(tagger: IntentTagger) -> None:
    """A word that the model knows moves the tag where the vector is silent."""
    silent = np.zeros(DIM, np.float32)

    _, tag = tagger.update(None, "sql for this please", "user", silent)

    assert tag is not None
    assert tag.label == "database_query"


def test_silence_abstains(tagger: IntentTagger) -> None:
    """Where nothing speaks for any label the tagger abstains."""
    _, tag = tagger.update(None, LONG, "user", np.zeros(DIM, np.float32))

    assert tag is not None
    assert tag.abstained


@pytest.mark.parametrize("role", ["assistant", "system", "tool"])
def test_only_users_say_what_they_want(tagger: IntentTagger, role: str) -> None:
    """Turns of others change nothing, and a session without a user turn has no tag."""
    assert tagger.update(None, LONG, role, toward("coding")) == (None, None)
    state, before = tagger.update(None, LONG, "user", toward("writing"))

    same, after = tagger.update(state, LONG, role, toward("coding"))

    assert same is state
    assert after == before


def test_a_change_of_work_opens_a_segment(tagger: IntentTagger) -> None:
    """Two pieces of work in one session are two segments with their places."""
    labels = ["debugging"] * 3 + ["planning"] * 3

    tag = tagger.tag([toward(label) for label in labels], [LONG] * 6, ["user"] * 6)

    assert tag is not None
    assert [(part.first, part.last, part.label) for part in tag.segments] == [
        (0, 2, "debugging"),
        (3, 5, "planning"),
    ]


def test_one_short_aside_opens_no_segment(tagger: IntentTagger) -> None:
    """A short turn about something else is part of the work around it."""
    labels = ["debugging", "debugging", "companionship", "debugging", "debugging"]
    texts = [LONG, LONG, "thanks you", LONG, LONG]

    tag = tagger.tag([toward(label) for label in labels], texts, ["user"] * 5)

    assert tag is not None
    assert [(part.first, part.last) for part in tag.segments] == [(0, 4)]


def test_affective_needs_its_limit(model: IntentModel) -> None:
    """A session is called affective only from the model's limit on."""
    careful = IntentTagger(replace(model, affective=0.9999))

    _, tag = careful.update(None, LONG, "user", toward("emotional_support"))

    assert tag is not None
    assert tag.group != "affective"
    assert tag.label != "emotional_support"


def test_the_tag_has_the_shape_of_the_api(tagger: IntentTagger) -> None:
    """The JSON of a tag has the documented fields."""
    _, tag = tagger.update(None, LONG, "user", toward("coding"))

    assert tag is not None
    assert {"label", "group", "confidence", "alternatives", "abstained"} <= tag.to_json().keys()


def test_a_turn_takes_less_than_a_millisecond() -> None:
    """Beyond the encoder, a turn of ordinary length costs well under a millisecond."""
    tagger = IntentTagger(shipped())
    vector = np.full(384, 384**-0.5, np.float32)
    text = "could you look at this query and tell me why it takes so long? " * 4
    tagger.update(None, text, "user", vector)

    times = []
    for _ in range(50):
        start = time.perf_counter()
        tagger.update(None, text, "user", vector)
        times.append(time.perf_counter() - start)

    assert np.median(times) < 1e-3
