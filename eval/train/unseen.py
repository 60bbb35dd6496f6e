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
from eval.train.relevance import questions_of
from memory.encoders import OnnxEncoder
from memory.tokens import TokenCounter
from retrieval.quality import quality, quality_inputs
from retrieval.relevance import RelevanceModel, Scored


def figures_of(questions: Sequence[Prepared], model: RelevanceModel) -> dict[str, Any]:
    """Return every figure of one file."""
    asked = [question for question in questions if question.asked.origin in {"own", "foreign"}]
    scored = [model.score(question.turns) for question in asked]
    own = [place for place, question in enumerate(asked) if question.asked.origin == "own"]
    kept, scores = [asked[place] for place in own], [scored[place] for place in own]
    return {
        "questions": len(kept),
        "budgets": table_of(kept, scores),
        "recall at 10": round(_recall_at(kept, scores, 10), 4),
        "quality": {str(budget): report(asked, scored, model, budget) for budget in BUDGETS},
    }


def report(
    questions: Sequence[Prepared], scored: Sequence[Scored], model: RelevanceModel, budget: int
) -> dict[str, float]:
    """Return how the quality report of contexts of one size fares."""
    stated, seen = [], []
    for question, scores in zip(questions, scored, strict=True):
        entry = judge(question, scores, budget)
        told = quality(
            model,
            quality_inputs(question.asked.query, question.turns, scores, entry.rows),
            empty=not len(entry.rows),
        )
        stated.append((told.expected_recall, told.expected_precision, told.sufficient))
        seen.append((entry.recall, entry.precision, float(entry.complete and question.answerable)))
    said, was = np.array(stated), np.array(seen)
    answerable = np.array([question.answerable for question in questions])
    foreign = np.array([question.asked.origin == "foreign" for question in questions])
    figures = {
        "ece recall": expected_calibration_error(said[answerable, 0], was[answerable, 0]),
        "ece precision": expected_calibration_error(said[~foreign, 1], was[~foreign, 1]),
        "ece sufficient": expected_calibration_error(said[~foreign, 2], was[~foreign, 2]),
        "stated recall": float(said[answerable, 0].mean()),
        "recall": float(was[answerable, 0].mean()),
        "stated sufficient": float(said[~foreign, 2].mean()),
        "sufficient": float(was[~foreign, 2].mean()),
        "auroc answerable": auroc(said[~foreign, 2], answerable[~foreign]),
        "auroc foreign": auroc(said[answerable | foreign, 2], answerable[answerable | foreign]),
        "auroc sufficient": auroc(said[~foreign, 2], was[~foreign, 2] > 0),
    }
    return {name: round(value, 4) for name, value in figures.items()}


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
            questions = questions_of(read(file, counter, options.limit), encoded, counter)
            found[file.name] = figures_of(questions, model)
    text = json.dumps(found, indent=1)
    if options.out:
        options.out.write_text(text + "\n")
    print(text)  # noqa: T201 - the command's answer


if __name__ == "__main__":
    main()
