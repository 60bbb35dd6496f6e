"""Recall, completeness, precision and nDCG: by hand, and against an independent implementation."""

from math import log2

import ir_measures
import numpy as np
import pytest

from eval.metrics.complete import complete
from eval.metrics.ndcg import ndcg
from eval.metrics.precision import precision
from eval.metrics.recall import recall


def test_recall_by_hand() -> None:
    """One of four is a quarter."""
    assert recall([True, False, False, False]) == 0.25
    assert recall([True]) == 1.0


def test_recall_without_evidence_is_an_error() -> None:
    """An unanswerable question has no recall; 0 and 1 would both flatter someone."""
    with pytest.raises(ValueError, match="undefined"):
        recall([])
    with pytest.raises(ValueError, match="undefined"):
        complete([])
    with pytest.raises(ValueError, match="undefined"):
        ndcg(["a"], [], 5)


def test_complete_means_all() -> None:
    """Any is not all."""
    assert not complete([True, False])
    assert complete([True, True])


def test_precision_by_hand() -> None:
    """Two of four delivered turns are evidence; ignored ones don't count, nor does a turn twice."""
    assert precision(["a", "b", "c", "d"], {"a", "b", "z"}) == 0.5
    assert precision(["a", "a", "b", "x"], {"a"}, {"x"}) == 0.5
    assert precision([], {"a"}) is None


def test_ndcg_by_hand() -> None:
    """Evidence at ranks 1 and 3 of two pieces."""
    expected = (1 + 1 / log2(4)) / (1 + 1 / log2(3))

    assert ndcg(["a", "x", "b"], [["a"], ["b"]], 5) == pytest.approx(expected)
    assert ndcg(["x", "y"], [["a"]], 5) == 0.0


def test_ndcg_of_groups_counts_a_group_once() -> None:
    """Two units of one group gain as one."""
    assert ndcg(["a", "b"], [["a", "b"]], 5) == 1.0
    assert ndcg(["a", "b", "c"], [["a", "b"], ["c"]], 5) == pytest.approx((1 + 0.5) / (1 + 1 / log2(3)))


def test_agreement_with_ir_measures() -> None:
    """Recall, precision and nDCG at k equal those of trec_eval on random rankings."""
    random = np.random.default_rng(7)
    units = [f"u{number}" for number in range(60)]
    qrels: dict[str, dict[str, int]] = {}
    run: dict[str, dict[str, float]] = {}
    rankings: dict[str, list[str]] = {}
    for number in range(40):
        name = f"q{number}"
        gold = random.choice(units, size=int(random.integers(1, 9)), replace=False)
        qrels[name] = {str(unit): 1 for unit in gold}
        rankings[name] = [str(unit) for unit in random.permutation(units)[:30]]
        run[name] = {unit: 100.0 - rank for rank, unit in enumerate(rankings[name])}
    for k in (1, 5, 10, 25):
        ours = np.array([_at(k, rankings[name], list(qrels[name])) for name in qrels]).mean(axis=0)
        R, nDCG, P = ir_measures.R, ir_measures.nDCG, ir_measures.P  # noqa: N806 - its names
        theirs = ir_measures.calc_aggregate([R @ k, nDCG @ k, P @ k], qrels, run)

        assert ours == pytest.approx([theirs[R @ k], theirs[nDCG @ k], theirs[P @ k]])


def _at(k: int, ranking: list[str], gold: list[str]) -> tuple[float, float, float]:
    top = ranking[:k]
    share = precision(top, gold)
    assert share is not None
    return recall([unit in top for unit in gold]), ndcg(ranking, [[unit] for unit in gold], k), share
