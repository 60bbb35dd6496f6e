"""`satchel vault`: the keys of encryption at rest."""

import base64

import typer

from api.cli.shared import AsJson, Data, say, settings_with, show
from api.stores import open_ledger
from memory.rotation import rotate
from memory.seal import seal_all
from memory.vault.master import new_key

app = typer.Typer(help="Master keys, and what is encrypted under them.", no_args_is_help=True)


@app.command("new-key")
def new_key_command() -> None:
    """Print a new master key, for SATCHEL_MASTER_KEY or a file. It is kept nowhere."""
    say(base64.urlsafe_b64encode(new_key()).decode())


@app.command("rotate")
def rotate_command(data: Data = None, *, as_json: AsJson = False) -> None:
    """Wrap all data keys by a new master key; also while the service runs, and again if it was cut off."""
    with open_ledger(settings_with(data=data)) as ledger:
        done = rotate(ledger)
        current = ledger.master.current
    if as_json:
        show({"rewrapped": done, "master": current})
    else:
        say(f"{done:,} keys were wrapped anew; the master key in use is {current}")


@app.command()
def seal(data: Data = None, *, as_json: AsJson = False) -> None:
    """Encrypt turns from before there was encryption; also while the service runs, which does so itself."""
    with open_ledger(settings_with(data=data)) as ledger:
        done = seal_all(ledger)
    if as_json:
        show({"sealed": done})
    else:
        say(f"{done:,} turns were encrypted; none is plain")
