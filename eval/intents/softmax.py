"""Multinomial logistic regression on a few dense columns beside many sparse ones.

scikit-learn takes either; as one sparse matrix the dense block costs ten times what it does here.
"""

import numpy as np
import scipy.optimize
import scipy.sparse as sp
from numpy.typing import NDArray

from memory.encoders.port import Floats

_ROUNDS = 80


def softmax_weights(
    dense: Floats, sparse: sp.csr_matrix, truth: NDArray[np.float32], weights: NDArray[np.float32], c: float
) -> Floats:
    """Return float32 (columns + 1, labels), the last row the bias.

    dense: (n, d). sparse: (n, k). truth: (n, labels), one-hot. weights: (n,). Minimises c times the
    weighted log loss plus half the squared weights, the bias left out, as scikit-learn's
    LogisticRegression does; by L-BFGS, 80 rounds, from zero.
    """
    first, rest = dense.shape[1], sparse.shape[1]
    shape = (first + rest + 1, truth.shape[1])
    turned = sparse.T.tocsr()

    def loss(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        found = flat.reshape(shape)
        low = found.astype(np.float32)
        scores = dense @ low[:first] + sparse @ low[first:-1] + low[-1]
        top = scores.max(axis=1, keepdims=True)
        raw = np.exp(scores - top)
        total = raw.sum(axis=1, keepdims=True)
        lost = weights @ (np.log(total[:, 0]) + top[:, 0] - (truth * scores).sum(axis=1))
        pull = c * weights[:, None] * (raw / total - truth)
        slope = np.vstack([dense.T @ pull, turned @ pull, pull.sum(axis=0)]).astype(np.float64)
        slope[:-1] += found[:-1]
        return c * float(lost) + 0.5 * float((found[:-1] ** 2).sum()), slope.ravel()

    found = scipy.optimize.minimize(
        loss, np.zeros(shape).ravel(), jac=True, method="L-BFGS-B", options={"maxiter": _ROUNDS}
    )
    weighed: Floats = found.x.reshape(shape).astype(np.float32)
    return weighed
