"""`satchel eval scale`."""

import json
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from eval.commands.shared import console, print_json, told
from eval.datasets import read
from eval.run.environment import environment
from memory.errors import InvalidInputError, SetupError

_SIZES = "10000:100,1000000:10000"


def scale_command(
    path: Annotated[Path, typer.Argument(help="Evidence file whose sentences fill the memories.")],
    sizes: Annotated[str, typer.Option(help="TURNS:USERS, with commas between.")] = _SIZES,
    requests: Annotated[int, typer.Option(min=20, help="Requests timed at each size.")] = 200,
    folder: Annotated[
        Path | None, typer.Option(help="Where the memories are kept for next time; none = deleted.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="File for the figures, as JSON.")] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Time `context` over HTTP on memories of very different size: many users, or one that all share."""
    with told(), tempfile.TemporaryDirectory(prefix="satchel-scale-") as scratch:
        try:
            from eval.latency.scale import Size, scaled  # noqa: PLC0415 - needs an extra
        except ImportError as error:
            raise SetupError("timing needs the extra 'eval': pip install 'satchel[eval]'") from error
        conversations = list(read(path))
        found = scaled(
            [unit.text for conversation in conversations for unit in conversation.units],
            [query.text for conversation in conversations for query in conversation.queries],
            [Size(*one) for one in _pairs(sizes)],
            requests=requests,
            folder=folder or Path(scratch),
            say=console.print,
        )
    whole = {"sizes": found, "requests": requests, "machine": environment()}
    if out is not None:
        out.write_text(json.dumps(whole, indent=1) + "\n")
    if as_json:
        print_json(whole)
    else:
        console.print_json(json.dumps(whole))


def _pairs(text: str) -> list[tuple[int, int]]:
    """Return "10000:100,…" as numbers; raise `InvalidInputError` where it isn't that."""
    try:
        found = [(int(turns), int(users)) for turns, users in (part.split(":") for part in text.split(","))]
    except ValueError as error:
        raise InvalidInputError(f"{text!r} is not a list of TURNS:USERS such as {_SIZES}") from error
    if any(users < 1 or turns < users for turns, users in found):
        raise InvalidInputError("every size needs a user, and every user a turn")
    return found
