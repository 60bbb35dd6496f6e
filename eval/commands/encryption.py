"""`satchel eval encryption`."""

import json
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from eval.commands.shared import console, numbers, print_json, told
from eval.datasets import read
from eval.run.environment import environment
from memory.errors import SetupError


def encryption_command(
    path: Annotated[Path, typer.Argument(help="Evidence file whose sentences fill the memories.")],
    sizes: Annotated[str, typer.Option(help="Turns in a memory, with commas between.")] = "1000,10000",
    requests: Annotated[int, typer.Option(min=20, help="Requests timed at each size.")] = 200,
    out: Annotated[Path | None, typer.Option(help="File for the figures, as JSON.")] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Time `context` on the same memory encrypted and plain, in turn: what encryption at rest costs."""
    with told(), tempfile.TemporaryDirectory(prefix="satchel-encryption-") as scratch:
        try:
            from eval.latency.encryption import cost  # noqa: PLC0415 - needs an extra
        except ImportError as error:
            raise SetupError("timing needs the extra 'eval': pip install 'satchel[eval]'") from error
        conversations = list(read(path))
        texts = [unit.text for conversation in conversations for unit in conversation.units]
        queries = [query.text for conversation in conversations for query in conversation.queries]
        found = cost(
            texts, queries, numbers(sizes), requests=requests, folder=Path(scratch), say=console.print
        )
    whole = {"sizes": found, "requests": requests, "machine": environment()}
    if out is not None:
        out.write_text(json.dumps(whole, indent=1) + "\n")
    if as_json:
        print_json(whole)
    else:
        console.print_json(json.dumps(whole))
