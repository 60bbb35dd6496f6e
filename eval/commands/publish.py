"""`satchel eval keep` and `satchel eval publish`."""

from pathlib import Path
from typing import Annotated

import typer

from eval.commands.shared import console, told
from eval.publish.keep import keep
from eval.publish.page import page

_RESULTS = Path("benchmarks/results")


def keep_command(
    folders: Annotated[list[Path], typer.Argument(help="Folders that `eval run` wrote.")],
    results: Annotated[Path, typer.Option(help="Where committed results are.")] = _RESULTS,
) -> None:
    """Copy runs to where they are committed, without what was packed."""
    with told():
        for folder in folders:
            console.print(f"kept {keep(folder, results)}")


def publish_command(
    results: Annotated[Path, typer.Option(help="Where committed results are.")] = _RESULTS,
    out: Annotated[Path, typer.Option(help="The page to write.")] = Path("docs/benchmarks.md"),
    *,
    check: Annotated[bool, typer.Option(help="Write nothing; fail if the page is out of date.")] = False,
) -> None:
    """Make the benchmarks page from committed results."""
    with told():
        text = page(results)
    if check:
        if not out.exists() or out.read_text(encoding="utf-8") != text:
            console.print(f"{out} is not what {results} says; run `satchel eval publish`")
            raise typer.Exit(1)
        return
    out.write_text(text, encoding="utf-8")
    console.print(f"wrote {out}")
