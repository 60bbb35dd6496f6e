"""Predict the source: how much of where a text is from can be read off what the tagger sees of it.

`python -m eval.intents.probe --data …`. A high figure means that a model *could* recognise corpora; the
leave-one-source-out figures say what that costs.
"""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from eval.intents.design import Design, design, vocabulary
from eval.intents.examples import training
from eval.intents.fit import fit, labels_of, shares
from eval.intents.leave_out import sources
from eval.intents.softmax import softmax_weights
from eval.intents.vectors import VectorCache
from memory.encoders import OnnxEncoder

_ROUNDS = 500


def main(
    data: Annotated[Path, typer.Option(help="Folder with the shared data.")],
    cache: Annotated[Path, typer.Option(help="Folder for encoded texts.")] = Path("runs/intent-cache"),
) -> None:
    """Print how well sources are predicted from all that is seen, and from the tag's probabilities."""
    examples = training(data)
    found = design(examples, VectorCache(OnnxEncoder(threads=1), cache), vocabulary(examples))
    names = np.array(sources(examples))
    chance = max(float((names == name).mean()) for name in np.unique(names))
    seen = _crossed(found, names)
    rows = np.arange(len(names))
    weights = np.ones(len(names))
    tags = shares(fit(found, rows, labels_of(examples), weights).scores(found, rows), 1.0)
    from_tag = cross_val_predict(LogisticRegression(max_iter=_ROUNDS), tags, names, cv=3)
    typer.echo(f"largest source {chance:.3f}")
    typer.echo(f"from all that is seen {float((seen == names).mean()):.3f}")
    typer.echo(f"from the intent's probabilities alone {float((from_tag == names).mean()):.3f}")


def _crossed(found: Design, names: NDArray[np.str_]) -> NDArray[np.str_]:
    """Return each row's likeliest source by a logistic model of the other two thirds."""
    known, places = np.unique(names, return_inverse=True)
    truth = np.eye(len(known), dtype=np.float32)[places]
    even = np.ones(len(names), np.float32)
    said = np.zeros(len(names), np.int64)
    for rest, inside in StratifiedKFold(3).split(names, names):
        dense, words = found.rows[:, : found.dense], found.rows[:, found.dense :]
        weights = softmax_weights(dense[rest].toarray(), words[rest], truth[rest], even[rest], 1.0)
        said[inside] = (found.rows[inside] @ weights[:-1] + weights[-1]).argmax(axis=1)
    predicted: NDArray[np.str_] = known[said]
    return predicted


if __name__ == "__main__":
    typer.run(main)
