"""How examples weigh in the fit, and the limits that are read off left-out sources."""

import numpy as np

from eval.intents.examples import YOURS, Example
from eval.intents.fit import balance
from eval.intents.train import affective_limit, unsure_limit
from memory.intent.taxonomy import taxonomy


def test_real_chats_and_small_sources_weigh_more() -> None:
    """A row counts less the more its source has of its label; strangers' messages count most."""
    large = [Example(("x",), "coding", (), "corpus")] * 16
    small = [Example(("x",), "coding", (), "notes")]
    real = [Example(("x",), "coding", (), name) for name in ("seeds", "asides", "chats")]

    weights = balance([*large, *small, *real])

    assert weights[0] < weights[16] < weights[17] < weights[18] < weights[19]
    assert sum(weights[:16]) > weights[16]


def test_labels_of_ones_own_weigh_as_real_chats_do() -> None:
    """However the file is called."""
    rows = [Example(("x",), "coding", (), name) for name in (f"{YOURS}seeds", "chats", "corpus")]

    mine, real, other = balance(rows)

    assert mine == real > other


def test_the_affective_limit_lets_one_in_a_hundred_through() -> None:
    """Of work that no fair judge would call affective; each source counts alike."""
    names = taxonomy().names
    shares = np.zeros((202, len(names)), np.float32)
    shares[:200, names.index("companionship")] = np.arange(200) / 200
    shares[200:, names.index("roleplay")] = 0.999
    examples = [Example(("x",), "coding", (), "a")] * 200
    examples += [Example(("x",), "coding", ("roleplay",), "a"), Example(("x",), "roleplay", (), "a")]
    calm = [Example(("x",), "coding", (), "b")] * 2
    none = np.zeros((2, len(names)), np.float32)

    limit = affective_limit(shares, examples)
    with_calm = affective_limit(np.vstack([shares, none]), [*examples, *calm])

    assert np.isclose((shares[:200, names.index("companionship")] > limit).mean(), 0.01)
    assert np.isclose((shares[:200, names.index("companionship")] > with_calm).mean(), 0.02, atol=0.006)


def test_the_least_sure_quarter_abstains() -> None:
    """A quarter of the weight lies below the limit."""
    shares = np.stack([np.arange(100) / 100, np.zeros(100)], axis=1).astype(np.float32)

    assert np.isclose(unsure_limit(shares, np.ones(100)), 0.25, atol=0.011)
