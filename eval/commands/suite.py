"""`satchel eval suite`: every system on every data set, in one folder."""

from pathlib import Path
from typing import Annotated

import typer

from eval.cache import default_folder
from eval.commands.progress import Bars, bars
from eval.commands.shared import console, numbers, told
from eval.report.load import load_runs
from eval.report.page import page
from eval.run.runner import load, run
from eval.run.settings import BUDGETS, RunSettings
from eval.systems import LEARNED
from memory.errors import SatchelError

_BUDGETS = ",".join(str(budget) for budget in BUDGETS)
# All that needs nothing but this package.
_USUAL = "satchel,satchel-sum,satchel-words,newest,random,bm25,dense,rrf,full"


def suite_command(  # noqa: PLR0917 - one parameter an option
    paths: Annotated[list[Path], typer.Argument(help="Data sets.")],
    out: Annotated[Path, typer.Option(help="Folder; a run is kept in DATASET/SYSTEM below it.")],
    systems: Annotated[str, typer.Option(help="Systems, with commas between.")] = _USUAL,
    budgets: Annotated[str, typer.Option(help="Token budgets, with commas between.")] = _BUDGETS,
    limit: Annotated[int | None, typer.Option(min=1, help="At most this many questions a data set.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes; use 1 where latency counts.")] = 1,
    models: Annotated[
        Path | None,
        typer.Option(
            help="Folder of `eval.train.left_out`'s models: DATASET/CONVERSATION.npz, for what learned."
        ),
    ] = None,
) -> None:
    """Run every system on every data set and write OUT/report.html. What is finished is not run again."""
    with told():
        folders = []
        for path in paths:
            for system in systems.split(","):
                name = path.name.split(".")[0]
                folder = out / name / system
                unseen = models / name if models and system in LEARNED else None
                settings = RunSettings(
                    data=path,
                    out=folder,
                    system=system,
                    budgets=numbers(budgets),
                    limit=limit,
                    workers=workers,
                    options={"models": str(unseen)} if unseen and unseen.is_dir() else {},
                    cache=default_folder(),
                )
                if _finished(settings):
                    folders.append(folder)
        (out / "report.html").write_text(page(load_runs(folders), "satchel"), encoding="utf-8")
        console.print(f"wrote {out / 'report.html'}")


def _finished(settings: RunSettings) -> bool:
    """Run, or go on; say whether there are figures."""
    if (settings.out / "metrics.json").exists():
        return True
    name = f"{settings.data.name.split('.')[0]}, {settings.system}"
    try:
        conversations = load(settings)
        with bars() as shown:
            questions = sum(len(conversation.queries) for conversation in conversations)
            metrics = run(settings, Bars(shown, name, questions), conversations)
    except SatchelError as error:
        # The others are still wanted; what failed is told and can be run again.
        console.print(f"[red]{name}: {error}[/red]", highlight=False)
        return False
    first = next(iter(metrics["budgets"].items()), ("", {"recall": None}))
    middle = metrics["budgets"].get("1024", first[1])
    console.print(f"{name}: recall {middle['recall']} at 1024" if metrics["budgets"] else f"{name}: failed")
    return True
