"""Fit the relevance model: `python -m eval.train.relevance --data DIR --out retrieval/models/relevance.npz`.

Reads `own/histories.jsonl` below DIR, and other evidence files named with `--also`. Every figure is
cross-validated: a history's questions are judged by models that never saw the history.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from eval.train.encoded import EncodedTexts
from eval.train.evidence import History, Question, read
from eval.train.judged import BUDGETS, judge, table_of
from eval.train.prepared import Prepared, folds, prepared, robbed
from eval.train.ranker import Vector, fit_logistic, fit_ranker
from eval.train.searched import asked
from memory.encoders import OnnxEncoder
from memory.tokens import TokenCounter
from retrieval.codec import default_codec
from retrieval.index import Limits
from retrieval.quality import INPUTS, quality_inputs
from retrieval.relevance import CALIBRATED_ON, FORMAT, QUALITIES, Scored, calibration_inputs, sigmoid

RANKER_L2 = 0.02
CALIBRATION_L2 = 1e-4
QUALITY_L2 = 3e-3
FOLDS = 5
GUESTS = 12
SEED = 7


@dataclass(frozen=True, slots=True)
class Fitted:
    """A ranker's weights and its calibration's."""

    weights: Vector
    calibration: Vector

    def score(self, question: Prepared) -> Scored:
        """Return what it says of a question's candidates, as the shipped model would."""
        scores = (question.turns.values @ self.weights).astype(np.float32)
        return Scored(scores, sigmoid(calibration_inputs(question.turns, scores) @ self.calibration))


def questions_of(
    histories: Sequence[History], encoded: EncodedTexts, counter: TokenCounter
) -> list[Prepared]:
    """Return every question, questions of other histories put to each, and some without their evidence."""
    codec = default_codec(384)
    draw = np.random.default_rng(SEED)
    found = []
    for history in histories:
        guests = _guests(histories, history, draw)
        for entry in asked(history, encoded, counter, codec, Limits(), guests=guests):
            found.append(prepared(entry))
            if entry.question.gold and draw.random() < 1 / 4:
                found.append(prepared(robbed(entry)))
    return found


def _guests(histories: Sequence[History], host: History, draw: np.random.Generator) -> list[Question]:
    strangers = [q for history in histories if history is not host for q in history.questions if q.gold]
    places = sorted(draw.choice(len(strangers), min(GUESTS, len(strangers)), replace=False).tolist())
    return [strangers[place] for place in places]


def fit(questions: Sequence[Prepared]) -> Fitted:
    """Return a ranker, calibrated on scores of questions that it did not see."""
    unseen = dict(_cross(questions, lambda part: fit_ranker(part, RANKER_L2)))
    inputs, targets, weight = [], [], []
    for place, question in enumerate(questions):
        scores = (question.turns.values @ unseen[place]).astype(np.float32)
        kept = ~question.also
        inputs.append(calibration_inputs(question.turns, scores)[kept])
        targets.append(question.gold[kept].astype(np.float64))
        weight.append(np.full(int(kept.sum()), question.weight))
    calibration = fit_logistic(
        np.concatenate(inputs), np.concatenate(targets), np.concatenate(weight), CALIBRATION_L2
    )
    return Fitted(fit_ranker(questions, RANKER_L2), calibration)


def _cross(questions, make):  # type: ignore[no-untyped-def]
    """Yield (place, what `make` returns without the place's history)."""
    for held in folds(questions, FOLDS):
        made = make([question for question in questions if question.history not in held])
        for place, question in enumerate(questions):
            if question.history in held:
                yield place, made


def fit_quality(questions: Sequence[Prepared], scored: Sequence[Scored]) -> dict[str, Vector]:
    """Return logistic weights of the quality report, from choices at every budget."""
    inputs: list[NDArray[np.float32]] = []
    targets: dict[str, list[float]] = {key: [] for key in QUALITIES}
    weight: dict[str, list[float]] = {key: [] for key in QUALITIES}
    for question, scores in zip(questions, scored, strict=True):
        for budget in BUDGETS:
            entry = judge(question, scores, budget)
            inputs.append(quality_inputs(question.turns, scores, entry.rows))
            answerable = float(question.answerable)
            for key, target, counts in (
                ("recall", entry.recall, answerable),
                ("precision", entry.precision, 1.0),
                ("sufficient", float(entry.complete and question.answerable), 1.0),
            ):
                targets[key].append(target)
                weight[key].append(counts * question.weight)
    stacked = np.stack(inputs)
    return {
        key: fit_logistic(stacked, np.array(targets[key]), np.array(weight[key]), QUALITY_L2)
        for key in QUALITIES
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Fit, judge by cross-validation, write the model and its figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds own/histories.jsonl")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--cache", type=Path, default=Path("runs/encoded"))
    options = parser.parse_args(arguments)
    counter = TokenCounter()
    with threadpool_limits(1):
        histories = read(options.data / "own" / "histories.jsonl", counter)
        questions = questions_of(histories, EncodedTexts(options.cache, OnnxEncoder()), counter)
        unseen = dict(_cross(questions, fit))
        scored = [unseen[place].score(question) for place, question in enumerate(questions)]
        figures = table_of(questions, scored)
        model = fit(questions)
        qualities = fit_quality(questions, scored)
    write(options.out, questions[0].turns.names, model, qualities)
    options.out.with_suffix(".json").write_text(json.dumps(figures, indent=1) + "\n")


def write(path: Path, names: Sequence[str], model: Fitted, qualities: dict[str, Vector]) -> None:
    """Write the model file."""
    arrays: dict[str, NDArray[np.generic]] = {
        "format": np.array([FORMAT]),
        "name": np.array(["linear-1"]),
        "names": np.array(names),
        "weights": model.weights,
        "calibration": model.calibration,
        "calibrated on": np.array(CALIBRATED_ON),
        "quality inputs": np.array(INPUTS),
    }
    arrays |= {f"quality {key}": weights for key, weights in qualities.items()}
    np.savez(path, **arrays)


if __name__ == "__main__":
    main()
