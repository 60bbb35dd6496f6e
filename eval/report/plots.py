"""The report's plots."""

from collections.abc import Sequence
from typing import Any

from eval.report.load import Run
from eval.report.svg import Axis, Plot, Point, shares
from eval.run.breakdown import age_bins

Styles = dict[str, str]


def styles(runs: Sequence[Run]) -> Styles:
    """Return a colour class for each system, the same in every plot."""
    labels = list(dict.fromkeys(run.label for run in runs))
    return {label: f"c{place % 12}" for place, label in enumerate(labels)}


def frontier(runs: Sequence[Run], budgets: Sequence[str], style: Styles) -> str:
    """Return recall against the budget, with the interval over conversations."""
    ticks = [(float(budget), f"{int(budget):,}") for budget in budgets]
    axis = Axis(ticks[0][0], ticks[-1][0], ticks, "token budget, whole payload", log=True)
    plot = Plot(axis, shares(), "Evidence recall against the token budget")
    for run in reversed(runs):
        figures = [(float(b), run.metrics["budgets"].get(b, {}).get("recall")) for b in budgets]
        points = [(x, y) for x, y in figures if y is not None]
        if not points:
            continue
        colour = style[run.label]
        found = run.metrics["ci95"]["budgets"]
        spans = [(float(b), *found[b]["recall"]) for b in budgets if found.get(b, {}).get("recall")]
        if spans and run is runs[0]:
            plot.band([(x, low) for x, low, _ in spans], [(x, high) for x, _, high in spans], colour)
        plot.line(points, f"{colour} {_weight(run, runs)}", run.label)
        between = {x: f" (95%: {low:.3f}–{high:.3f})" for x, low, high in spans}
        titles = [f"{run.label}, {x:,.0f} tokens: {y:.3f}{between.get(x, '')}" for x, y in points]
        plot.dots(points, colour, titles)
        plot.label(points[-1][1], run.label, colour)
    return plot.render()


def calibration_plot(runs: Sequence[Run], style: Styles) -> str:
    """Return observed against stated chance that all is there; dots grow with their bin."""
    plot = Plot(shares("stated chance that all is there"), shares(), "Calibration", 420, 360, right=16)
    plot.line([(0, 0), (1, 1)], "ideal", "perfectly calibrated")
    for run in runs:
        curve = run.metrics["calibration"].get("curve")
        if curve:
            points = [(p, seen) for p, seen, _ in curve]
            plot.line(points, style[run.label], run.label)
            titles = [f"{run.label}: said {p:.2f}, was {seen:.2f}, {n} questions" for p, seen, n in curve]
            plot.dots(points, style[run.label], titles, 4)
    return plot.render()


def risk_plot(runs: Sequence[Run], style: Styles) -> str:
    """Return the share of incomplete contexts among those that a confidence lets through."""
    plot = Plot(shares("share of questions answered, surest first"), shares(), "Risk", 420, 360, right=16)
    for run in runs:
        calibration = run.metrics["calibration"]
        points: list[Point] = [(a, b) for a, b in calibration.get("risk_coverage", [])]
        if points:
            plot.line(points, style[run.label], run.label)
            base = 1 - calibration["base_rate"]
            plot.line([(0, base), (1, base)], "ideal", f"{run.label}, chance: {base:.2f}")
    return plot.render()


def by_age(runs: Sequence[Run], budget: str, style: Styles) -> str:
    """Return recall of single pieces of evidence by how many turns came after them."""
    names = [name for name, _, _ in age_bins() if any(name in run.metrics["by_age"] for run in runs)]
    ticks = [(float(place), name) for place, name in enumerate(names)]
    plot = Plot(Axis(0, max(len(names) - 1, 1), ticks, "turns since the evidence"), shares(), "Recall by age")
    for run in reversed(runs):
        found: dict[str, Any] = run.metrics["by_age"]
        points = [
            (float(place), found[name]["budgets"][budget])
            for place, name in enumerate(names)
            if budget in found.get(name, {}).get("budgets", {})
        ]
        if points:
            plot.line(points, f"{style[run.label]} {_weight(run, runs)}", run.label)
            titles = [f"{run.label}, {names[int(x)]} turns ago: {y:.3f}" for x, y in points]
            plot.dots(points, style[run.label], titles)
            plot.label(points[-1][1], run.label, style[run.label])
    return plot.render()


def latency(runs: Sequence[Run], style: Styles) -> str:
    """Return p50 (dot) to p95 (line's end) of a context, by system."""
    timed = [run for run in runs if run.metrics["latency_ms"].get("p50")]
    if not timed:
        return ""
    most = max(run.metrics["latency_ms"]["p95"] for run in timed)
    least = min(run.metrics["latency_ms"]["p50"] for run in timed)
    values = [v for v in (0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000, 3000, 10000) if least / 3 <= v <= most * 3]
    y = Axis(values[0], values[-1], [(v, f"{v:g} ms") for v in values], "", log=True)
    ticks = [(float(place), run.label) for place, run in enumerate(timed)]
    plot = Plot(Axis(-0.5, len(timed) - 0.5, ticks, ""), y, "Latency, p50 to p95", right=16)
    for place, run in enumerate(timed):
        found = run.metrics["latency_ms"]
        colour = style[run.label]
        plot.whisker(place, found["p50"], found["p95"], colour)
        title = f"{run.label}: p50 {found['p50']:.1f}, p95 {found['p95']:.1f}, p99 {found['p99']:.1f} ms"
        plot.dots([(place, found["p50"])], colour, [title], 5)
    return plot.render()


def _weight(run: Run, runs: Sequence[Run]) -> str:
    return "main" if run is runs[0] else "other"
