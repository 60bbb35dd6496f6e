"""`satchel vault`: the keys of encryption at rest."""

import base64

import typer

from api.cli.shared import say
from memory.vault.master import new_key

app = typer.Typer(help="Master keys, and what is encrypted under them.", no_args_is_help=True)


@app.callback()
def vault() -> None:
    """Master keys, and what is encrypted under them."""


@app.command("new-key")
def new_key_command() -> None:
    """Print a new master key, for SATCHEL_MASTER_KEY or a file. It is kept nowhere."""
    say(base64.urlsafe_b64encode(new_key()).decode())
