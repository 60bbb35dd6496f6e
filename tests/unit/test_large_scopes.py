"""A scope too large to be looked at whole is searched nearly as well, and scored alike."""

import random

import numpy as np
import pytest

from retrieval.index.port import Candidates
from tests.searching import Said, found_in, memory

WORDS = [f"{first}{last}" for first in "bdfglmnprst" for last in ("ado", "ine", "ower", "ustic", "elling")]


@pytest.fixture(scope="module")
def said() -> list[Said]:
    """1,500 turns in thirty sessions; every turn has a number of its own."""
    draw = random.Random(5)
    return [
        Said(" ".join([*draw.choices(WORDS, k=9), "common", f"NX-{number}"]), session=number // 50)
        for number in range(1500)
    ]


def by_turn(found: Candidates) -> dict[int, int]:
    """Return the row of each turn."""
    return {int(turn): row for row, turn in enumerate(found.turn)}


def test_what_is_near_is_found_and_scored_alike(said: list[Said], monkeypatch: pytest.MonkeyPatch) -> None:
    """Nine of ten of the best twenty; every score of what both found is the same."""
    scope = memory(said)
    kept = []
    for number in range(0, 1500, 150):
        query = f"{' '.join(said[number].text.split()[:4])} common"
        monkeypatch.setattr("retrieval.scoring.search.LARGE", 10_000)
        exact = found_in(scope, query).candidates
        monkeypatch.setattr("retrieval.scoring.search.LARGE", 1000)
        monkeypatch.setattr("retrieval.scoring.search.FIELD", 200)
        large = found_in(scope, query).candidates

        best = exact.turn[np.argsort(-exact.maxsim[:, 0], kind="stable")[:20]]
        kept.append(np.isin(best, large.turn).mean())
        rows = by_turn(large)
        both = [(row, rows[turn]) for turn, row in by_turn(exact).items() if turn in rows]
        mine, theirs = (list(places) for places in zip(*both, strict=True))
        for name in ("dense", "lexical", "maxsim", "coverage", "rarest", "matched", "age"):
            assert np.allclose(getattr(exact, name)[mine], getattr(large, name)[theirs], atol=1e-5), name

    assert np.mean(kept) >= 0.9


def test_an_identifier_is_always_found(said: list[Said], monkeypatch: pytest.MonkeyPatch) -> None:
    """However alike the others are."""
    scope = memory(said)
    monkeypatch.setattr("retrieval.scoring.search.LARGE", 1000)
    monkeypatch.setattr("retrieval.scoring.search.FIELD", 20)

    for number in (0, 700, 1499):
        assert number + 1 in found_in(scope, f"common common NX-{number}").candidates.turn


def test_one_session_of_a_large_scope(said: list[Said], monkeypatch: pytest.MonkeyPatch) -> None:
    """Only its turns, all of the near ones."""
    scope = memory(said)
    monkeypatch.setattr("retrieval.scoring.search.LARGE", 1000)

    found = found_in(scope, said[310].text, session=6).candidates

    assert set(found.session) == {6}
    assert 311 in found.turn
