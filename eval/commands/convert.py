"""`satchel eval convert`."""

from pathlib import Path
from typing import Annotated

import typer

from eval.commands.shared import console, print_json, told
from eval.logs.convert import convert


def convert_command(
    log: Annotated[Path, typer.Argument(help="Turns and outcome events, JSON Lines.")],
    out: Annotated[Path, typer.Option(help="The evidence file to write.")],
    dataset: Annotated[str, typer.Option(help="What to call it in tables.")] = "own-log",
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON.")] = False,
) -> None:
    """Turn your own log into an evidence file, with weak labels where nothing better is known."""
    with told():
        found = convert(log, out, dataset)
    if as_json:
        print_json(found)
    else:
        kinds = ", ".join(f"{count} by {kind}" for kind, count in found["questions"].items())
        console.print(f"wrote {out}: {found['users']} users, {found['turns']} turns, questions: {kinds}")
