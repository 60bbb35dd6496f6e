"""Score the shipped tagger on sources that it never saw: `python -m eval.intents.evaluate --data …`."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from eval.intents import measures
from eval.intents.examples import Example, check, held_out
from eval.intents.measures import Interval, bootstrap
from eval.intents.vectors import VectorCache
from memory.encoders import OnnxEncoder
from memory.intent.model import load
from memory.intent.tagger import IntentTag, IntentTagger
from memory.intent.taxonomy import taxonomy

OUT_OF_SCOPE = "clinc_oos"
# The share of affective sessions in assistant use (Anthropic, affective use, June 2025).
AFFECTIVE_PREVALENCE = 0.029


@dataclass(frozen=True, slots=True)
class Scored:
    """Examples and the tags that they got."""

    examples: list[Example]
    tags: list[IntentTag]

    def where(self, keep: Sequence[bool] | NDArray[np.bool_]) -> "Scored":
        """Return the rows that are kept."""
        chosen = [place for place, kept in enumerate(keep) if kept]
        return Scored([self.examples[place] for place in chosen], [self.tags[place] for place in chosen])

    @property
    def truth(self) -> NDArray[np.str_]:
        return np.array([example.label for example in self.examples])

    @property
    def given(self) -> NDArray[np.str_]:
        return np.array([tag.label for tag in self.tags])

    @property
    def confidence(self) -> NDArray[np.float64]:
        return np.array([tag.confidence for tag in self.tags])

    @property
    def affective(self) -> NDArray[np.float64]:
        return np.array([tag.groups["affective"] for tag in self.tags])

    @property
    def hits(self) -> NDArray[np.bool_]:
        hits: NDArray[np.bool_] = self.truth == self.given
        return hits

    @property
    def fair(self) -> NDArray[np.bool_]:
        """Hits on the label, or on another that a fair judge would accept."""
        pairs = zip(self.tags, self.examples, strict=True)
        return np.array([tag.label in (example.label, *example.alt) for tag, example in pairs])


def score(examples: list[Example], cache: VectorCache, tagger: IntentTagger) -> Scored:
    """Tag each example turn by turn."""
    vectors = iter(cache.encode([turn for example in examples for turn in example.turns]))
    tags = []
    for example in examples:
        pooled = [next(vectors) for _ in example.turns]
        tag = tagger.tag(pooled, example.turns, ["user"] * len(example.turns))
        if tag is None:
            raise ValueError("an example without a user turn")
        tags.append(tag)
    return Scored(examples, tags)


def figures(scored: Scored, accuracy_outside: float = 0.90) -> dict[str, Interval]:
    """Return the figures of the issue's list; each with a bootstrap interval over rows."""
    known = taxonomy()
    outside = np.array([example.source == OUT_OF_SCOPE for example in scored.examples])
    inside = scored.where(~outside)
    truth, given, hits, fair, sure = inside.truth, inside.given, inside.hits, inside.fair, inside.confidence
    work = [label.name for label in known.labels if label.group == "productivity"]
    groups = np.array([known.group(name) for name in truth])
    said = np.array([tag.group for tag in inside.tags])
    rows = np.isin(truth, work)
    refused = scored.where(outside).confidence
    found = {
        "macro_f1_work": bootstrap(
            lambda i: measures.macro_f1(truth[rows][i], given[rows][i], work), int(rows.sum())
        ),
        "macro_f1_work_all_rows": bootstrap(
            lambda i: measures.macro_f1(truth[i], given[i], work), len(truth)
        ),
        "accuracy": bootstrap(lambda i: float(hits[i].mean()), len(hits)),
        "accuracy_fair": bootstrap(lambda i: float(fair[i].mean()), len(hits)),
        "group_accuracy": bootstrap(lambda i: float((groups[i] == said[i]).mean()), len(hits)),
        "selective_60": bootstrap(lambda i: measures.selective_accuracy(hits[i], sure[i], 0.6), len(hits)),
        "selective_60_fair": bootstrap(
            lambda i: measures.selective_accuracy(fair[i], sure[i], 0.6), len(hits)
        ),
        "ece": bootstrap(lambda i: measures.calibration_error(hits[i], sure[i]), len(hits)),
        "ece_fair": bootstrap(lambda i: measures.calibration_error(fair[i], sure[i]), len(hits)),
        "abstained": bootstrap(
            lambda i: float(np.mean([inside.tags[int(j)].abstained for j in i])), len(hits)
        ),
    }
    if len(refused):
        found["outside_refused"] = bootstrap(
            lambda i: measures.rejection(sure, hits, refused[i], accuracy_outside)[0], len(refused), 100
        )
    return found | affective(inside)


def affective(scored: Scored) -> dict[str, Interval]:
    """Return the affective group's figures, precision re-weighted to its share in life."""
    known = taxonomy()
    positive = np.array([known.group(example.label) == "affective" for example in scored.examples])
    share, said = scored.affective, np.array([tag.group == "affective" for tag in scored.tags])

    def at_recall(rows: NDArray[np.int64]) -> float:
        limit = measures.limit_for_recall(share[rows][positive[rows]], 0.85)
        alarms = float((share[rows][~positive[rows]] >= limit).mean())
        return measures.precision_at(0.85, alarms, AFFECTIVE_PREVALENCE)

    n = len(positive)
    return {
        "affective_recall": bootstrap(lambda i: float(said[i][positive[i]].mean()), n),
        "affective_false_alarms": bootstrap(lambda i: float(said[i][~positive[i]].mean()), n),
        "affective_precision_at_recall_85": bootstrap(at_recall, n),
    }


def by_source(scored: Scored) -> list[dict[str, Any]]:
    """Return accuracy, strict and fair, for each source and label."""
    pairs = sorted({(example.source, example.label) for example in scored.examples})
    rows = []
    for source, label in pairs:
        part = scored.where([(item.source, item.label) == (source, label) for item in scored.examples])
        rows.append(
            {
                "source": source,
                "label": label,
                "n": len(part.tags),
                "accuracy": float(part.hits.mean()),
                "fair": float(part.fair.mean()),
            }
        )
    return rows


def main(
    data: Annotated[Path, typer.Option(help="Folder with the shared data.")],
    cache: Annotated[Path, typer.Option(help="Folder for encoded texts.")] = Path("runs/intent-cache"),
    out: Annotated[Path | None, typer.Option(help="Where the figures go, as JSON.")] = None,
    model: Annotated[Path | None, typer.Option(help="A model file instead of the shipped one.")] = None,
    *,
    own: Annotated[bool, typer.Option(help="Score our own check set, to choose by.")] = False,
) -> None:
    """Print the figures on the held-out sources."""
    examples = check() if own else held_out(data)
    tagger = IntentTagger(load(model) if model else None)
    scored = score(examples, VectorCache(OnnxEncoder(threads=1), cache), tagger)
    found = figures(scored)
    for name, interval in found.items():
        typer.echo(f"{name:36s} {interval}")
    rows = by_source(scored)
    for row in rows:
        typer.echo(
            f"{row['source']:22s} {row['label']:20s} {row['n']:5d} {row['accuracy']:.3f} {row['fair']:.3f}"
        )
    if out is not None:
        report = {"figures": {name: asdict(interval) for name, interval in found.items()}, "by_source": rows}
        out.write_text(json.dumps(report, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    typer.run(main)
