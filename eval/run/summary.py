"""From rows to figures: `metrics.json`."""

from collections.abc import Callable, Iterable, Sequence
from statistics import mean
from typing import Any

from eval.metrics.latency import percentiles
from eval.metrics.ndcg import ndcg
from eval.metrics.precision import precision
from eval.metrics.recall import recall
from eval.run.quality import calibration
from eval.run.rows import OWN, Row, Shot
from eval.stats.bootstrap import interval

Measure = Callable[[Row], float | None]

# Units that came after the evidence: younger than the first bound, between two, older than the last.
AGES = (20, 100, 300, 1000)


def summary(rows: Sequence[Row], budgets: Sequence[int], ks: Sequence[int], seed: int) -> dict[str, Any]:
    """Return every figure of a run. Questions without evidence count in `calibration` alone.

    A figure that no question supports is null. `failed` questions are in no figure; with any of them the
    run is not valid, as with any context over its budget or with words it did not deliver.
    """
    answered = [row for row in rows if row.error is None]
    labels = [*(str(b) for b in sorted(budgets)), OWN]
    shots = {label: [row for row in answered if label in row.contexts] for label in labels}
    figures = {label: _at_budget(shots[label], label) for label in labels if shots[label]}
    over = sum(figure["over_budget"] for figure in figures.values())
    unverified = sum(shot.unverified for row in answered for shot in row.contexts.values())
    failed = len(rows) - len(answered)
    return {
        "n": len(rows),
        "answerable": sum(row.answerable for row in rows),
        "failed": failed,
        "valid": not (over or unverified or failed) and bool(rows),
        "unverified": unverified,
        "budgets": figures,
        "k": {str(k): _at_k(answered, k) for k in ks},
        "light": _light(answered, budgets),
        "by_type": _by_type(answered, labels),
        "by_age": _by_age(answered, labels),
        "pool": _pool([row.pool for row in rows]),
        "calibration": calibration(answered, labels),
        "latency_ms": _latency(answered),
        "ci95": _intervals(answered, [label for label in labels if shots[label]], ks, seed),
        "conversations": len({row.conversation for row in rows}),
    }


def shot_measures(label: str) -> dict[str, Measure]:
    """Return what is measured of a context; None where a question doesn't bear on it."""

    def judged(measure: Callable[[Row, Shot], float | None]) -> Measure:
        def found(row: Row) -> float | None:
            shot = row.contexts.get(label)
            return measure(row, shot) if shot and row.answerable and row.error is None else None

        return found

    return {
        "recall": judged(lambda _, shot: recall(shot.hits)),
        "recall_strict": judged(lambda _, shot: recall(shot.strict)),
        "complete": judged(lambda row, shot: None if row.incomplete else float(all(shot.hits))),
        "precision": judged(_precision),
    }


def k_measures(k: int) -> dict[str, Measure]:
    """Return what is measured of the first `k` of a ranking; refused where `k` reaches the pool."""

    def usable(row: Row) -> bool:
        return row.answerable and bool(row.ranking) and k < row.pool

    return {
        "recall": lambda row: recall(_top(row, k)) if usable(row) else None,
        "ndcg": lambda row: ndcg(_condensed(row), row.groups, k) if usable(row) else None,
    }


def by_conversation(rows: Iterable[Row], measure: Measure) -> dict[str, list[float]]:
    """Return the measure's values, grouped for the bootstrap."""
    found: dict[str, list[float]] = {}
    for row in rows:
        value = measure(row)
        if value is not None:
            found.setdefault(row.conversation, []).append(value)
    return found


def _precision(row: Row, shot: Shot) -> float | None:
    gold = {unit for group in row.groups for unit in group}
    return precision([item[0] for item in shot.items], gold, row.also)


def _condensed(row: Row) -> list[str]:
    """Return the ranking without what is neither rewarded nor punished."""
    gold = {unit for group in row.groups for unit in group}
    return [unit for unit in row.ranking if unit in gold or unit not in row.also]


def _top(row: Row, k: int) -> list[bool]:
    first = set(row.ranking[:k])
    return [any(unit in first for unit in group) for group in row.groups]


def _mean(rows: Iterable[Row], measure: Measure) -> float | None:
    values = [value for row in rows if (value := measure(row)) is not None]
    return round(mean(values), 5) if values else None


def _at_budget(rows: Sequence[Row], label: str) -> dict[str, Any]:
    tokens = [row.contexts[label].tokens for row in rows]
    saved = [1 - used / row.available for row, used in zip(rows, tokens, strict=True) if row.available]
    limit = int(label) if label.isdigit() else None
    return {
        **{name: _mean(rows, measure) for name, measure in shot_measures(label).items()},
        "tokens_mean": round(mean(tokens), 1),
        "tokens_max": max(tokens),
        "saved": round(mean(saved), 5) if saved else None,
        "over_budget": 0 if limit is None else sum(used > limit for used in tokens),
    }


def _at_k(rows: Sequence[Row], k: int) -> dict[str, Any]:
    ranked = [row for row in rows if row.answerable and row.ranking]
    refused = sum(k >= row.pool for row in ranked)
    figures = {name: _mean(rows, measure) for name, measure in k_measures(k).items()}
    return {**figures, "n": len(ranked) - refused, "refused": refused}


def _light(rows: Sequence[Row], budgets: Sequence[int]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for label in (str(budget) for budget in sorted(budgets)):
        some = [row for row in rows if row.answerable and label in row.light]
        hits = [row.light[label] for row in some]
        judged = [row.light[label] for row in some if not row.incomplete]
        if hits:
            complete = round(mean(all(hit) for hit in judged), 5) if judged else None
            found[label] = {"recall": round(mean(recall(hit) for hit in hits), 5), "complete": complete}
    return found


def _by_type(rows: Sequence[Row], labels: Sequence[str]) -> dict[str, Any]:
    types = sorted({row.type for row in rows})
    parts = {kind: [row for row in rows if row.type == kind] for kind in types}
    return {
        kind: {
            "n": len(part),
            "answerable": sum(row.answerable for row in part),
            "budgets": {
                label: {name: _mean(part, shot_measures(label)[name]) for name in ("recall", "complete")}
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


def _by_age(rows: Sequence[Row], labels: Sequence[str]) -> dict[str, Any]:
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


def _pool(sizes: Sequence[int]) -> dict[str, int]:
    ordered = sorted(sizes)
    return {"min": ordered[0], "median": ordered[len(ordered) // 2], "max": ordered[-1]} if ordered else {}


def _latency(rows: Sequence[Row]) -> dict[str, Any]:
    figures: dict[str, Any] = percentiles([row.ms for row in rows if row.ms is not None])
    pairs = [(row.ms, row.encoder_ms) for row in rows if row.ms is not None and row.encoder_ms]
    if pairs:
        figures["encoder_ms"] = percentiles([encoder for _, encoder in pairs])
        figures["times_encoder"] = percentiles([total / encoder for total, encoder in pairs])
    return figures


def _intervals(rows: Sequence[Row], labels: Sequence[str], ks: Sequence[int], seed: int) -> dict[str, Any]:
    def of(measures: dict[str, Measure]) -> dict[str, Any]:
        found = {name: interval(by_conversation(rows, measure), seed) for name, measure in measures.items()}
        return {name: [round(low_high, 5) for low_high in pair] for name, pair in found.items() if pair}

    return {
        "budgets": {label: of(shot_measures(label)) for label in labels},
        "k": {str(k): of(k_measures(k)) for k in ks},
    }
