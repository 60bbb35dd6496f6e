"""Fit the shipped intent model: `python -m eval.intents.train --data ../shared/data --out …`."""

import json
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from eval.intents.design import design, vocabulary
from eval.intents.examples import Example, training
from eval.intents.fit import balance, fit, labels_of, packed, shares, temperature
from eval.intents.leave_out import out_of_source, sources
from eval.intents.vectors import VectorCache
from memory.encoders import Encoder, OnnxEncoder
from memory.encoders.port import Floats
from memory.intent.taxonomy import taxonomy

NAME = "intent-3"
# Below the confidence at which this share of unseen sources' examples lies, the tagger abstains.
_ABSTAIN_SHARE = 0.25
# Share of work sessions that may be called affective, by sources unseen.
_FALSE_AFFECTIVE = 0.01


@dataclass(frozen=True, slots=True)
class SourceResult:
    """How a source does when no model saw it: n examples, accuracy, accuracy with fair labels too."""

    source: str
    n: int
    accuracy: float
    fair: float


def main(
    data: Annotated[Path, typer.Option(help="Folder with the shared data.")],
    out: Annotated[Path, typer.Option(help="Where the model goes.")] = Path(
        "memory/intent/models/intent.npz"
    ),
    cache: Annotated[Path, typer.Option(help="Folder for encoded texts.")] = Path("runs/intent-cache"),
    report: Annotated[Path | None, typer.Option(help="Where the leave-one-source-out figures go.")] = None,
) -> None:
    """Fit, calibrate and write the model; print how each source does when left out."""
    encoder = OnnxEncoder(threads=1)
    results = train(training(data), encoder, cache, out)
    for result in results:
        typer.echo(f"{result.source:24s} {result.n:5d}  {result.accuracy:.3f}  {result.fair:.3f}")
    if report is not None:
        report.write_text(json.dumps([asdict(result) for result in results], indent=1) + "\n", "utf-8")


def train(examples: list[Example], encoder: Encoder, cache: Path, out: Path) -> list[SourceResult]:
    """Fit on `examples`, calibrate by leaving sources out, write `out`; return the sources' results."""
    words = vocabulary(examples)
    found = design(examples, VectorCache(encoder, cache), words)
    labels, weights = labels_of(examples), balance(examples)
    scores = out_of_source(found, examples)
    heat = temperature(scores, labels, weights)
    unseen = shares(scores, heat)
    linear = fit(found, np.arange(len(examples)), labels, weights)
    limits = (heat, unsure_limit(unseen, weights), affective_limit(unseen, examples))
    out.parent.mkdir(parents=True, exist_ok=True)
    packed(found, linear, NAME, encoder.id, limits).save(out)
    return by_source(unseen, examples)


def card(results: list[SourceResult], encoder: str) -> str:
    """Return the model's card: on what it was fitted, and how each source does when left out."""
    rows = [f"| {item.source} | {item.n} | {item.accuracy:.3f} | {item.fair:.3f} |" for item in results]
    head = [
        f"# Intent model {NAME}",
        f"Encoder `{encoder}`, taxonomy version {taxonomy().version}; calibrated by leaving sources out.",
        "Each row: a model that never saw the source, judged on it.",
        "| source | examples | accuracy | accuracy with fair other labels |\n|---|---|---|---|",
    ]
    return "\n\n".join(head) + "\n" + "\n".join(rows) + "\n"


def unsure_limit(unseen: Floats, weights: NDArray[np.float64]) -> float:
    """Return the confidence under which the least sure quarter of unseen examples lies."""
    return _quantile(unseen.max(axis=1), weights, _ABSTAIN_SHARE)


def affective_limit(unseen: Floats, examples: list[Example]) -> float:
    """Return the probability from which the affective group is named, by its false alarms on work.

    Each source counts alike, however much the fit makes of its rows.
    """
    known = taxonomy()
    affective = np.array([known.group(name) == "affective" for name in known.names])
    share = unseen[:, affective].sum(axis=1)
    work = np.array(
        [
            known.group(example.label) == "productivity"
            and not any(known.group(other) == "affective" for other in example.alt)
            for example in examples
        ]
    )
    names = np.array(sources(examples))[work]
    rows = Counter(names)
    alike = np.array([1 / rows[name] for name in names])
    # Where work would hardly ever be called affective, the plain majority decides.
    return max(_quantile(share[work], alike, 1 - _FALSE_AFFECTIVE), 0.5)


def _quantile(values: Floats, weights: NDArray[np.float64], share: float) -> float:
    """Return the value below which `share` of the weight lies."""
    order = np.argsort(values)
    reached = np.cumsum(weights[order]) / weights.sum()
    return float(values[order][np.searchsorted(reached, share)])


def by_source(unseen: Floats, examples: list[Example]) -> list[SourceResult]:
    """Return one result for each source, the largest first."""
    names, known = np.array(sources(examples)), taxonomy().names
    chosen = [known[place] for place in unseen.argmax(axis=1)]
    hits = np.array([pick == example.label for pick, example in zip(chosen, examples, strict=True)])
    fair = hits | np.array([pick in example.alt for pick, example in zip(chosen, examples, strict=True)])
    results = [
        SourceResult(
            name,
            int((names == name).sum()),
            float(hits[names == name].mean()),
            float(fair[names == name].mean()),
        )
        for name in np.unique(names)
    ]
    return sorted(results, key=lambda result: -result.n)


if __name__ == "__main__":
    typer.run(main)
