"""The report: one HTML file that needs nothing else."""

from collections.abc import Sequence
from html import escape
from typing import Any

from eval.report.differences import best_other, budgets, difference, reference
from eval.report.document import document, resource
from eval.report.failures import failures
from eval.report.load import Run, datasets
from eval.report.plots import Styles, by_age, calibration_plot, frontier, latency, risk_plot, styles
from eval.report.sizes import sizes_section
from eval.report.tables import latency_table, quality_table, recall_table, type_table, verdict
from eval.run.quality import headline

_ABOUT = (
    "Evidence recall: share of a question's labelled evidence in the context, mean over questions that have "
    "evidence. The budget is the whole payload as delivered, fences and dates included, in one tokenizer for "
    "all. All systems got the same turns, encoder, budget and, where they only rank, the same renderer. "
    "Intervals: bootstrap over conversations. Stars: p below .05, .01, .001 by a sign-flip test over "
    "questions, shown only where the interval over conversations excludes zero too. Retrieval only: nothing "
    "here says how well a model answers."
)


def page(runs: Sequence[Run], main: str, latencies: Sequence[dict[str, Any]] = ()) -> str:
    """Return the report of these runs; `main` is the system that others are compared with.

    latencies: what `eval latency` measured.
    """
    style = styles(runs)
    parts = datasets(runs)
    nav = "".join(f'<a href="#{_anchor(name)}">{escape(name)}</a>' for name in parts)
    body = "".join(_dataset(name, part, main, style) for name, part in parts.items())
    body += "".join(sizes_section(found) for found in latencies)
    leads = "".join(f"<p class='lead'>{_lead(name, part, main)}</p>" for name, part in parts.items())
    return document(
        f"Evidence recall: {', '.join(parts)}",
        f"<h1>Evidence recall under a token budget</h1>{leads}<nav>{nav}</nav>"
        f"<p class='note'>{_ABOUT}</p>{body}{_made(runs)}",
        script=resource("script.js"),
    )


def standalone(svg: str) -> str:
    """Return a plot as a file of its own."""
    return svg.replace(">", f"><style>{resource('style.css')}</style>", 1) + "\n"


def _lead(name: str, runs: Sequence[Run], main: str) -> str:
    """Return who wins on a data set, and by how much, in one sentence."""
    ours = reference(runs, main)
    shared = [budget for budget in budgets(runs) if budget in ours.metrics["budgets"]]
    if not shared:
        return f"<b>{escape(name)}</b>: {escape(ours.label)} has no figures."
    budget = headline(shared)
    mine = ours.metrics["budgets"][budget]["recall"]
    other = best_other(ours, runs, budget)
    start = f"<b>{escape(name)}</b>, {int(budget):,} tokens: {escape(ours.label)} finds <b>{mine:.1%}</b>"
    found = difference(ours, other, budget) if other else None
    if other is None or found is None:
        return f"{start} of the evidence."
    side = "more" if found.difference > 0 else "less"
    return (
        f'{start} of the evidence, <span class="{"win" if found.difference > 0 else "loss"}">'
        f"{abs(found.difference) * 100:.1f} points {side}</span> than the best other, {escape(other.label)}."
    )


def _dataset(name: str, runs: Sequence[Run], main: str, style: Styles) -> str:
    ours = reference(runs, main)
    # The reference is drawn thick and compared with, so it comes first.
    ordered = [ours, *(run for run in runs if run is not ours)]
    shared = budgets(ordered)
    budget = headline(shared)
    calibrated = any(run.metrics["calibration"] for run in ordered)
    sections = [
        f'<h2 id="{_anchor(name)}">{escape(name)}</h2>',
        _about(ours),
        f"<h3>{escape(ours.label)} against the best other</h3>{_wide(verdict(ours, ordered, shared))}",
        f"<h3>Recall against tokens</h3>{frontier(ordered, shared, style)}",
        f"<h3>All systems</h3>{_wide(recall_table(ours, ordered, shared, style))}",
        f"<h3>By type of question, {int(budget):,} tokens</h3>{_wide(type_table(ordered, budget))}",
        f"<h3>By age of the evidence, {int(budget):,} tokens</h3>{by_age(ordered, budget, style)}",
        _quality(ordered, style) if calibrated else "",
        f"<h3>Latency of a context</h3>{latency(ordered, style)}{_wide(latency_table(ordered))}",
        f"<h3>What {escape(ours.label)} misses</h3>{failures(ours, ordered, budget)}",
    ]
    return "".join(sections)


def _about(ours: Run) -> str:
    about, pool = ours.run["dataset"], ours.metrics["pool"]
    return (
        f"<p class='note'>{about['conversations']} conversations, {about['units']:,} turns, "
        f"{ours.metrics['n']:,} questions, {ours.metrics['answerable']:,} with evidence. Turns that a "
        f"question may see: {pool['min']:,} to {pool['max']:,}, median {pool['median']:,}. "
        f"File {escape(about['file'])}, sha256 {about['sha256'][:12]}….</p>"
    )


def _quality(runs: Sequence[Run], style: Styles) -> str:
    return (
        "<h3>Is the quality report true?</h3>"
        "<p class='note'>Stated chance that all needed evidence is in the context, against what was there; "
        "questions without evidence count as not there. Right: the share of incomplete contexts among those "
        "answered, surest first.</p>"
        f'<div class="pair">{calibration_plot(runs, style)}{risk_plot(runs, style)}</div>'
        f"{_wide(quality_table(runs))}"
    )


def _made(runs: Sequence[Run]) -> str:
    """Return how each figure was made."""
    lines = "".join(
        f"<li><code>{escape(run.run['command'])}</code> <small>version {escape(str(run.run['version']))}, "
        f"commit {escape(str(run.run['commit'])[:10])}, {escape(run.run['machine']['cpu'])}, "
        f"{run.run['machine']['cores']} cores, {escape(str(run.run.get('finished')))}"
        f"{_note(run)}</small></li>"
        for run in runs
    )
    return f"<h2>How it was made</h2><ul>{lines}</ul>"


def _note(run: Run) -> str:
    note = run.run["settings"].get("note")
    packages = run.run["settings"].get("packages") or {}
    named = ", ".join(f"{name} {version}" for name, version in packages.items())
    return "".join(f"; {escape(part)}" for part in (named, note) if part)


def _wide(table: str) -> str:
    return f'<div class="wide">{table}</div>'


def _anchor(name: str) -> str:
    return "d-" + "".join(letter if letter.isalnum() else "-" for letter in name)
