"""`satchel eval`: find out the truth about a memory system."""

import typer

from eval.commands.compare import compare_command
from eval.commands.peers import app as peers
from eval.commands.run import run_command

app = typer.Typer(no_args_is_help=True)
app.command("run")(run_command)
app.command("compare")(compare_command)
app.add_typer(peers, name="peers")


@app.callback()
def main() -> None:
    """Benchmarks of memory systems: run them, compare them, make them of your own logs."""


if __name__ == "__main__":
    app()
