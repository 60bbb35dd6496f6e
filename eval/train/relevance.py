"""Fit the relevance model: `python -m eval.train.relevance --data DIR --out retrieval/models/relevance.npz`.

Reads the files of `FILES` below DIR; what is learned from them may be shipped. Rankers behind the
calibration, the quality report and the figures never saw the history that they score.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from eval.train.encoded import EncodedTexts
from eval.train.evidence import History, Question, read
from eval.train.judged import BUDGETS, judge, table_of
from eval.train.logistic import Vector, fit_logistic
from eval.train.prepared import Mask, Prepared, folds, prepared, without_evidence
from eval.train.ranker import Mixture, fit_ranker
from eval.train.searched import asked
from memory.encoders import OnnxEncoder
from memory.tokens import TokenCounter
from retrieval.codec import default_codec
from retrieval.index import Limits
from retrieval.quality import INPUTS, quality_inputs
from retrieval.relevance import CALIBRATED_ON, FORMAT, QUALITIES, Scored, calibration_inputs, mixed, sigmoid

# What is learned from, and how much a question of each counts in the ranker's fit. LifeBench's labels name
# every trace of an event: they teach what is relevant, not when a context suffices, so only files that
# count in full teach the quality report.
FILES = {
    "own/histories.jsonl": 1.0,
    "evidence/realmem_dev.jsonl.gz": 1.0,
    "evidence/lifebench_train.jsonl.gz": 0.5,
}
EXPERTS = 2
RANKER_L2 = 0.03
GATE_L2 = 0.001
CALIBRATION_L2 = 1e-4
QUALITY_L2 = 3e-3
FOLDS = 5
# Of other histories' questions, how many are put to each history; of its own, the share that is asked
# once more without the evidence.
GUESTS = 24
ROBBED = 0.25
# Questions that nothing answers are made in numbers; in the quality report's fit they count for less, so
# that its chances are those of a memory that is mostly asked what it knows.
PRIORS = {"own": 1.0, "foreign": 0.2, "robbed": 0.15, "swapped": 1.0}
SEED = 7
NAME = "mixture-2"

Arrays = dict[str, NDArray[np.generic]]


def questions_of(
    histories: Sequence[History], encoded: EncodedTexts, counter: TokenCounter, weight: float = 1.0
) -> list[Prepared]:
    """Return every question, questions of other histories put to each, and some without their evidence."""
    codec = default_codec(384)
    draw = np.random.default_rng(SEED)
    found = []
    for history in histories:
        guests = _guests(histories, history, draw)
        for entry in asked(history, encoded, counter, codec, Limits(), guests=guests, swaps=True):
            found.append(prepared(entry, weight))
            if entry.origin == "own" and entry.question.gold and draw.random() < ROBBED:
                found.append(prepared(without_evidence(entry), weight))
    return found


def _guests(histories: Sequence[History], host: History, draw: np.random.Generator) -> list[Question]:
    strangers = [q for history in histories if history is not host for q in history.questions if q.gold]
    places = sorted(draw.choice(len(strangers), min(GUESTS, len(strangers)), replace=False).tolist())
    return [strangers[place] for place in places]


def ranker(questions: Sequence[Prepared]) -> Mixture:
    """Return a ranker fitted with the shipped settings."""
    return fit_ranker(questions, experts=EXPERTS, l2=RANKER_L2, gate_l2=GATE_L2)


def unseen_scores(questions: Sequence[Prepared]) -> list[NDArray[np.float32]]:
    """Return every question's scores by a ranker that never saw its history."""
    scores: list[NDArray[np.float32]] = [np.empty(0, np.float32)] * len(questions)
    for held in folds(questions, FOLDS):
        made = ranker([question for question in questions if question.history not in held])
        for place, question in enumerate(questions):
            if question.history in held:
                scores[place] = mixed(question.turns, made.weights, made.bias, made.gate)
    return scores


