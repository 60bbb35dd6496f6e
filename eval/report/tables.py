"""The report's tables, as HTML."""

from collections.abc import Sequence
from html import escape

from eval.report.differences import best_other, difference
from eval.report.load import Run
from eval.report.plots import Styles
from eval.run.rows import OWN


def verdict(ours: Run, runs: Sequence[Run], budgets: Sequence[str]) -> str:
    """Return one line a budget: the reference, the best other, and by how much."""
    rows = []
    for budget in budgets:
        other = best_other(ours, runs, budget)
        if other is None or budget not in ours.metrics["budgets"]:
            continue
        found = difference(ours, other, budget)
        mine, theirs = (run.metrics["budgets"][budget]["recall"] for run in (ours, other))
        if found is None or mine is None:
            continue
        side = "win" if found.difference > 0 else "loss"
        between = "" if found.low is None else f"{found.low * 100:+.1f} to {(found.high or 0) * 100:+.1f}"
        by_conversation = "" if found.p_conversations is None else _p(found.p_conversations)
        rows.append(
            f"<tr><th>{int(budget):,}</th><td>{mine:.3f}</td><td>{theirs:.3f} <small>{escape(other.label)}"
            f'</small></td><td class="{side}"><b>{found.difference * 100:+.1f}</b> {found.mark}</td>'
            f"<td>{between}</td><td>{_p(found.p)}</td><td>{by_conversation}</td></tr>"
        )
    head = _head("budget", ours.label, "best other", "points", "95%", "p, questions", "p, conversations")
    return f"<table>{head}{''.join(rows)}</table>" if rows else ""


def recall_table(ours: Run, runs: Sequence[Run], budgets: Sequence[str], style: Styles) -> str:
    """Return recall of every system within every budget, and whether the reference is better."""
    rows = []
    for run in runs:
        name = f'<th class="name"><i class="key {style[run.label]}"></i>{escape(run.label)}{_flags(run)}</th>'
        if run.failed:
            words = escape(run.failed.strip().splitlines()[-1][:300])
            rows.append(
                f'<tr>{name}<td class="failed" colspan="{len(budgets) + 3}">failed: {words}</td></tr>'
            )
            continue
        cells = "".join(_recall_cell(ours, run, budget) for budget in budgets)
        at_k = [run.metrics["k"].get("10", {}).get(name) for name in ("recall", "ndcg")]
        own = run.metrics["budgets"].get(OWN)
        given = f"{own['recall']:.3f} <small>{own['tokens_mean']:,.0f} tokens</small>" if own else "–"
        rows.append(
            f"<tr>{name}{cells}<td>{_number(at_k[0])}</td><td>{_number(at_k[1])}</td><td>{given}</td></tr>"
        )
    head = _head("system", *(f"{int(b):,}" for b in budgets), "recall@10", "nDCG@10", "own default context")
    return f"<table>{head}{''.join(rows)}</table>"


def quality_table(runs: Sequence[Run]) -> str:
    """Return how true each quality report is, by budget."""
    rows = []
    for run in runs:
        for budget, found in run.metrics["calibration"].get("budgets", {}).items():
            names = (
                "base_rate",
                "ece",
                "brier",
                "auroc",
                "aurc",
                "unanswerable_auroc",
                "expected_recall_ece",
            )
            cells = "".join(f"<td>{_number(found.get(name))}</td>" for name in names)
            rows.append(f'<tr><th class="name">{escape(run.label)}</th><td>{budget}</td>{cells}</tr>')
    names = ("all there", "ECE", "Brier", "AUROC", "AURC", "AUROC, unanswerable", "ECE, recall")
    return f"<table>{_head('system', 'budget', *names)}{''.join(rows)}</table>" if rows else ""


def type_table(runs: Sequence[Run], budget: str) -> str:
    """Return recall by type of question, shaded."""
    kinds = [kind for kind, found in runs[0].metrics["by_type"].items() if found["answerable"]]
    shown = [run for run in runs if not run.failed and budget in run.metrics["budgets"]]
    rows = []
    for kind in kinds:
        count = runs[0].metrics["by_type"][kind]["answerable"]
        figures = [
            run.metrics["by_type"].get(kind, {}).get("budgets", {}).get(budget, {}).get("recall")
            for run in shown
        ]
        cells = "".join(_shaded(figure) for figure in figures)
        rows.append(f'<tr><th class="name">{escape(kind)} <small>{count}</small></th>{cells}</tr>')
    return f"<table>{_head('type', *(run.label for run in shown))}{''.join(rows)}</table>"


def latency_table(runs: Sequence[Run]) -> str:
    """Return percentiles, and how many times the bare encoder they are."""
    rows = []
    for run in runs:
        found = run.metrics["latency_ms"]
        if not found:
            continue
        times = found.get("times_encoder", {}).get("p50")
        cells = "".join(f"<td>{found[name]:.1f}</td>" for name in ("p50", "p95", "p99"))
        shown = "–" if times is None else f"{times:.1f} ×"
        rows.append(
            f'<tr><th class="name">{escape(run.label)}</th>{cells}<td>{shown}</td>'
            f"<td>{run.run.get('workers', 1)}</td></tr>"
        )
    head = _head("system", "p50 ms", "p95 ms", "p99 ms", "p50 over encoder", "processes")
    return f"<table>{head}{''.join(rows)}</table>" if rows else ""


def _recall_cell(ours: Run, run: Run, budget: str) -> str:
    figures = run.metrics["budgets"].get(budget)
    if not figures or figures["recall"] is None:
        return "<td>–</td>"
    mark = ""
    if run is not ours and (found := difference(ours, run, budget)):
        mark = f'<sup class="{"win" if found.difference > 0 else "loss"}">{found.mark}</sup>'
    over = ' <b class="loss">over budget</b>' if figures["over_budget"] else ""
    title = f"all of it: {_number(figures['complete'])}, strict: {_number(figures['recall_strict'])}"
    return f'<td title="{title}">{figures["recall"]:.3f}{mark}{over}</td>'


def _flags(run: Run) -> str:
    notes = []
    if run.metrics["failed"] and not run.failed:
        notes.append(f"{run.metrics['failed']} failed")
    if run.metrics["unverified"]:
        notes.append(f"{run.metrics['unverified']} claimed, not delivered")
    return "".join(f' <b class="loss">{note}</b>' for note in notes)


def _head(*names: str) -> str:
    return "<thead><tr>" + "".join(f"<th>{escape(name)}</th>" for name in names) + "</tr></thead>"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _shaded(value: float | None) -> str:
    if value is None:
        return "<td>–</td>"
    return f'<td class="shade" style="--share:{value * 100:.0f}%">{value:.3f}</td>'


def _p(value: float) -> str:
    return "&lt; .001" if value < 0.001 else f"{value:.3f}".lstrip("0")  # noqa: PLR2004 - as papers print it
