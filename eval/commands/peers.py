"""`satchel eval peers`: the environments of other systems."""

from typing import Annotated

import typer
from rich.table import Table

from eval.commands.shared import console, print_json, told
from eval.systems.peers.install import install, installed
from eval.systems.peers.known import PEERS

app = typer.Typer(no_args_is_help=True, help="Other memory systems, each in an environment of its own.")


@app.command("install")
def install_command(
    names: Annotated[list[str], typer.Argument(help=f"Any of: {', '.join(PEERS)}, or `all`.")],
) -> None:
    """Make the environments of peers; $SATCHEL_EVAL_PEERS says where."""
    with told():
        for name in PEERS if names == ["all"] else names:
            install(name, console.print)


@app.command("list")
def list_command(*, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Say which peers there are, which are installed, and what to know about each."""
    with told():
        found = {name: installed(name) for name in PEERS}
    if as_json:
        print_json({name: {"packages": found[name], "note": PEERS[name].note} for name in PEERS})
        return
    table = Table("peer", "installed", "note")
    for name, packages in found.items():
        table.add_row(name, " ".join(packages.values()) or "no", PEERS[name].note)
    console.print(table)
