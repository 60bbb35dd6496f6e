"""Refuse what no label fits: `python -m eval.intents.out_of_scope --data …`.

Short queries of one kind of corpus, those that labels fit and those that none fits. Twice: by a model that
saw neither, and by one that saw four fifths of those that labels fit, as the shipped one did. To abstain and
to say `other` both refuse.
"""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from eval.intents import measures
from eval.intents.design import Design, design, vocabulary
from eval.intents.evaluate import OUT_OF_SCOPE
from eval.intents.examples import Example, held_out, training
from eval.intents.fit import balance, fit, labels_of, shares, temperature
from eval.intents.vectors import VectorCache
from memory.encoders import OnnxEncoder
from memory.encoders.port import Floats
from memory.intent.taxonomy import taxonomy

_INSIDE = "clinc"
_FOLDS = 5
_OTHER = taxonomy().names.index("other")


def main(
    data: Annotated[Path, typer.Option(help="Folder with the shared data.")],
    cache: Annotated[Path, typer.Option(help="Folder for encoded texts.")] = Path("runs/intent-cache"),
) -> None:
    """Print the share refused at several accuracies of what is kept, and the AUROC of the confidence."""
    outside = [example for example in held_out(data) if example.source == OUT_OF_SCOPE]
    examples = [*training(data), *outside]
    found = design(examples, VectorCache(OnnxEncoder(threads=1), cache), vocabulary(examples))
    names = np.array([example.source for example in examples])
    labels = labels_of(examples)
    inside = np.flatnonzero((names == _INSIDE) & (labels != _OTHER))
    refused = np.flatnonzero(names == OUT_OF_SCOPE)
    rest = np.flatnonzero(~np.isin(names, [_INSIDE, OUT_OF_SCOPE]))
    typer.echo("by a model that saw none of the corpus")
    both = _shares(found, examples, rest, np.concatenate([inside, refused]))
    _report(both[: len(inside)], labels[inside], both[len(inside) :])
    typer.echo("by models that saw four fifths of its queries that labels fit")
    seen = np.flatnonzero(names == _INSIDE)
    folds = np.random.default_rng(1).permutation(len(seen)) % _FOLDS
    parts = [
        _shares(
            found,
            examples,
            np.concatenate([rest, seen[folds != fold]]),
            np.concatenate([seen[folds == fold], refused]),
        )
        for fold in range(_FOLDS)
    ]
    kept = np.zeros((len(seen), parts[0].shape[1]), np.float32)
    for fold, part in enumerate(parts):
        kept[folds == fold] = part[: -len(refused)]
    own = labels[seen] != _OTHER
    _report(kept[own], labels[seen][own], np.mean([part[-len(refused) :] for part in parts], axis=0))


def _shares(
    found: Design, examples: list[Example], learnt: NDArray[np.int64], judged: NDArray[np.int64]
) -> Floats:
    labels, weights = labels_of(examples), balance(examples)
    linear = fit(found, learnt, labels, weights)
    heat = temperature(linear.scores(found, learnt), labels[learnt], weights[learnt])
    return shares(linear.scores(found, judged), heat)


def _report(inside: Floats, labels: NDArray[np.int64], outside: Floats) -> None:
    hits, sure, unsure = inside.argmax(axis=1) == labels, _sure(inside), _sure(outside)
    higher = float((sure[:, None] > unsure[None, :]).mean())
    typer.echo(f"  in-scope accuracy without refusal {hits.mean():.3f}; AUROC of the confidence {higher:.3f}")
    for accuracy in (0.7, 0.8, 0.9):
        recall, share = measures.rejection(sure, hits, unsure, accuracy)
        typer.echo(f"  accuracy {accuracy:.2f}: out-of-scope refused {recall:.3f}, in-scope kept {share:.3f}")
    for share in (0.9, 0.8, 0.7):
        limit = np.quantile(sure, 1 - share)
        right, refused = hits[sure >= limit].mean(), (unsure < limit).mean()
        typer.echo(f"  in-scope kept {share:.2f}: out-of-scope refused {refused:.3f}, accuracy {right:.3f}")


def _sure(found: Floats) -> NDArray[np.float64]:
    """Return how sure a label other than `other` is; 0 where `other` is likelier."""
    best = found.max(axis=1).astype(np.float64)
    return np.where(found.argmax(axis=1) == _OTHER, 0.0, best)


if __name__ == "__main__":
    typer.run(main)
