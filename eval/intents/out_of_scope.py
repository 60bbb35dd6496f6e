"""Refuse what no label fits: `python -m eval.intents.out_of_scope --data …`.

Short queries of one kind of corpus, those that labels fit and those that none fits; the model saw neither.
"""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from eval.intents import measures
from eval.intents.design import design, vocabulary
from eval.intents.evaluate import OUT_OF_SCOPE
from eval.intents.examples import held_out, training
from eval.intents.fit import balance, fit, labels_of, shares, temperature
from eval.intents.vectors import VectorCache
from memory.encoders import OnnxEncoder

_INSIDE = "clinc"


def main(
    data: Annotated[Path, typer.Option(help="Folder with the shared data.")],
    cache: Annotated[Path, typer.Option(help="Folder for encoded texts.")] = Path("runs/intent-cache"),
) -> None:
    """Print the share refused at several accuracies of what is kept, and the AUROC of the confidence."""
    outside = [example for example in held_out(data) if example.source == OUT_OF_SCOPE]
    examples = [*training(data), *outside]
    found = design(examples, VectorCache(OnnxEncoder(threads=1), cache), vocabulary(examples))
    names = np.array([example.source for example in examples])
    labels, weights = labels_of(examples), balance(examples)
    rest = np.flatnonzero(~np.isin(names, [_INSIDE, OUT_OF_SCOPE]))
    linear = fit(found, rest, labels, weights)
    heat = temperature(linear.scores(found, rest), labels[rest], weights[rest])
    inside, refused = (np.flatnonzero(names == name) for name in (_INSIDE, OUT_OF_SCOPE))
    kept, other = (shares(linear.scores(found, rows), heat) for rows in (inside, refused))
    hits, sure = kept.argmax(axis=1) == labels[inside], kept.max(axis=1).astype(np.float64)
    unsure = other.max(axis=1).astype(np.float64)
    higher = float((sure[:, None] > unsure[None, :]).mean())
    typer.echo(f"in-scope accuracy without refusal {hits.mean():.3f}; AUROC of the confidence {higher:.3f}")
    for accuracy in (0.7, 0.8, 0.9):
        recall, share = measures.rejection(sure, hits, unsure, accuracy)
        typer.echo(f"accuracy {accuracy:.2f}: out-of-scope refused {recall:.3f}, in-scope kept {share:.3f}")


if __name__ == "__main__":
    typer.run(main)
