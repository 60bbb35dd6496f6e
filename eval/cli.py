"""`satchel eval`: find out the truth about a memory system."""

import typer

from eval.commands.compare import compare_command
from eval.commands.congruence import congruence_command
from eval.commands.convert import convert_command
from eval.commands.encryption import encryption_command
from eval.commands.gate import gate_command
from eval.commands.latency import latency_command
from eval.commands.peers import app as peers
from eval.commands.publish import keep_command, publish_command
from eval.commands.residue import residue_command
from eval.commands.run import run_command
from eval.commands.scale import scale_command
from eval.commands.suite import suite_command

app = typer.Typer(no_args_is_help=True)
app.command("run")(run_command)
app.command("suite")(suite_command)
app.command("compare")(compare_command)
app.command("congruence")(congruence_command)
app.command("residue")(residue_command)
app.command("gate")(gate_command)
app.command("convert")(convert_command)
app.command("keep")(keep_command)
app.command("publish")(publish_command)
app.command("latency")(latency_command)
app.command("scale")(scale_command)
app.command("encryption")(encryption_command)
app.add_typer(peers, name="peers")


@app.callback()
def main() -> None:
    """Benchmarks of memory systems: run them, compare them, make them of your own logs."""


if __name__ == "__main__":
    app()
