"""Judge a relevance model on evidence files: `python -m eval.train.unseen FILE… --out figures.json`.

Reports recall by budget, turn recall at 10, the calibration of the quality report, and how well
`sufficient` tells questions with evidence from those without, and from other histories' questions.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from eval.train.calibrated import auroc, expected_calibration_error
from eval.train.encoded import EncodedTexts
from eval.train.evidence import read
from eval.train.judged import BUDGETS, judge, table_of
from eval.train.prepared import Prepared
from eval.train.questions import Source, questions_of
from memory.encoders import OnnxEncoder
from memory.tokens import TokenCounter
from retrieval.packing.choose import floor
from retrieval.packing.packing import NOTHING
from retrieval.relevance.model import RelevanceModel, Scored
from retrieval.relevance.quality import nothing, quality


def figures_of(questions: Sequence[Prepared], model: RelevanceModel) -> dict[str, Any]:
    """Return every figure of one file.

    Questions put once more to a few sessions of a history, which have no weight, are easier and count
    nowhere.
    """
    natural = {"own", "foreign", "nothing"}
    asked = [question for question in questions if question.weight and question.asked.origin in natural]
    scored = [model.score(question.turns) for question in asked]
    floors = [
        floor(question.asked.query, question.turns, scores, model, question.asked.found.size)
        for question, scores in zip(asked, scored, strict=True)
    ]
    own = [place for place, question in enumerate(asked) if question.asked.origin == "own"]
    kept, scores = [asked[place] for place in own], [scored[place] for place in own]
    return {
        "questions": len(kept),
        "budgets": table_of(kept, scores, [floors[place] for place in own]),
        "recall at 10": round(_recall_at(kept, scores, 10), 4),
        "silent": _silent(asked, floors),
        "quality": {str(budget): report(asked, scored, model, floors, budget) for budget in BUDGETS},
    }


def report(
    questions: Sequence[Prepared],
    scored: Sequence[Scored],
    model: RelevanceModel,
    floors: Sequence[float],
    budget: int,
) -> dict[str, float]:
    """Return how the quality report of contexts of one size fares."""
    stated, seen = [], []
    for question, scores, least in zip(questions, scored, floors, strict=True):
        entry = judge(question, scores, budget, floor=least)
        told = quality(model, question.turns, scores, entry.rows) if len(entry.rows) else nothing(model)
        stated.append((told.expected_recall, told.expected_precision, told.sufficient))
        seen.append((entry.recall, entry.precision, float(entry.complete and question.answerable)))
    said, was = np.array(stated), np.array(seen)
    answerable = np.array([question.answerable for question in questions])
    origin = np.array([question.asked.origin for question in questions])
    own, foreign, idle = (origin == name for name in ("own", "foreign", "nothing"))
    figures = {
        "ece recall": expected_calibration_error(said[answerable, 0], was[answerable, 0]),
        "ece precision": expected_calibration_error(said[own, 1], was[own, 1]),
        "ece sufficient": expected_calibration_error(said[own, 2], was[own, 2]),
        "stated recall": float(said[answerable, 0].mean()),
        "recall": float(was[answerable, 0].mean()),
        "stated sufficient": float(said[own, 2].mean()),
        "sufficient": float(was[own, 2].mean()),
        "auroc answerable": auroc(said[own, 2], answerable[own]),
        "auroc foreign": auroc(said[answerable | foreign, 2], answerable[answerable | foreign]),
        "auroc nothing": auroc(said[answerable | idle, 2], answerable[answerable | idle]),
        "auroc sufficient": auroc(said[own, 2], was[own, 2] > 0),
    }
    return {name: round(value, 4) for name, value in figures.items()}


def _silent(questions: Sequence[Prepared], floors: Sequence[float]) -> dict[str, float]:
    """Return how often nothing is brought, by what is asked."""
    asked = np.array(
        [question.asked.origin if not question.answerable else "answerable" for question in questions]
    )
    silent = np.array(floors) >= NOTHING
    named = {"own": "unanswerable"}
    return {named.get(name, name): round(float(silent[asked == name].mean()), 4) for name in np.unique(asked)}


def _recall_at(questions: Sequence[Prepared], scored: Sequence[Scored], count: int) -> float:
    found = []
    for question, scores in zip(questions, scored, strict=True):
        best = {int(key) for key in question.turns.table.key[scores.order[:count]]}
        if question.answerable:
            found.append(np.mean([bool(group & best) for group in question.asked.question.gold]))
    return float(np.mean(found))


def main(arguments: Sequence[str] | None = None) -> None:
    """Judge and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--model", type=Path, default=Path("retrieval/models/relevance.npz"))
    parser.add_argument("--cache", type=Path, default=Path("runs/encoded"))
    parser.add_argument("--limit", type=int, help="conversations of each file")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args(arguments)
    counter, model = TokenCounter(), RelevanceModel.load(options.model)
    encoded = EncodedTexts(options.cache, OnnxEncoder())
    found = {}
    with threadpool_limits(1):
        for file in options.files:
            histories = read(file, counter, options.limit)
            source = Source(file.name, 1.0, complete=True)
            questions = list(questions_of(source, histories, histories, encoded, counter))
            found[file.name] = figures_of(questions, model)
    text = json.dumps(found, indent=1)
    if options.out:
        options.out.write_text(text + "\n")
    print(text)  # noqa: T201 - the command's answer


if __name__ == "__main__":
    main()
