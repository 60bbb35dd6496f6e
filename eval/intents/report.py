"""Analytics for people: a table, and a self-contained page of charts."""

import html
from typing import Any

from rich.table import Table

from eval.report.document import document

_BAR = 420
_COLUMNS = (
    "intent",
    "sessions",
    "share (95%)",
    "week on week",
    "failed",
    "outcomes",
    "flagged",
    "mood (weak)",
)


def table(found: dict[str, Any]) -> Table:
    """Return the intents as a table for the terminal."""
    made = Table(*_COLUMNS)
    for row in found["intents"]:
        made.add_row(*_cells(row))
    return made


def _cells(row: dict[str, Any]) -> list[str]:
    """Return an intent's row, as both the terminal and the page show it."""
    share, growth = row["share"], row["growth"]
    outcomes = ", ".join(f"{kind} {_percent(part, 0)}" for kind, part in row["outcomes"].items())
    return [
        row["intent"],
        str(row["sessions"]),
        f"{share['value']:.1%} [{share['low']:.1%}, {share['high']:.1%}]",
        "–" if growth is None else f"{growth:+.1%}",
        _percent(row["failed"]),
        outcomes or "–",
        _percent(row["flagged"]),
        f"{row['mood_change_weak_proxy']:+.2f}",
    ]


def _percent(share: dict[str, float] | None, digits: int = 1) -> str:
    """Return a share for people; None is one that too few make up."""
    return "withheld" if share is None else f"{share['value']:.{digits}%}"


def page(intents: dict[str, Any], quality: dict[str, Any]) -> str:
    """Return a page of charts that needs nothing else."""
    shares = [(row["intent"], row["share"]) for row in intents["intents"]]
    failed = [(row["intent"], row["failed"]) for row in intents["intents"] if row["failed"]]
    recall = [
        (row["intent"], dict.fromkeys(("value", "low", "high"), row["expected_recall"]))
        for row in quality["intents"]
    ]
    withheld = f"What fewer than {intents['withheld_below']} sessions make up is withheld."
    body = "\n".join(
        [
            "<h1>What sessions are about</h1>",
            f"<p>{intents['sessions']} sessions in {intents['days']} days. {withheld}</p>",
            _html_table([_cells(row) for row in intents["intents"]]),
            _bars("Share of sessions", shares),
            _bars("Sessions with a retry, abandon, fallback, tool error or thumbs down", failed),
            _bars("Expected recall of contexts (the quality report's own estimate)", recall),
        ]
    )
    return document("What sessions are about", body)


def _html_table(rows: list[list[str]]) -> str:
    lines = [_COLUMNS, *rows]
    cells = ["".join(f"<td>{html.escape(cell)}</td>" for cell in line) for line in lines]
    rows_out = "".join(f"<tr>{line}</tr>" for line in cells)
    return f'<div style="overflow-x:auto"><table>{rows_out}</table></div>'


def _bars(title: str, rows: list[tuple[str, dict[str, float]]]) -> str:
    """Return bars with their intervals as an SVG."""
    if not rows:
        return f"<h2>{html.escape(title)}</h2><p>Nothing to show yet.</p>"
    lines = []
    for place, (name, share) in enumerate(rows):
        top = 24 * place
        low, high, value = (_BAR * share[key] for key in ("low", "high", "value"))
        lines.append(
            f'<text fill="currentColor" x="0" y="{top + 15}">{html.escape(name)}</text>'
            f'<rect x="170" y="{top + 4}" width="{value:.1f}" height="14" fill="#3b6ea5"/>'
            f'<path d="M{170 + low:.1f} {top + 11}H{170 + high:.1f}" stroke="currentColor"/>'
            f'<text fill="currentColor" x="{180 + high:.1f}" y="{top + 15}">{share["value"]:.1%}</text>'
        )
    height = 24 * len(rows) + 8
    chart = f'<svg viewBox="0 0 680 {height}" style="width:100%;max-width:680px" role="img">'
    return f"<h2>{html.escape(title)}</h2>{chart}{''.join(lines)}</svg>"
