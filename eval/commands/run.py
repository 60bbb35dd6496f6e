"""`satchel eval run`."""

import shutil
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from eval.cache import default_folder
from eval.commands.progress import Bars, bars
from eval.commands.shared import console, numbers, pairs, print_json, told
from eval.run.runner import load, run
from eval.run.settings import BUDGETS, RunSettings
from eval.systems import names

_BUDGETS = ",".join(str(budget) for budget in BUDGETS)


def run_command(  # noqa: PLR0917 - one parameter an option
    path: Annotated[Path, typer.Argument(help="Evidence file (.jsonl, .jsonl.gz), LoCoMo or LongMemEval.")],
    out: Annotated[Path, typer.Option(help="Folder for metrics.json, rows.jsonl and run.json.")],
    system: Annotated[str, typer.Option(help=f"One of: {', '.join(names())}.")] = "satchel",
    budgets: Annotated[str, typer.Option(help="Token budgets, with commas between.")] = _BUDGETS,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Ask only this many questions, drawn by --seed.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes; use 1 where latency counts.")] = 1,
    seed: Annotated[int, typer.Option(help="Seed of everything that is drawn.")] = 0,
    encoder: Annotated[str, typer.Option(help="`onnx` or a sentence-transformers model.")] = "onnx",
    option: Annotated[list[str] | None, typer.Option(help="A setting of the system, name=value.")] = None,
    cache: Annotated[Path | None, typer.Option(help="Folder of kept encodings.")] = None,
    *,
    trap_as_gold: Annotated[
        bool, typer.Option(help="Count traps as evidence, as published LoCoMo figures do.")
    ] = False,
    fresh: Annotated[bool, typer.Option(help="Delete an earlier run in --out first.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print metrics.json.")] = False,
) -> None:
    """Ask every question of a file and write what came back. An interrupted run goes on where it was."""
    with told():
        settings = RunSettings(
            data=path,
            out=out,
            system=system,
            budgets=numbers(budgets),
            limit=limit,
            workers=workers,
            seed=seed,
            encoder=encoder,
            options=pairs(option or []),
            cache=cache or default_folder(),
            trap_as_gold=trap_as_gold,
        )
        if fresh and (out / "run.json").exists():
            shutil.rmtree(out)
        conversations = load(settings)
        with bars() as shown:
            watcher = Bars(
                shown, "questions", sum(len(conversation.queries) for conversation in conversations)
            )
            metrics = run(settings, watcher, conversations)
        if as_json:
            print_json(metrics)
        else:
            console.print(_table(metrics))


def _table(metrics: dict[str, Any]) -> Table:
    title = f"{metrics['system']} on {metrics['dataset']}: {metrics['n']} questions"
    if not metrics["valid"]:
        title += f" — NOT VALID ({metrics['failed']} failed, {metrics['unverified']} unverified)"
    table = Table(title=title)
    columns = ("budget", "recall", "95%", "complete", "precision", "tokens", "over budget")
    for name in columns:
        table.add_column(name, justify="right")
    for budget, row in metrics["budgets"].items():
        low_high = metrics["ci95"]["budgets"].get(budget, {}).get("recall")
        between = f"{low_high[0]:.3f}–{low_high[1]:.3f}" if low_high else ""
        shown = [_shown(row[name]) for name in ("recall", "complete", "precision")]
        table.add_row(
            budget, shown[0], between, *shown[1:], f"{row['tokens_mean']:.0f}", str(row["over_budget"])
        )
    return table


def _shown(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