def fit_calibration(questions: Sequence[Prepared], scores: Sequence[NDArray[np.float32]]) -> Vector:
    """Return logistic weights from scores to relevance."""
    inputs, targets = [], []
    for question, own in zip(questions, scores, strict=True):
        kept = ~question.also
        inputs.append(calibration_inputs(question.turns, own)[kept])
        targets.append(question.gold[kept].astype(np.float64))
    stacked = np.concatenate(targets)
    return fit_logistic(np.concatenate(inputs), stacked, np.ones(len(stacked)), CALIBRATION_L2)


def fit_quality(questions: Sequence[Prepared], scored: Sequence[Scored]) -> dict[str, Vector]:
    """Return logistic weights of the quality report, from choices at every budget.

    The direction is learned from all questions alike; then its level and steepness from questions in the
    shares of `PRIORS` (Platt 1999), so that what nothing answers is told apart and not expected.
    """
    inputs: list[NDArray[np.float32]] = []
    seen: list[tuple[float, float, float]] = []
    prior: list[float] = []
    answerable: list[float] = []
    for question, scores in zip(questions, scored, strict=True):
        for budget in BUDGETS:
            entry = judge(question, scores, budget)
            inputs.append(quality_inputs(question.asked.query, question.turns, scores, entry.rows))
            seen.append((entry.recall, entry.precision, float(entry.complete and question.answerable)))
            prior.append(PRIORS[question.asked.origin])
            answerable.append(float(question.answerable))
    stacked, targets = np.stack(inputs), np.array(seen)
    shares = np.array(prior)
    fits = {}
    for place, key in enumerate(QUALITIES):
        counted = np.array(answerable) if key == "recall" else np.ones(len(stacked))
        direction = fit_logistic(stacked, targets[:, place], counted, QUALITY_L2)
        logits = stacked @ direction
        line = fit_logistic(
            np.stack([logits, np.ones(len(logits))], axis=1), targets[:, place], counted * shares, 0
        )
        fits[key] = direction * line[0]
        fits[key][INPUTS.index("one")] += line[1]
    return fits


def fitted(questions: Sequence[Prepared], reported: Mask) -> tuple[Arrays, list[Scored]]:
    """Return the model's arrays, and every question's scores by rankers that did not see it.

    reported: bool (questions,), those whose labels are complete enough to fit the quality report.
    """
    scores = unseen_scores(questions)
    calibration = fit_calibration(questions, scores)
    scored = [
        Scored(own, sigmoid(calibration_inputs(question.turns, own) @ calibration))
        for question, own in zip(questions, scores, strict=True)
    ]
    final = ranker(questions)
    arrays: Arrays = {
        "format": np.array([FORMAT]),
        "name": np.array([NAME]),
        "names": np.array(questions[0].turns.names),
        "weights": final.weights,
        "bias": final.bias,
        "gate": final.gate,
        "calibration": calibration,
        "calibrated on": np.array(CALIBRATED_ON),
        "quality inputs": np.array(INPUTS),
    }
    places = np.flatnonzero(reported).tolist()
    qualities = fit_quality([questions[place] for place in places], [scored[place] for place in places])
    arrays |= {f"quality {key}": weights for key, weights in qualities.items()}
    return arrays, scored


def main(arguments: Sequence[str] | None = None) -> None:
    """Fit, judge by cross-validation, write the model and its figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds own/ and evidence/")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--cache", type=Path, default=Path("runs/encoded"))
    options = parser.parse_args(arguments)
    counter = TokenCounter()
    encoded = EncodedTexts(options.cache, OnnxEncoder())
    with threadpool_limits(1):  # sums in another order differ in the last bit
        by_file = {file: read(options.data / file, counter) for file in FILES}
        questions = [
            question
            for file, found in by_file.items()
            for question in questions_of(found, encoded, counter, FILES[file])
        ]
        reported = np.array([question.weight >= 1 for question in questions])
        arrays, scored = fitted(questions, reported)
        figures = {}
        for file, found in by_file.items():
            names = {history.name for history in found}
            places = [place for place, question in enumerate(questions) if question.history in names]
            figures[file] = table_of([questions[p] for p in places], [scored[p] for p in places])
    with options.out.open("wb") as target:
        np.savez(target, allow_pickle=False, **arrays)
    options.out.with_suffix(".json").write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
