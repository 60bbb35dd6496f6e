"""`satchel eval latency`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from eval.commands.shared import console, numbers, print_json, told
from eval.datasets import read
from eval.run.environment import environment
from memory.errors import SetupError


def latency_command(
    path: Annotated[Path, typer.Argument(help="Evidence file whose turns fill the memory.")],
    sizes: Annotated[str, typer.Option(help="Turns in the memory, with commas between.")] = "1000,10000",
    requests: Annotated[int, typer.Option(min=20, help="Requests timed at each size.")] = 200,
    out: Annotated[Path | None, typer.Option(help="File for the figures, as JSON.")] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Time the service over HTTP beside the bare encoder, and its ingest, start-up and memory."""
    with told():
        try:
            from eval.latency import measured  # noqa: PLC0415 - needs an extra, and other commands don't
        except ImportError as error:
            raise SetupError("timing needs the extra 'eval': pip install 'satchel[eval]'") from error
        texts = [unit.text for conversation in read(path) for unit in conversation.units]
        found = measured(texts, numbers(sizes), requests, console.print)
    found |= {"requests": requests, "machine": environment()}
    if out is not None:
        out.write_text(json.dumps(found, indent=1) + "\n")
    if as_json:
        print_json(found)
    else:
        console.print_json(json.dumps(found))
