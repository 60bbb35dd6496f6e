"""The baselines, and the packing that they share."""

from pathlib import Path

import numpy as np
import pytest

from eval.cache import CachedEncoder
from eval.systems import Means, System, make, names
from eval.systems.bm25 import Bm25
from eval.systems.packing import Packer
from memory.errors import InvalidInputError
from memory.tokens import TokenCounter
from tests.unit.eval.fakes import HashEncoder
from tests.unit.eval.samples import QUERIES, UNITS

COUNTER = TokenCounter()
BASELINES = ["newest", "random", "bm25", "dense", "rrf"]


@pytest.fixture
def means(tmp_path: Path) -> Means:
    """Return what systems are made with."""
    return Means(CachedEncoder(HashEncoder(), tmp_path), COUNTER)


@pytest.fixture(params=BASELINES)
def system(request: pytest.FixtureRequest, means: Means) -> System:
    """Return each baseline, with the sample remembered."""
    made = make(request.param, means)
    made.start("c1")
    made.remember(UNITS)
    return made


@pytest.mark.parametrize("budget", [1, 40, 60, 90, 1000])
def test_no_budget_is_exceeded(system: System, budget: int) -> None:
    """The whole payload is counted, and what is delivered is what is claimed."""
    delivered = system.context(QUERIES[0], budget)

    assert COUNTER.count(delivered.text) <= budget
    texts = {unit.id: unit.text for unit in UNITS}
    assert all(texts[item.unit] in delivered.text for item in delivered.items)


def test_a_ranking_has_each_unit_once(system: System) -> None:
    """All units, or the first k of them."""
    assert sorted(system.ranking(QUERIES[0], 99)) == sorted(unit.id for unit in UNITS)
    assert system.ranking(QUERIES[0], 2) == system.ranking(QUERIES[0], 99)[:2]


def test_start_forgets(system: System) -> None:
    """Nothing of one conversation is in the next."""
    system.start("c2")
    system.remember(UNITS[:1])

    assert system.ranking(QUERIES[0], 99) == ["s1:0"]


@pytest.mark.parametrize("name", ["bm25", "dense", "rrf"])
def test_words_find_their_turn(name: str, means: Means) -> None:
    """What shares words with the question comes first."""
    system = make(name, means)
    system.start("c1")
    system.remember(UNITS)

    assert system.ranking(QUERIES[1], 1) == ["s2:2"]


def test_newest_and_full(means: Means) -> None:
    """The window is the last turns; the full history keeps no budget."""
    newest, full = make("newest", means), make("full", means)
    for system in (newest, full):
        system.start("c1")
        system.remember(UNITS)
    everything = full.own_context(QUERIES[0])

    assert newest.ranking(QUERIES[0], 2) == ["s3:5", "s3:4"]
    assert not full.budgeted
    assert everything is not None
    assert len(everything.items) == len(UNITS)


def test_chance_follows_the_seed(means: Means) -> None:
    """Equal seeds shuffle equally, others don't."""
    rankings = []
    for seed in (1, 1, 2):
        system = make("random", Means(means.encoder, COUNTER, seed))
        system.start("c1")
        system.remember(UNITS)
        rankings.append(system.ranking(QUERIES[0], 6))

    assert rankings[0] == rankings[1] != rankings[2]


def test_an_unknown_name_lists_the_known() -> None:
    """So that nobody has to look it up."""
    assert "satchel" in names()
    with pytest.raises(InvalidInputError, match="bm25"):
        make("nonsense", Means(HashEncoder(), COUNTER))


def test_packing_skips_what_does_not_fit() -> None:
    """A long turn first in rank is left out, shorter ones after it go in."""
    packer = Packer(COUNTER)
    packer.add(UNITS)
    whole = COUNTER.count(packer.whole(["s3:4"]).text)
    delivered = packer.pack(["s1:0", "s3:4"], whole)

    assert [item.unit for item in delivered.items] == ["s3:4"]


def test_bm25_agrees_with_bm25s(means: Means) -> None:
    """Scores equal those of an independent package (Lucene's variant) on 200 made-up documents."""
    bm25s = pytest.importorskip("bm25s")
    random = np.random.default_rng(1)
    words = [f"w{number}" for number in range(60)]
    documents = [[str(w) for w in random.choice(words, int(random.integers(3, 30)))] for _ in range(200)]
    ours = Bm25(means)
    ours.start("c")
    ours.remember(
        [UNITS[0].__class__(str(n), "s", None, "user", " ".join(d)) for n, d in enumerate(documents)]
    )
    theirs = bm25s.BM25(method="lucene", k1=1.2, b=0.75)
    theirs.index(documents, show_progress=False)
    asked = [words[3], words[17], words[40]]

    np.testing.assert_allclose(
        ours.scores(QUERIES[0].__class__("q", "t", " ".join(asked), (), 200)),
        theirs.get_scores(asked),
        rtol=1e-4,
    )
