"""Calibration, discrimination and selective risk: by hand, and against scikit-learn where it is there."""

import numpy as np
import pytest

from eval.metrics.auroc import auroc
from eval.metrics.brier import brier
from eval.metrics.ece import calibration_curve, ece
from eval.metrics.latency import percentiles
from eval.metrics.risk_coverage import area_under_risk, risk_coverage


def test_brier_by_hand() -> None:
    """(.2² + .4²) / 2."""
    assert brier([0.8, 0.4], [True, False]) == pytest.approx(0.1)


def test_ece_by_hand() -> None:
    """Two bins: .2 said and .5 seen, .9 said and 1 seen."""
    assert ece([0.2, 0.2, 0.9, 0.9], [0, 1, 1, 1], bins=2) == pytest.approx((0.3 + 0.1) / 2)


def test_a_perfect_forecast_has_no_calibration_error() -> None:
    """Half of those at .5 are true."""
    assert ece([0.5, 0.5, 1.0], [0, 1, 1]) == 0


def test_equal_predictions_share_a_bin() -> None:
    """So their order can't change the figure."""
    curve = calibration_curve([0.3] * 50 + [0.7] * 50, [0, 1] * 50, bins=10)

    assert [part.count for part in curve] == [50, 50]
    assert [part.predicted for part in curve] == pytest.approx([0.3, 0.7])


def test_auroc_by_hand() -> None:
    """Of four pairs three are in order; a tie is half a pair."""
    assert auroc([0.9, 0.3, 0.5, 0.1], [True, True, False, False]) == 0.75
    assert auroc([0.5, 0.5], [True, False]) == 0.5
    assert auroc([0.5], [True]) is None


def test_risk_coverage_by_hand() -> None:
    """The surest is right, the next two are tied and one of them wrong."""
    coverage, risk = zip(*risk_coverage([0.9, 0.5, 0.5], [True, False, True]), strict=True)

    assert coverage == pytest.approx([1 / 3, 1.0])
    assert risk == pytest.approx([0.0, 1 / 3])
    assert area_under_risk([0.9, 0.5, 0.5], [True, False, True]) == pytest.approx(2 / 9)


def test_percentiles_by_hand() -> None:
    """Of 0 to 100."""
    assert percentiles(list(range(101))) == {"p50": 50.0, "p95": 95.0, "p99": 99.0}
    assert percentiles([]) == {}


def test_agreement_with_scikit_learn() -> None:
    """AUROC and the Brier score equal an independent implementation's."""
    metrics = pytest.importorskip("sklearn.metrics")
    random = np.random.default_rng(3)
    truth = random.random(500) < 0.3
    scores = np.round(np.clip(random.normal(0.4 + 0.2 * truth, 0.2), 0, 1), 2)

    assert auroc(list(scores), list(truth)) == pytest.approx(metrics.roc_auc_score(truth, scores))
    assert brier(list(scores), list(truth)) == pytest.approx(metrics.brier_score_loss(truth, scores))
