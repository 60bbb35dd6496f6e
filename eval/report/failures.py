"""What went wrong: questions whose evidence is not all there, to be read."""

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from eval.datasets import Conversation, Unit, read
from eval.datasets.read import digest
from eval.report.load import Run
from eval.run.rows import Row

_SHOWN = 80
_PACKED = 15
_CHARACTERS = 400


def texts_of(run: Run) -> dict[str, Conversation]:
    """Return the conversations of the run's file; {} if it is gone or has changed."""
    path = Path(run.run["data"])
    if not path.is_file() or digest(path) != run.run["dataset"]["sha256"]:
        return {}
    return {conversation.id: conversation for conversation in read(path)}


def failures(ours: Run, runs: Sequence[Run], budget: str) -> str:
    """Return the worst questions of the reference: what was asked, needed and packed, and why."""
    # What chance or the calendar found teaches nothing.
    runs = [run for run in runs if run.system not in {"random", "newest"} or run is ours]
    rows = [
        row
        for row in ours.rows.values()
        if row.answerable and budget in row.contexts and not all(row.contexts[budget].hits)
    ]
    # Where another system found more there is most to learn.
    rows.sort(key=lambda row: (-_others(row, runs, ours, budget), row.key))
    texts = texts_of(ours)
    kinds = sorted({row.type for row in rows})
    options = "".join(f"<option>{escape(kind)}</option>" for kind in kinds)
    shown = "".join(_one(row, ours, runs, budget, texts.get(row.conversation)) for row in rows[:_SHOWN])
    return (
        f"<p>{len(rows)} of {ours.metrics['answerable']} questions are not complete at {int(budget):,} "
        f"tokens; "
        f"{min(len(rows), _SHOWN)} are shown, those first that others do better on.</p>"
        f'<div class="filter"><select><option value="">all types</option>{options}</select>'
        f'<input type="search" placeholder="search" aria-label="search in failures"></div>'
        f'<div class="failures">{shown}</div>'
    )


def _others(row: Row, runs: Sequence[Run], ours: Run, budget: str) -> float:
    """Return how much more the best other found."""
    mine = sum(row.contexts[budget].hits)
    found = [
        sum(other.contexts[budget].hits)
        for run in runs
        if run is not ours and (other := run.rows.get(row.key)) and budget in other.contexts
    ]
    return (max(found, default=0) - mine) / len(row.groups)


def _one(row: Row, ours: Run, runs: Sequence[Run], budget: str, known: Conversation | None) -> str:
    units = {unit.id: unit for unit in known.units} if known else {}
    question = next((q.text for q in known.queries if q.id == row.query), "") if known else ""
    shot = row.contexts[budget]
    finders = [
        run.label
        for run in runs
        if run is not ours
        and (other := run.rows.get(row.key))
        and budget in other.contexts
        and all(other.contexts[budget].hits)
    ]
    gold = "".join(
        f'<li class="{"win" if hit else "loss"}">{"found" if hit else "missing"}: '
        f"{_unit(group[0], units)}</li>"
        for group, hit in zip(row.groups, shot.hits, strict=True)
    )
    best = sorted(shot.items, key=lambda item: -(item[2] or 0))[:_PACKED]
    packed = "".join(
        f"<li>{_unit(unit, units, spans)} <small>{_why(relevance, reason)}</small></li>"
        for unit, spans, relevance, reason in best
    )
    said = shot.quality
    report = f"said: sufficient {said.sufficient:.2f}, recall {said.expected_recall:.2f}. " if said else ""
    others = f"Complete in: {', '.join(finders)}. " if finders else "Complete nowhere. "
    return (
        f'<details data-type="{escape(row.type)}"><summary><b>{sum(shot.hits)}/{len(shot.hits)}</b> '
        f"<i>{escape(row.type)}</i> {escape(question or row.query)}</summary>"
        f"<p><small>{escape(row.conversation)} · {escape(row.query)} · pool {row.pool} · {escape(report)}"
        f"{escape(others)}</small></p><h5>needed</h5><ul>{gold}</ul>"
        f"<h5>packed, most relevant first ({len(shot.items)} in all)</h5><ol>{packed}</ol></details>"
    )


def _unit(name: str, units: Mapping[str, Unit], spans: Sequence[tuple[int, int]] | None = None) -> str:
    unit = units.get(name)
    if unit is None:
        return f"<code>{escape(name)}</code>"
    text = unit.text if spans is None else " … ".join(unit.text[a:b].strip() for a, b in spans)
    cut = text if len(text) <= _CHARACTERS else text[:_CHARACTERS] + " …"
    return f"<code>{escape(name)}</code> <b>{escape(unit.role)}</b> {escape(cut)}"


def _why(relevance: float | None, reason: str) -> str:
    shown = "" if relevance is None else f"{relevance:.2f}"
    return escape(" ".join(part for part in (shown, reason) if part))
