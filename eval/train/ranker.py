"""Fitting the ranker: two linear models and a gate between them, listwise."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from eval.train.prepared import Prepared
from retrieval.relevance.model import gate_inputs

Vector = NDArray[np.float64]

# Rows of a question that teach: its evidence, the best by the untrained sum, and a draw from the rest
# that stands for all of them.
_TOP = 40
_DRAWN = 25
_SEED = 11
_ROUNDS = 160
_CONSTANT = 1e-6


@dataclass(frozen=True, slots=True)
class Mixture:
    """weights: (features, experts). bias: (experts,). gate: (gate inputs, experts - 1)."""

    weights: Vector
    bias: Vector
    gate: Vector


@dataclass(frozen=True, slots=True)
class _Lists:
    """Rows of all questions, one question behind the other."""

    values: NDArray[np.float32]
    share: Vector
    offset: Vector
    group: NDArray[np.int64]
    starts: NDArray[np.int64]
    weight: Vector
    gates: Vector


def fit_ranker(questions: Sequence[Prepared], *, experts: int, l2: float, gate_l2: float) -> Mixture:
    """Return the mixture that gives evidence most of each question's softmax.

    A mixture of linear experts (Jacobs et al. 1991) under ListNet's loss (Cao et al. 2007): the mean
    cross-entropy between the softmax of scores and the evidence, plus half the punished squares of the
    standardised weights and of the gate. Drawn rows count for those not drawn (the log-odds
    correction of sampled softmax, Bengio and Senecal 2008). Questions without evidence among their
    candidates teach a ranker nothing and are left out, as are those without weight.
    """
    lists = _lists([question for question in questions if question.gold.any() and question.weight])
    middle, spread = lists.values.mean(axis=0), lists.values.std(axis=0)
    # What never differed teaches nothing: scaled up, its weight would be what the search started from.
    constant = spread < _CONSTANT
    scale = np.where(constant, np.inf, spread + _CONSTANT)
    scaled = ((lists.values - middle) / scale).astype(np.float32)
    features, inputs = scaled.shape[1], lists.gates.shape[1]
    start = np.random.default_rng(_SEED).normal(0, 0.01, features * experts)
    start = np.concatenate([start, _first_gate(inputs, experts)])

    def loss(parameters: Vector) -> tuple[float, Vector]:
        weights = parameters[: features * experts].reshape(features, experts)
        gate = parameters[features * experts :].reshape(inputs, experts - 1)
        shares = softmax(np.concatenate([np.zeros((len(lists.gates), 1)), lists.gates @ gate], axis=1))
        each = (scaled @ weights.astype(np.float32)).astype(np.float64)
        error, entropy = _errors((each * shares[lists.group]).sum(axis=1) + lists.offset, lists)
        by_weight = scaled.T @ (error[:, None] * shares[lists.group]).astype(np.float32)
        by_share = np.add.reduceat(error[:, None] * each, lists.starts)
        by_gate = shares * (by_share - (by_share * shares).sum(axis=1, keepdims=True))
        total = entropy + l2 * (weights**2).sum() / 2 + gate_l2 * (gate**2).sum() / 2
        gradient = [
            (by_weight + l2 * weights).ravel(),
            (lists.gates.T @ by_gate[:, 1:] + gate_l2 * gate).ravel(),
        ]
        return float(total), np.concatenate(gradient).astype(np.float64)

    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": _ROUNDS})
    weights = found.x[: features * experts].reshape(features, experts) / scale[:, None]
    return Mixture(weights, -(middle @ weights), found.x[features * experts :].reshape(inputs, experts - 1))


def softmax(logits: Vector) -> Vector:
    """Return the softmax of each row."""
    exps = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: Vector = exps / exps.sum(axis=1, keepdims=True)
    return shares


def _errors(scores: Vector, lists: _Lists) -> tuple[Vector, float]:
    """Return the loss's gradient by score, and the loss."""
    best = np.maximum.reduceat(scores, lists.starts)
    exps = np.exp(scores - best[lists.group])
    totals = np.add.reduceat(exps, lists.starts)
    entropy = np.log(totals) + best - np.add.reduceat(lists.share * scores, lists.starts)
    error = (exps / totals[lists.group] - lists.share) * lists.weight[lists.group]
    return error, float(lists.weight @ entropy)


def _first_gate(inputs: int, experts: int) -> Vector:
    """Return a gate that leans to the second expert where the query is long."""
    gate = np.zeros((inputs, experts - 1))
    if experts > 1:
        gate[-1, 0], gate[-3, 0] = -2.5, 4
    return gate.ravel()


def _lists(questions: Sequence[Prepared]) -> _Lists:
    draw = np.random.default_rng(_SEED)
    kept, offsets = zip(*(_thinned(question, draw) for question in questions), strict=True)
    sizes = np.array([len(rows) for rows in kept])
    group = np.repeat(np.arange(len(questions)), sizes)
    gold = np.concatenate([question.gold[rows] for question, rows in zip(questions, kept, strict=True)])
    weight = np.array([question.weight for question in questions])
    return _Lists(
        np.concatenate([question.turns.values[rows] for question, rows in zip(questions, kept, strict=True)]),
        gold / np.bincount(group, gold)[group],
        np.concatenate(offsets),
        group,
        np.concatenate([[0], np.cumsum(sizes)[:-1]]),
        weight / weight.sum(),
        np.stack([gate_inputs(question.turns) for question in questions]).astype(np.float64),
    )


def _thinned(question: Prepared, draw: np.random.Generator) -> tuple[NDArray[np.int64], Vector]:
    """Return the rows to learn from, and the log of how many rows each stands for."""
    wanted = question.gold.copy()
    wanted[np.argsort(-question.turns.base, kind="stable")[:_TOP]] = True
    rest = np.flatnonzero(~wanted & ~question.also)
    drawn = np.sort(draw.permutation(rest)[:_DRAWN])
    rows = np.concatenate([np.flatnonzero(wanted & ~question.also), drawn])
    offset = np.zeros(len(rows))
    if len(drawn):
        offset[-len(drawn) :] = np.log(len(rest) / len(drawn))
    return rows, offset
