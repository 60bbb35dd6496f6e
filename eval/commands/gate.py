"""`satchel eval gate`."""

from pathlib import Path
from typing import Annotated

import typer

from eval.cache import default_folder
from eval.commands.shared import console, told
from eval.gate import measured, problems, write

_FOLDER = Path("tests/gate")


def gate_command(
    data: Annotated[Path, typer.Option(help="The fixed benchmark.")] = _FOLDER / "gate.jsonl",
    figures: Annotated[Path, typer.Option(help="What was committed to.")] = _FOLDER / "figures.json",
    *,
    rewrite: Annotated[bool, typer.Option("--write", help="Commit to what is measured now.")] = False,
) -> None:
    """Fail if recall or calibration on the fixed benchmark is worse than its interval allows."""
    with told():
        if rewrite:
            write(data, figures, default_folder())
            console.print(f"wrote {figures}")
            return
        found = problems(measured(data, default_folder()), figures)
    for problem in found:
        console.print(f"[red]{problem}[/red]", highlight=False)
    raise typer.Exit(1 if found else 0)
