"""Fit the relevance model: `python -m eval.train.relevance --data DIR --out retrieval/models/relevance.npz`.

Reads the files of `eval.train.questions.SOURCES` below DIR; what is learned from them may be shipped.
Rankers behind the calibration, the quality report and the figures never saw the history that they score.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from eval.train.encoded import EncodedTexts
from eval.train.judged import BUDGETS, judge, table_of
from eval.train.known import fit_known, threshold, unseen_known
from eval.train.logistic import Vector, fit_logistic
from eval.train.prepared import Mask, Prepared, folds
from eval.train.questions import SOURCES, Source, histories_of, questions_of
from eval.train.ranker import Mixture, fit_ranker
from memory.encoders import OnnxEncoder
from memory.tokens import TokenCounter
from retrieval.relevance.known import INPUTS as KNOWN_INPUTS
from retrieval.relevance.model import (
    CALIBRATED_ON,
    FORMAT,
    QUALITIES,
    Scored,
    calibrated,
    calibration_inputs,
    log_odds,
    mixed,
    sigmoid,
)
from retrieval.relevance.quality import INPUTS, quality_inputs

EXPERTS = 2
RANKER_L2 = 0.03
GATE_L2 = 0.001
CALIBRATION_L2 = 1e-4
QUALITY_L2 = 3e-3
FOLDS = 5
# Questions that nothing answers are made in numbers; where chances are learned they count for less, so
# that these are the chances of a memory that is mostly asked what it knows.
SHARES = {"own": 1.0, "foreign": 0.1, "nothing": 0.1, "robbed": 0.1, "swapped": 0.5}
NAME = "mixture-4"

Arrays = dict[str, NDArray[np.generic]]


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


def fit_calibration(
    questions: Sequence[Prepared], scores: Sequence[NDArray[np.float32]], known: Vector, complete: Mask
) -> Vector:
    """Return logistic weights from scores to relevance."""
    inputs, targets, shares = [], [], []
    for question, own, chance, whole in zip(questions, scores, known.tolist(), complete, strict=True):
        if not question.weight and not whole:
            continue
        kept = ~question.also
        inputs.append(calibration_inputs(own, chance)[kept])
        targets.append(question.gold[kept].astype(np.float64))
        shares.append(np.full(int(kept.sum()), SHARES[question.asked.origin]))
    return fit_logistic(
        np.concatenate(inputs), np.concatenate(targets), np.concatenate(shares), CALIBRATION_L2
    )


def fit_quality(questions: Sequence[Prepared], scored: Sequence[Scored]) -> dict[str, Vector]:
    """Return logistic weights of the quality report, from choices at every budget.

    `sufficient` is a line (Platt 1999) over the log-odds of known times complete: its order is that of
    the product, its level that of questions in the shares of `SHARES`.
    """
    inputs: list[NDArray[np.float32]] = []
    seen: list[tuple[float, float, float]] = []
    answered, shares, known = [], [], []
    for question, scores in zip(questions, scored, strict=True):
        for budget in BUDGETS:
            entry = judge(question, scores, budget)
            inputs.append(quality_inputs(question.turns, scores, entry.rows))
            seen.append((entry.recall, entry.precision, float(entry.complete and question.answered)))
            answered.append(float(question.answered))
            shares.append(SHARES[question.asked.origin])
            known.append(scores.known)
    stacked, targets = np.stack(inputs), np.array(seen)
    counted, share = np.array(answered), np.array(shares)
    fits = {
        "recall": fit_logistic(stacked, targets[:, 0], counted, QUALITY_L2),
        "precision": fit_logistic(stacked, targets[:, 1], share, QUALITY_L2),
        "complete": fit_logistic(stacked, targets[:, 2], counted, QUALITY_L2),
    }
    both = log_odds(np.array(known) * sigmoid(stacked @ fits["complete"]))
    line = np.stack([both, np.ones(len(both))], axis=1)
    fits["sufficient"] = fit_logistic(line, targets[:, 2], share, 0)
    return fits


def fitted(questions: Sequence[Prepared], complete: Mask) -> tuple[Arrays, list[Scored]]:
    """Return the model's arrays, and every question's scores by models that did not see it.

    complete: bool (questions,), those whose labels say when a context suffices.
    """
    scores, known = unseen_scores(questions), unseen_known(questions, complete, FOLDS)
    calibration = fit_calibration(questions, scores, known, complete)
    scored = [
        calibrated(own, chance, calibration) for own, chance in zip(scores, known.tolist(), strict=True)
    ]
    final = ranker(questions)
    arrays: Arrays = {
        "format": np.array([FORMAT]),
        "name": np.array([NAME]),
        "names": np.array(questions[0].turns.names),
        "weights": final.weights,
        "bias": final.bias,
        "gate": final.gate,
        "known": fit_known(questions, complete),
        "known inputs": np.array(KNOWN_INPUTS),
        "abstain": np.array([threshold(questions, complete)]),
        "calibration": calibration,
        "calibrated on": np.array(CALIBRATED_ON),
        "quality inputs": np.array(INPUTS),
    }
    places = np.flatnonzero(complete).tolist()
    qualities = fit_quality([questions[place] for place in places], [scored[place] for place in places])
    arrays |= {f"quality {key}": qualities[key] for key in QUALITIES}
    return arrays, scored


def save(path: Path, arrays: Arrays) -> None:
    """Write a model to where `RelevanceModel.load` finds it."""
    with path.open("wb") as target:
        np.savez(target, allow_pickle=False, **arrays)


def learned_from(data: Path, cache: Path, without: str | None = None) -> list[tuple[Source, Prepared]]:
    """Return every question of the sources below `data`, but for one file. cache: of encoded texts."""
    counter = TokenCounter()
    encoded = EncodedTexts(cache, OnnxEncoder())
    found = histories_of(data, counter, without)
    every = [history for histories in found.values() for history in histories]
    return [
        (source, question)
        for source, histories in found.items()
        for question in questions_of(source, histories, every, encoded, counter, recents=True)
    ]


def complete(asked: Sequence[tuple[Source, Prepared]]) -> Mask:
    """Return which questions' labels say when a context suffices, bool (questions,)."""
    return np.array([source.complete for source, _ in asked])


