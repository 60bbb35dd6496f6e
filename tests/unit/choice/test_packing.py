"""Packing keeps to the budget, gives length its price and packs a text once."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.evidence.features import featured
from retrieval.index.port import Found
from retrieval.packing.packing import FENCE, Packing, pack
from retrieval.query.query import Query
from retrieval.relevance.model import Scored
from tests.searching import Said, ask

SHORT = [Said(f"note {word} about the {word} plan", session=n % 3) for n, word in enumerate("abcdefgh")]
LONG = " ".join(f"Sentence number {n} explains the roof of the barn in detail." for n in range(80))


def packed(asked: tuple[Query, Found], scores: list[float], budget: int, **more: object) -> Packing:
    query, found = asked
    turns = featured(query, found)
    by_key = dict(enumerate(scores, start=1))
    score = np.array([by_key[int(key)] for key in turns.table.key], np.float32)
    scored = Scored(score, np.full(len(score), 0.5, np.float32), 1.0)
    return pack(turns, scored, found.candidates, budget, **more)  # type: ignore[arg-type]


def keys(asked: tuple[Query, Found], packing: Packing) -> list[int]:
    table = featured(*asked).table
    return [int(table.key[entry.row]) for entry in packing.packed]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 400))
def test_what_is_packed_never_costs_more_than_the_budget(budget: int) -> None:
    packing = packed(ask("plan", SHORT), [8, 7, 6, 5, 4, 3, 2, 1], budget)
    assert sum(entry.tokens for entry in packing.packed) + FENCE <= max(budget, FENCE) + len(packing.packed)


def test_the_best_come_first() -> None:
    asked = ask("plan", SHORT)
    assert keys(asked, packed(asked, [1, 2, 3, 4, 5, 6, 7, 8], 4096)) == [8, 7, 6, 5, 4, 3, 2, 1]


def test_a_long_turn_gives_way_to_a_short_one_that_scores_nearly_as_well() -> None:
    asked = ask("roof", [Said(LONG), Said("the roof is red")])
    assert keys(asked, packed(asked, [1.0, 0.9], 4096)) == [2, 1]


def test_a_turn_too_long_for_the_budget_is_packed_by_excerpt() -> None:
    asked = ask("roof", [Said(LONG)])
    (entry,) = packed(asked, [1.0], 400).packed
    assert entry.spans
    assert entry.tokens < 400
    assert all(LONG[start:end].strip().endswith(".") for start, end in entry.spans)


def test_it_is_packed_whole_where_it_fits() -> None:
    asked = ask("roof", [Said(LONG)])
    assert packed(asked, [1.0], 4096).packed[0].spans is None


def test_a_text_said_twice_is_packed_once() -> None:
    asked = ask("gate", [Said("the gate code is 4471"), Said("the gate code is 4471", session=2)])
    packing = packed(asked, [1.0, 2.0], 1024)
    assert keys(asked, packing) == [2]
    assert list(packing.left_out.values()) == ["says what a packed turn says"]


def test_a_session_opens_once() -> None:
    one = packed(ask("plan", [Said("plan a"), Said("plan b")]), [2, 1], 1024).tokens
    two = packed(ask("plan", [Said("plan a"), Said("plan b", session=2)]), [2, 1], 1024).tokens
    assert two > one


def test_pinned_come_first_and_excluded_never() -> None:
    asked = ask("plan", SHORT)
    packing = packed(asked, [8, 7, 6, 5, 4, 3, 2, 1], 4096, pinned=[7, 8], excluded=[1, 8])
    assert keys(asked, packing) == [7, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(("floor", "count"), [(0.4, 8), (0.6, 0)])
def test_nothing_below_the_floor_is_packed(floor: float, count: int) -> None:
    packing = packed(ask("plan", SHORT), [1] * 8, 4096, floor=floor)
    assert len(packing.packed) == count
