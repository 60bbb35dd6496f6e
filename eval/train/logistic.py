"""Logistic regression on shares."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

Vector = NDArray[np.float64]


def fit_logistic(inputs: NDArray[np.floating], targets: Vector, weight: Vector, l2: float) -> Vector:
    """Return logistic weights for targets from 0 to 1; a column of ones is the (unpunished) intercept."""
    scale = inputs.std(axis=0).astype(np.float64)
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
