"""From rows to figures: `metrics.json`."""

from collections.abc import Sequence
from statistics import mean
from typing import Any

from eval.metrics.latency import percentiles
from eval.metrics.recall import recall
from eval.run.breakdown import by_age, by_type
from eval.run.measures import Measure, by_conversation, k_measures, mean_of, shot_measures
from eval.run.quality import calibration
from eval.run.rows import OWN, Row
from eval.stats.bootstrap import interval


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
        "by_type": by_type(answered, labels),
        "by_age": by_age(answered, labels),
        "pool": _pool([row.pool for row in rows]),
        "calibration": calibration(answered, labels),
        "latency_ms": _latency(answered),
        "ci95": _intervals(answered, [label for label in labels if shots[label]], ks, seed),
        "conversations": len({row.conversation for row in rows}),
    }


def _at_budget(rows: Sequence[Row], label: str) -> dict[str, Any]:
    tokens = [row.contexts[label].tokens for row in rows]
    saved = [1 - used / row.available for row, used in zip(rows, tokens, strict=True) if row.available]
    limit = int(label) if label.isdigit() else None
    return {
        **{name: mean_of(rows, measure) for name, measure in shot_measures(label).items()},
        "tokens_mean": round(mean(tokens), 1),
        "tokens_max": max(tokens),
        "saved": round(mean(saved), 5) if saved else None,
        "over_budget": 0 if limit is None else sum(used > limit for used in tokens),
    }


def _at_k(rows: Sequence[Row], k: int) -> dict[str, Any]:
    ranked = [row for row in rows if row.answerable and row.ranking]
    refused = sum(k >= row.pool for row in ranked)
    figures = {name: mean_of(rows, measure) for name, measure in k_measures(k).items()}
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
