"""The command's parts, put together."""

import sys
from importlib.metadata import EntryPoint, entry_points

import structlog
import typer

from api.cli.shared import fail
from memory.errors import SatchelError

app = typer.Typer(
    name="satchel",
    help="Session memory for assistants that do work.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


@app.callback()
def satchel() -> None:
    """Session memory for assistants that do work."""


def main() -> None:
    """Run the command; an error that we know is printed in one line."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))  # results alone go to stdout
    try:
        for entry in _asked_for(sys.argv[1:2]):
            command = entry.load()
            if isinstance(command, typer.Typer):
                app.add_typer(command, name=entry.name)
            else:
                app.command(entry.name)(command)
        app()
    except SatchelError as error:
        fail(error)


def _asked_for(first: list[str]) -> list[EntryPoint]:
    """Return the command of this name, or all where it is none of them.

    Commands are entry points, so that what stands above this package, such as evaluation, can hang its
    own in; only what is asked for is loaded, since some load much.
    """
    every = sorted(entry_points(group="satchel.commands"), key=lambda entry: entry.name)
    return [entry for entry in every if [entry.name] == first] or every
