"""How examples weigh in the fit, and the limits that are read off left-out sources."""

import numpy as np

from eval.intents.examples import Example
from eval.intents.fit import balance
from eval.intents.train import affective_limit, unsure_limit
from memory.intent.taxonomy import taxonomy


def test_real_chats_and_small_sources_weigh_more() -> None:
    """A row counts less the more its source has of its label; strangers' chats count most."""
    large = [Example(("x",), "coding", (), "corpus")] * 16
    small = [Example(("x",), "coding", (), "notes")]
    real = [Example(("x",), "coding", (), "chats")]

    weights = balance([*large, *small, *real])

    assert weights[0] < weights[16] < weights[17]
    assert sum(weights[:16]) > weights[16]


def test_the_affective_limit_lets_one_in_a_hundred_through() -> None:
    """By weight, of work that no fair judge would call affective."""
    names = taxonomy().names
    shares = np.zeros((202, len(names)), np.float32)
    shares[:200, names.index("companionship")] = np.arange(200) / 200
    shares[200:, names.index("roleplay")] = 0.999
    examples = [Example(("x",), "coding", (), "a")] * 200
    examples += [Example(("x",), "coding", ("roleplay",), "a"), Example(("x",), "roleplay", (), "a")]
    even = np.ones(202)

    limit = affective_limit(shares, examples, even)
    heavy = affective_limit(shares, examples, np.where(np.arange(202) < 150, 1.0, 0.001))

    assert np.isclose((shares[:200, names.index("companionship")] > limit).mean(), 0.01)
    assert heavy < limit


def test_the_least_sure_quarter_abstains() -> None:
    """A quarter of the weight lies below the limit."""
    shares = np.stack([np.arange(100) / 100, np.zeros(100)], axis=1).astype(np.float32)

    assert np.isclose(unsure_limit(shares, np.ones(100)), 0.25, atol=0.011)
