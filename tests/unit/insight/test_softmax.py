"""The fit of the intent model, and the written sessions that it learns from."""

from collections import Counter

import numpy as np
import scipy.sparse as sp
from sklearn.linear_model import LogisticRegression

from eval.intents.compose import CHECK, MESSY, SEEDS, written
from eval.intents.risk_train import Rows, fit
from eval.intents.softmax import softmax_weights
from memory.intent.taxonomy import taxonomy


def test_weights_are_those_of_scikit_learn() -> None:
    """Split into a dense and a sparse block, the minimum is the same; rows count by their weight."""
    rng = np.random.default_rng(3)
    rows = rng.normal(size=(240, 7)).astype(np.float32)
    labels = (rows[:, 0] + 0.5 * rng.normal(size=240) > 0).astype(int) + (rows[:, 5] > 0)
    weights = rng.uniform(0.2, 2.0, 240).astype(np.float32)

    found = softmax_weights(
        rows[:, :4], sp.csr_matrix(rows[:, 4:]), np.eye(3, dtype=np.float32)[labels], weights, 0.5
    )

    known = LogisticRegression(C=0.5, max_iter=500, tol=1e-8).fit(rows, labels, sample_weight=weights)
    assert np.allclose(found[:-1], known.coef_.T, atol=0.01)
    centred = known.intercept_ - known.intercept_.mean()
    assert np.allclose(found[-1] - found[-1].mean(), centred, atol=0.01)


def test_two_columns_are_one_logistic_model() -> None:
    """The risk model's fit is the logistic one, positives scaled to their share of the weight."""
    rng = np.random.default_rng(4)
    rows = rng.normal(size=(200, 6)).astype(np.float32)
    truth = rows[:, 1] + 0.7 * rng.normal(size=200) > 0
    even = np.ones(200)
    found = fit(Rows(rows[:, :3], sp.csr_matrix(rows[:, 3:])), truth, even)

    scaled = np.where(truth, 0.15 / 0.85 * (~truth).sum() / truth.sum(), 1.0)
    weights = scaled / scaled.mean()
    known = LogisticRegression(C=1.0, max_iter=500, tol=1e-8).fit(rows, truth, sample_weight=weights)
    assert np.allclose(found.weights, known.coef_[0], atol=0.01)
    assert abs(found.bias - known.intercept_[0]) < 0.01
    shares = found.probabilities(Rows(rows[:, :3], sp.csr_matrix(rows[:, 3:])))
    assert np.allclose(shares, known.predict_proba(rows)[:, 1], atol=0.01)


def test_every_label_is_written_for_and_checked() -> None:
    """Each label has a good number of messages to learn from and some to check by, none of them twice."""
    names = taxonomy().names
    learnt, checked = list(written((*SEEDS, *MESSY))), list(written(CHECK))

    assert min(Counter(label for label, _ in written(MESSY))[name] for name in names) >= 60
    assert Counter(label for label, _ in checked) == dict.fromkeys(names, 12)
    assert not {turns for _, turns in learnt} & {turns for _, turns in checked}
    assert all(turn.strip() for _, turns in (*learnt, *checked) for turn in turns)
