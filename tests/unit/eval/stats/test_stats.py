"""Intervals and paired tests."""

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from eval.stats.bootstrap import interval
from eval.stats.paired import compare


def test_one_conversation_has_no_interval() -> None:
    """It says nothing about the others."""
    assert interval({"a": [0.1, 0.9]}) is None


def test_equal_conversations_have_a_narrow_interval() -> None:
    """Nothing varies between conversations, so nothing is unsure."""
    assert interval({"a": [0.0, 1.0], "b": [0.0, 1.0]}) == (0.5, 0.5)


def test_interval_follows_conversations_not_questions() -> None:
    """A hundred agreeing questions in each of two conversations are two observations."""
    found = interval({"a": [0.0] * 100, "b": [1.0] * 100})

    assert found == (0.0, 1.0)


def test_interval_covers_the_truth_as_often_as_it_says() -> None:
    """On 300 samples of 20 conversations about 95% of the intervals hold the true mean."""
    random = np.random.default_rng(5)
    held = 0
    for seed in range(300):
        centres = random.normal(0.6, 0.1, 20)
        found = interval({str(n): list(random.normal(c, 0.2, 15)) for n, c in enumerate(centres)}, seed)
        assert found is not None
        held += found[0] <= 0.6 <= found[1]

    assert 0.89 <= held / 300 <= 0.985


def test_sign_flips_by_hand() -> None:
    """Five conversations that all agree: 2 of 32 flips are as extreme."""
    found = compare({str(n): [0.1 * (n + 1)] for n in range(5)})

    assert found is not None
    assert found.p_conversations == pytest.approx(2 / 32)
    assert found.difference == pytest.approx(0.3)


def test_no_difference_is_not_significant() -> None:
    """All equal: p is 1 and there is no mark."""
    found = compare({"a": [0.0, 0.0], "b": [0.0]})

    assert found is not None
    assert (found.p, found.mark) == (1.0, "")


def test_agreement_with_the_t_test() -> None:
    """On many nearly normal differences the randomisation test gives what the t-test gives."""
    values = np.random.default_rng(11).normal(0.01, 0.1, 400)
    found = compare({str(n): list(part) for n, part in enumerate(np.array_split(values, 20))})

    assert found is not None
    assert found.p == pytest.approx(ttest_1samp(values, 0).pvalue, abs=0.02)


def test_marks_need_both() -> None:
    """A small p over questions earns no star while the interval over conversations holds zero."""
    unsure = compare({"a": [1.0] * 50, "b": [-0.1] * 5})
    sure = compare({str(n): [0.5, 0.4, 0.6, 0.5] for n in range(8)})

    assert unsure is not None
    assert sure is not None
    assert unsure.p < 0.001
    assert unsure.mark == ""
    assert sure.mark == "***"
