"""Latency over HTTP against memory size, from a file that `eval latency` wrote."""

import json
from pathlib import Path
from typing import Any

from eval.report.svg import Axis, Plot
from memory.errors import InvalidInputError

_STEPS = (1, 3, 10, 30, 100, 300, 1000, 3000, 10000)


def read_latency(path: Path) -> dict[str, Any]:
    """Return the file's content; raise `InvalidInputError` if it is something else."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidInputError(f"{path} can't be read: {error}") from error
    if not isinstance(found, dict) or not found.get("sizes"):
        raise InvalidInputError(f"{path} was not written by `satchel eval latency`")
    return found


def sizes_section(found: dict[str, Any]) -> str:
    """Return a plot and a table of contexts per memory size, beside the bare encoder."""
    rows = "".join(
        f"<tr><th>{int(size):,}</th>"
        + "".join(f"<td>{one['context_ms'][name]:.1f}</td>" for name in ("p50", "p95", "p99"))
        + f"<td>{one['bare_encoder_ms']['p50']:.1f}</td><td>{one['context_ratio']:.1f} ×</td></tr>"
        for size, one in found["sizes"].items()
    )
    names = ("turns remembered", "p50 ms", "p95 ms", "p99 ms", "bare encoder, p50", "over encoder")
    head = "".join(f"<th>{name}</th>" for name in names)
    return (
        "<h2>Latency against memory size</h2><p class='note'>One context over HTTP, one request at a time, "
        "warm; the bare encoder's forward pass is timed between the requests.</p>"
        f"{_plot(found)}<div class='wide'><table><thead><tr>{head}</tr></thead>{rows}</table></div>"
    )


def _plot(found: dict[str, Any]) -> str:
    sizes = sorted(found["sizes"], key=int)
    lines = {
        "p95": [found["sizes"][size]["context_ms"]["p95"] for size in sizes],
        "p50": [found["sizes"][size]["context_ms"]["p50"] for size in sizes],
        "encoder": [found["sizes"][size]["bare_encoder_ms"]["p50"] for size in sizes],
    }
    values = [value for line in lines.values() for value in line]
    steps = [step for step in _STEPS if min(values) / 3.4 <= step <= max(values) * 3.4]
    y = Axis(steps[0], steps[-1], [(step, f"{step:,} ms") for step in steps], "", log=True)
    ticks = [(float(size), f"{int(size):,}") for size in sizes]
    low, high = float(sizes[0]), float(sizes[-1])
    x = Axis(low, high if high > low else low * 2, ticks, "turns remembered", log=True)
    plot = Plot(x, y, "Latency against memory size")
    for style, (name, line) in zip(("c0", "c0", "c8"), lines.items(), strict=True):
        points = list(zip([float(size) for size in sizes], line, strict=True))
        plot.line(points, style, name)
        plot.dots(points, style, [f"{name}, {size:,.0f} turns: {ms:.1f} ms" for size, ms in points])
        plot.label(points[-1][1], name, style)
    return plot.render()