def tables(file: str, judged: Sequence[tuple[Prepared, Scored]]) -> dict[str, Any]:
    """Return figures of a file, and what the turns just before add where they are known."""
    plain = [(q, score) for q, score in judged if not q.asked.query.recent]
    after = [(q, score) for q, score in judged if q.asked.query.recent and q.asked.question.kind != "aside"]
    both = {(q.history, q.asked.question.id) for q, _ in after}
    without = [(q, score) for q, score in plain if (q.history, q.asked.question.id) in both]
    parts = {file: plain, f"{file} after other turns": after, f"{file} the same alone": without}
    return {name: table_of(*map(list, zip(*part, strict=True))) for name, part in parts.items() if part}


def main(arguments: Sequence[str] | None = None) -> None:
    """Fit, judge by cross-validation, write the model and its figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds own/ and evidence/")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--without", choices=[source.file for source in SOURCES], help="leave a source out")
    parser.add_argument("--cache", type=Path, default=Path("runs/encoded"))
    options = parser.parse_args(arguments)
    with threadpool_limits(1):  # sums in another order differ in the last bit
        asked = learned_from(options.data, options.cache, options.without)
        arrays, scored = fitted([question for _, question in asked], complete(asked))
        figures: dict[str, Any] = {}
        for source in dict.fromkeys(source for source, _ in asked):
            own = [
                (q, score) for (of, q), score in zip(asked, scored, strict=True) if of == source and q.weight
            ]
            figures |= tables(source.file, own)
    save(options.out, arrays)
    options.out.with_suffix(".json").write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
