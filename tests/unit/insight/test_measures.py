"""The figures, by hand-computed expectations."""

import numpy as np
import pytest

from eval.intents import measures


def test_macro_f1_is_the_mean_over_true_labels() -> None:
    """One label half found, one fully: (2/3 + 4/5) / 2 with one false alarm."""
    truth, given = ["a", "a", "b", "b"], ["a", "b", "b", "b"]

    assert measures.macro_f1(truth, given, ["a", "b", "c"]) == pytest.approx((2 / 3 + 4 / 5) / 2)


def test_selective_accuracy_keeps_the_surest() -> None:
    """At half coverage only the two surest rows count."""
    hits = np.array([True, True, False, False])

    assert measures.selective_accuracy(hits, np.array([0.9, 0.8, 0.2, 0.1]), 0.5) == 1.0


def test_calibration_error_of_known_cases() -> None:
    """Always .75 sure and right half of the time is off by .25."""
    assert measures.calibration_error(np.array([True, False]), np.array([0.75, 0.75])) == pytest.approx(0.25)


def test_precision_at_prevalence() -> None:
    """The anchor of the benchmark rules: recall .90 at 2.9% with 1% false alarms is .73."""
    assert measures.precision_at(0.9, 0.01, 0.029) == pytest.approx(0.729, abs=0.001)


def test_rejection_finds_the_lowest_good_limit() -> None:
    """The limit that makes the kept rows right is the one that counts."""
    inside, hits = np.array([0.2, 0.6, 0.9]), np.array([False, True, True])

    refused, kept = measures.rejection(inside, hits, np.array([0.1, 0.7]), 0.9)

    assert refused == 0.5
    assert kept == pytest.approx(2 / 3)


def test_limits_reach_the_recall() -> None:
    """The limit for a recall flags at least that share."""
    scores = np.array([0.1, 0.5, 0.7, 0.9])

    assert (scores >= measures.limit_for_recall(scores, 0.75)).mean() == 0.75


def test_bootstrap_holds_the_figure() -> None:
    """The interval holds the figure, and is empty-proof."""
    values = np.arange(100) / 100
    interval = measures.bootstrap(lambda rows: float(values[rows].mean()), 100)

    assert interval.low < interval.value < interval.high
    assert np.isnan(measures.bootstrap(lambda _: 0.0, 0).value)
