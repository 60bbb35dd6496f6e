"""`satchel eval residue`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from eval.cache import CachedEncoder, default_folder
from eval.commands.shared import console, print_json, told
from eval.residue import measure
from eval.run.encoders import lazy_encoder
from eval.run.files import write_json
from eval.systems import Means
from eval.systems.peers.known import PEERS
from memory.tokens import TokenCounter

_ALL = ",".join(["satchel", *PEERS])


def residue_command(
    systems: Annotated[str, typer.Option(help="Systems, with commas between.")] = _ALL,
    out: Annotated[Path | None, typer.Option(help="File for the figures, as JSON.")] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Delete a user by each system's own means, then search its files for what is left: text and vector."""
    with told():
        means = Means(CachedEncoder(lazy_encoder("onnx"), default_folder()), TokenCounter())
        found = [measure(name, means) for name in systems.split(",")]
    rows = [one.as_json() for one in found]
    if out is not None:
        write_json(out, rows)
    if as_json:
        print_json(rows)
        return
    table = Table("system", "bytes before", "bytes after", "in what form", "recalled after", "where")
    for one, row in zip(found, rows, strict=True):
        if one.error:
            table.add_row(one.system, "", "", "", "", one.error.strip().splitlines()[-1])
        else:
            counts = (str(row[name]) for name in ("bytes_before", "residue_bytes"))
            recalled = "yes" if one.recalled else "no"
            table.add_row(one.system, *counts, ", ".join(one.after), recalled, " ".join(one.files))
    console.print(table)
