"""Fitting the chance that memory has anything on what is asked, and when to keep silent."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from eval.train.logistic import Vector, fit_logistic
from eval.train.prepared import Mask, Prepared, folds
from retrieval.relevance.known import known_inputs

L2 = 0.01
# How much a question counts by its origin: what was made by rule is plain, and there is much of it.
COUNTS = {"own": 1.0, "foreign": 0.5, "nothing": 0.5, "robbed": 0.3, "swapped": 1.0}
# The share of questions with an answer that silence may cost.
LOST = 0.005


def fit_known(questions: Sequence[Prepared], complete: Mask) -> Vector:
    """Return logistic weights of `retrieval.relevance.known.INPUTS`.

    The direction is learned with the same mass for each dataset, and in it for what is answered and
    what is not; the level from questions of the `complete` alone, as they come.
    """
    return _fitted(_inputs(questions), questions, complete)


def _inputs(questions: Sequence[Prepared]) -> NDArray[np.float32]:
    return np.stack([known_inputs(question.turns) for question in questions])


def _fitted(inputs: NDArray[np.float32], questions: Sequence[Prepared], complete: Mask) -> Vector:
    answered = np.array([question.answered for question in questions])
    direction = fit_logistic(inputs, answered.astype(np.float64), _mass(questions, answered), L2)
    logits = inputs @ direction
    line = np.stack([logits, np.ones(len(logits))], axis=1)
    # Where nothing complete is left to learn the level from, as when a dataset is left out, all are.
    level = complete if complete.any() else ~complete
    slope, shift = fit_logistic(line, answered.astype(np.float64), level.astype(np.float64), 0)
    weights: Vector = direction * slope
    weights[0] += shift
    return weights


def unseen_known(questions: Sequence[Prepared], complete: Mask, count: int) -> Vector:
    """Return every question's log-odds by weights that never saw its history."""
    return _left_out(questions, complete, list(folds(questions, count)))


def threshold(questions: Sequence[Prepared], complete: Mask) -> float:
    """Return the log-odds below which a memory keeps silent.

    It costs `LOST` of the questions with an answer, in the mean over datasets, each judged by weights
    that never saw the dataset.
    """
    datasets = sorted({question.dataset for question in questions})
    parts = [{q.history for q in questions if q.dataset == dataset} for dataset in datasets]
    known = _left_out(questions, complete, parts)
    lowest = []
    for dataset in datasets:
        answered = [place for place, q in enumerate(questions) if q.dataset == dataset and q.answered]
        if answered:
            lowest.append(float(np.quantile(known[answered], LOST)))
    return float(np.mean(lowest))


def _left_out(questions: Sequence[Prepared], complete: Mask, parts: Sequence[set[str]]) -> Vector:
    known = np.zeros(len(questions))
    inputs = _inputs(questions)
    for held in parts:
        out = np.array([question.history in held for question in questions])
        kept = [question for question, gone in zip(questions, out.tolist(), strict=True) if not gone]
        known[out] = inputs[out] @ _fitted(inputs[~out], kept, complete[~out])
    return known


def _mass(questions: Sequence[Prepared], answered: Mask) -> Vector:
    """Return what each question counts: alike in sum for each dataset, and in it for answered or not."""
    mass = np.array([COUNTS[question.asked.origin] for question in questions])
    datasets = np.array([question.dataset for question in questions])
    for dataset in np.unique(datasets):
        for part in (answered, ~answered):
            chosen = (datasets == dataset) & part
            mass[chosen] /= max(mass[chosen].sum(), 1e-9)
    return mass
