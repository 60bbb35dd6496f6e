"""What each part adds: `python -m eval.train.ablations FILE… --models FOLDER --out docs/ablations.md`.

Every line packs the same candidates with the same packer, and differs in the score alone. `without …` sets
a group of the model's features to nothing, without fitting again: what the model leans on. Excerpts
are sized alike for all lines, as if every turn were likely, so figures differ a little from the model card's.
Intervals are 95% bootstrap intervals over conversations. p is a paired sign-flip test against the model: over
conversations at 1024 (of two it can't be under .5, of five not under .06), and over questions, the largest
of the three budgets'.

A file that the shipped model learned from is judged by FOLDER's model of its name, which learned from all
other sources: `python -m eval.train.relevance --data DIR --without FILE --out FOLDER/NAME.npz`.
"""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from eval.train.encoded import EncodedTexts
from eval.train.evidence import read
from eval.train.judged import judge
from eval.train.prepared import Prepared, prepared
from eval.train.searched import asked
from eval.train.untrained import untrained
from memory.encoders import OnnxEncoder
from memory.encoders.port import Floats
from memory.tokens import TokenCounter
from retrieval.index.port import Limits
from retrieval.packing.packing import PRICE
from retrieval.passages.codec import default_codec
from retrieval.relevance.model import RelevanceModel, Scored

Score = Callable[[Prepared], Floats]

SHOWN = (512, 1024, 4096)
# The line that all others are compared with.
OURS = "**the model**"
DRAWS = 2000
GROUPS = {
    "token-level scores": ("maxsim",),
    "lexical scores": ("lexical", "coverage", "rarest", "identifier"),
    "neighbours": ("before", "after", "around", "best beside"),
    "sessions and threads": ("session", "thread", "latest", "later session", "opening", "rank in session"),
    "recency": ("newness", "log newness", "newest session"),
    "feedback and versions": ("like the best", "likest", "said again later", "said before"),
    "speakers and dates": ("speaker named", "other named", "in time", "near in time"),
}


def variants(model: RelevanceModel) -> dict[str, tuple[Score, float]]:
    """Return what is compared: a score, and the price of length that goes with it."""
    without = untrained()
    rows: dict[str, tuple[Score, float]] = {
        "BM25": (lambda question: question.turns.table.lexical[:, 0], 0),
        "dense": (lambda question: question.turns.table.dense[:, 0], 0),
        "token-level": (lambda question: question.turns.table.maxsim[:, 0], 0),
        "untrained sum": (lambda question: without.score(question.turns).score, 0),
        OURS: (lambda question: model.score(question.turns).score, PRICE),
        "without the price of length": (lambda question: model.score(question.turns).score, 0),
    }
    for group, names in GROUPS.items():
        rows[f"without {group}"] = (_without(model, names), PRICE)
    return rows


def _without(model: RelevanceModel, names: Sequence[str]) -> Score:
    def score(question: Prepared) -> Floats:
        kept = [not name.removeprefix("raw ").startswith(tuple(names)) for name in question.turns.names]
        return model.score_of(question.turns, question.turns.values * np.array(kept, np.float32))

    return score


def recalls(questions: Sequence[Prepared], score: Score, price: float) -> NDArray[np.float64]:
    """Return strict recall, float64 (questions, budgets)."""
    rows = []
    for question in questions:
        own = score(question)
        scored = Scored(own, np.full(len(own), 0.5, np.float32), 1.0)
        rows.append([judge(question, scored, budget, price).recall for budget in SHOWN])
    return np.array(rows)


def interval(values: NDArray[np.float64], member: NDArray[np.int64]) -> tuple[float, float]:
    """Return the 95% bootstrap interval of the mean, over conversations."""
    draw = np.random.default_rng(0)
    sums, counts = np.bincount(member, values), np.bincount(member)
    picked = draw.integers(0, len(sums), (DRAWS, len(sums)))
    means = sums[picked].sum(axis=1) / counts[picked].sum(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def paired(values: NDArray[np.float64], others: NDArray[np.float64], member: NDArray[np.int64]) -> float:
    """Return p of a paired sign-flip test on the conversations' mean differences, two-sided."""
    gaps = np.bincount(member, values - others) / np.bincount(member)
    flips = np.random.default_rng(0).choice([-1.0, 1.0], (DRAWS * 5, len(gaps)))
    return float((1 + (np.abs(flips @ gaps) >= abs(gaps.sum()) - 1e-12).sum()) / (1 + len(flips)))


def table(name: str, questions: Sequence[Prepared], model: RelevanceModel) -> list[str]:
    """Return one file's table as lines of Markdown."""
    member = np.unique([question.history for question in questions], return_inverse=True)[1]
    found = {label: recalls(questions, *how) for label, how in variants(model).items()}
    head = " | ".join(f"{budget}" for budget in SHOWN)
    lines = [f"## {name}: {len(questions)} questions, {member.max() + 1} conversations", ""]
    lines += [
        f"| recall at | {head} | p, conversations | p, questions |",
        "|---|" + "---|" * (len(SHOWN) + 2),
    ]
    for label, values in found.items():
        cells = []
        for place in range(len(SHOWN)):
            low, high = interval(values[:, place], member)
            cells.append(f"{values[:, place].mean():.3f} ({low:.3f} to {high:.3f})")
        cells += ["", ""] if label == OURS else _significance(values, found[OURS], member)
        lines.append(f"| {label} | {' | '.join(cells)} |")
    return [*lines, ""]


def _significance(
    values: NDArray[np.float64], ours: NDArray[np.float64], member: NDArray[np.int64]
) -> list[str]:
    each = np.arange(len(values))
    largest = max(paired(values[:, place], ours[:, place], each) for place in range(len(SHOWN)))
    return [f"{paired(values[:, 1], ours[:, 1], member):.4f}", f"{largest:.4f}"]


def model_of(file: Path, folder: Path | None) -> RelevanceModel:
    """Return the folder's model of a file's name, the shipped one where there is none."""
    kept = folder / f"{file.name.split('.')[0]}.npz" if folder else None
    return RelevanceModel.load(kept) if kept and kept.exists() else RelevanceModel.shipped()


def main(arguments: Sequence[str] | None = None) -> None:
    """Compare and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--cache", type=Path, default=Path("runs/encoded"))
    parser.add_argument("--models", type=Path, help="folder of models that never saw a file, by its name")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    counter = TokenCounter()
    encoded, codec = EncodedTexts(options.cache, OnnxEncoder()), default_codec(384)
    lines = ["# What each part adds", "", *(__doc__ or "").splitlines()[2:], ""]
    with threadpool_limits(1):
        for file in options.files:
            questions = [
                prepared(entry)
                for history in read(file, counter)
                for entry in asked(history, encoded, counter, codec, Limits())
                if entry.question.gold
            ]
            lines += table(file.name, questions, model_of(file, options.models))
    options.out.write_text("\n".join(lines))


if __name__ == "__main__":
    main()
