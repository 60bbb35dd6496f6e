"""Figures by type of question and by age of the evidence."""

from collections.abc import Sequence
from statistics import mean
from typing import Any

from eval.run.measures import mean_of, shot_measures
from eval.run.rows import Row

# Units that came after the evidence: younger than the first bound, between two, older than the last.
AGES = (20, 100, 300, 1000)


def by_type(rows: Sequence[Row], labels: Sequence[str]) -> dict[str, Any]:
    types = sorted({row.type for row in rows})
    parts = {kind: [row for row in rows if row.type == kind] for kind in types}
    return {
        kind: {
            "n": len(part),
            "answerable": sum(row.answerable for row in part),
            "budgets": {
                label: {name: mean_of(part, shot_measures(label)[name]) for name in ("recall", "complete")}
                for label in labels
                if any(label in row.contexts and row.answerable for row in part)
            },
        }
        for kind, part in parts.items()
    }


def age_bins() -> list[tuple[str, int, float]]:
    """Return name, lowest and past-the-highest age of each bin."""
    bounds = [0, *AGES]
    pairs = zip(bounds, [*AGES, float("inf")], strict=True)
    return [(f"{a}-{int(b) - 1}" if b < float("inf") else f"{a}+", a, b) for a, b in pairs]


def by_age(rows: Sequence[Row], labels: Sequence[str]) -> dict[str, Any]:
    """Return recall of single pieces of evidence by how many units came after them."""
    found: dict[str, Any] = {}
    for name, low, high in age_bins():
        places = [(row, n) for row in rows for n, age in enumerate(row.ages) if low <= age < high]
        if not places:
            continue
        found[name] = {"n": len(places), "budgets": {}}
        for label in labels:
            hits = [row.contexts[label].hits[n] for row, n in places if label in row.contexts]
            if hits:
                found[name]["budgets"][label] = round(mean(hits), 5)
    return found
