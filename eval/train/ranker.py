"""Fitting linear models: a listwise ranker, and logistic regression on shares."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from eval.train.prepared import Prepared

Vector = NDArray[np.float64]


def fit_ranker(questions: Sequence[Prepared], l2: float) -> Vector:
    """Return the weights that give evidence most of each question's softmax (ListNet, Cao et al. 2007).

    Minimises the mean cross-entropy between the softmax of scores and the evidence of each question,
    plus l2/2 times the squared weights of standardised features. Questions without evidence among
    their candidates teach a ranker nothing and are left out.
    """
    useful = [question for question in questions if question.gold.any()]
    rows = [~question.also for question in useful]
    values = np.concatenate(
        [question.turns.values[kept] for question, kept in zip(useful, rows, strict=True)]
    )
    gold = np.concatenate([question.gold[kept] for question, kept in zip(useful, rows, strict=True)])
    sizes = np.array([int(kept.sum()) for kept in rows])
    group = np.repeat(np.arange(len(useful)), sizes)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    share = gold / np.bincount(group, gold)[group]
    weight = np.array([question.weight for question in useful])
    weight = weight / weight.sum()
    scale = values.std(axis=0) + 1e-6
    scaled = ((values - values.mean(axis=0)) / scale).astype(np.float64)

    def loss(weights: Vector) -> tuple[float, Vector]:
        scores = scaled @ weights
        best = np.maximum.reduceat(scores, starts)
        exps = np.exp(scores - best[group])
        totals = np.add.reduceat(exps, starts)
        entropy = np.log(totals) + best - np.add.reduceat(share * scores, starts)
        gradient = scaled.T @ ((exps / totals[group] - share) * weight[group])
        return float(weight @ entropy + l2 * weights @ weights / 2), gradient + l2 * weights

    found = minimize(loss, np.zeros(values.shape[1]), jac=True, method="L-BFGS-B", options={"maxiter": 400})
    fitted: Vector = found.x / scale
    return fitted


def fit_logistic(inputs: NDArray[np.floating], targets: Vector, weight: Vector, l2: float) -> Vector:
    """Return logistic weights for targets from 0 to 1; a column of ones is the (unpunished) intercept."""
    scale = inputs.std(axis=0)
    constant = scale < 1e-9  # noqa: PLR2004 - the column of ones
    scale = np.where(constant, 1, scale)
    middle = np.where(constant, 0, inputs.mean(axis=0))
    scaled = (inputs - middle) / scale
    share = weight / weight.sum()

    def loss(weights: Vector) -> tuple[float, Vector]:
        scores = scaled @ weights
        kept = np.where(constant, 0, weights)
        error = share * (1 / (1 + np.exp(-np.clip(scores, -30, 30))) - targets)
        total = share @ (np.logaddexp(0, scores) - targets * scores)
        return float(total + l2 * kept @ kept / 2), scaled.T @ error + l2 * kept

    found = minimize(loss, np.zeros(inputs.shape[1]), jac=True, method="L-BFGS-B", options={"maxiter": 400})
    fitted: Vector = found.x / scale
    fitted[constant] -= (fitted * middle).sum()
    return fitted
