"""`satchel eval compare`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from eval.commands.shared import console, print_json, told
from eval.report.differences import budgets, difference, reference
from eval.report.load import Run, datasets, load_runs
from eval.report.page import page, standalone
from eval.report.plots import frontier, styles
from eval.report.sizes import read_latency


def compare_command(
    folders: Annotated[list[Path], typer.Argument(help="Folders that `eval run` wrote.")],
    out: Annotated[Path, typer.Option(help="The report, one self-contained HTML file.")],
    main: Annotated[str, typer.Option(help="The system that others are compared with.")] = "satchel",
    latency: Annotated[Path | None, typer.Option(help="What `eval latency` wrote.")] = None,
    plots: Annotated[Path | None, typer.Option(help="Folder for the frontiers as SVG files.")] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print every comparison.")] = False,
) -> None:
    """Put runs side by side: frontier, calibration, significance, types, ages, latency, failures."""
    with told():
        runs = load_runs(folders)
        latencies = [] if latency is None else [read_latency(latency)]
        out.write_text(page(runs, main, latencies), encoding="utf-8")
        if plots is not None:
            _write_plots(runs, plots)
        if as_json:
            print_json(comparisons(runs, main))
        else:
            console.print(f"wrote {out}")


def comparisons(runs: list[Run], main: str) -> list[dict[str, Any]]:
    """Return the reference against every other system, by data set and budget."""
    found = []
    for dataset, part in datasets(runs).items():
        ours = reference(part, main)
        for other in (run for run in part if run is not ours):
            for budget in budgets(part):
                gap = difference(ours, other, budget)
                if gap is not None:
                    found.append(
                        {
                            "dataset": dataset,
                            "system": ours.label,
                            "other": other.label,
                            "budget": int(budget),
                            "difference": round(gap.difference, 5),
                            "ci95": [gap.low, gap.high],
                            "p_questions": gap.p,
                            "p_conversations": gap.p_conversations,
                        }
                    )
    return found


def _write_plots(runs: list[Run], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    style = styles(runs)
    for dataset, part in datasets(runs).items():
        path = folder / f"{dataset}-frontier.svg"
        path.write_text(standalone(frontier(part, budgets(part), style)), encoding="utf-8")
