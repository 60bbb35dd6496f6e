"""The command's parts, put together."""

import sys
from importlib.metadata import entry_points

import typer

from api.cli import doctor, keys, memory, serve
from api.cli.shared import fail
from memory.errors import SatchelError

app = typer.Typer(
    name="satchel",
    help="Session memory for assistants that do work.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command("serve")(serve.serve)
app.command("import")(memory.import_file)
app.command("export")(memory.export)
app.command("purge")(memory.purge)
app.command("doctor")(doctor.doctor)
app.add_typer(keys.app, name="keys")


def main() -> None:
    """Run the command; an error that we know is printed in one line."""
    try:
        # What stands above this package, such as evaluation, hangs its commands in by entry point. It is
        # loaded only when asked for, since it needs more than serving does.
        for entry in entry_points(group="satchel.commands"):
            if sys.argv[1:2] in ([entry.name], [], ["--help"]):
                app.add_typer(entry.load(), name=entry.name)
        app()
    except SatchelError as error:
        fail(error)
