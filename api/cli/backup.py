"""`satchel backup`: copies of the ledger, and back."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from api.cli.shared import AsJson, Data, say, settings_with, show
from api.settings import Settings
from api.stores import master_key, open_ledger, unfinished_ledger
from memory.backup.create import create
from memory.backup.keyring import FILE, Keyring, renew
from memory.backup.manifest import Manifest
from memory.backup.restore import Restored, finish, restore, verify
from memory.errors import NotFoundError, SetupError
from memory.ledger import EVERY_TENANT, audit, backups
from memory.ledger.tombstones import Kind
from memory.times import to_datetime

app = typer.Typer(help="Make, verify and restore backups of the ledger.", no_args_is_help=True)

Backup = Annotated[Path, typer.Argument(help="The backup's own folder, which holds manifest.json.")]
To = Annotated[Path, typer.Option("--to", help="Folder of backups, made where missing.")]


@app.command("create")
def create_command(to: To, data: Data = None, *, as_json: AsJson = False) -> None:
    """Copy the ledger, also while the service writes to it; delete this folder's expired backups."""
    settings = settings_with(data=data)
    with open_ledger(settings) as ledger:
        made = create(ledger, to, settings.backup_days)
    if as_json:
        show({"backup": str(to / made.name), **asdict(made)})
        return
    say(f"{to / made.name}: {made.turns:,} turns of {made.users:,} users, kept until {_day(made.expires_at)}")
    say(f"The master key is not in it: without {_key_place(settings)} nothing of it can be read.")


@app.command("verify")
def verify_command(backup: Backup, data: Data = None, *, as_json: AsJson = False) -> None:
    """Restore a backup into a folder that is deleted afterwards, and read every turn."""
    _report(verify(backup, master_key(settings_with(data=data))), as_json=as_json, done="can be restored")


@app.command("restore")
def restore_command(
    backup: Backup,
    data: Data = None,
    *,
    replace: Annotated[bool, typer.Option(help="Put it in place of the ledger that is there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Bring a backup back, less what was purged since; the index is made anew at the next start."""
    settings = settings_with(data=data)
    if settings.database is not None:
        raise SetupError("restore PostgreSQL by its own means, then run `satchel backup finish`")
    done = restore(backup, settings.data, master_key(settings), replace=replace)
    _report(done, as_json=as_json, done=f"restored into {settings.data}")


@app.command()
def keyring(to: To, data: Data = None) -> None:
    """Write the keys and tombstones that belong to backups made by other means (PostgreSQL)."""
    with open_ledger(settings_with(data=data)) as ledger:
        to.mkdir(parents=True, exist_ok=True, mode=0o700)
        renew(ledger, to)
    say(f"{to / FILE} is up to date; keep no older copy of it")


@app.command()
def forget(
    folder: Annotated[Path, typer.Argument(help="The folder of backups that is no more.")], data: Data = None
) -> None:
    """Say that a folder of backups is gone, and every copy of it: receipts count it no longer."""
    with open_ledger(settings_with(data=data)) as ledger, ledger.writing(EVERY_TENANT) as tx:
        gone = backups.forget_folder(tx, folder.absolute())
        if not gone:
            raise NotFoundError(f"no backups are known in {folder.absolute()}")
        audit.record(tx, audit.OPERATOR, "cli", "backup.forget", str(folder.absolute()), backups=gone)
    say(f"{gone:,} backups are off the register")


@app.command("finish")
def finish_command(
    of: Annotated[Path, typer.Option("--keyring", help="The newest keyring.")],
    data: Data = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Give a ledger that was restored by other means its keys, and erase what was purged since."""
    ring = Keyring.from_file(of)
    with unfinished_ledger(settings_with(data=data)) as ledger:
        purged, shredded = finish(ledger, ring)
    if as_json:
        show({"purged": purged, "shredded": shredded})
    else:
        say(_again(purged, shredded))


def _report(found: Restored, *, as_json: bool, done: str) -> None:
    manifest: Manifest = found.manifest
    if as_json:
        show(
            {
                "backup": manifest.name,
                "turns": found.turns,
                "purged": found.purged,
                "shredded": found.shredded,
            }
        )
        return
    say(f"{manifest.name} {done}: {found.turns:,} of its {manifest.turns:,} turns")
    say(_again(found.purged, found.shredded))


def _again(purged: Mapping[Kind, int], shredded: int) -> str:
    parts = ", ".join(f"{count:,} {kind}s" for kind, count in purged.items())
    return f"erased again, as purged since: {parts}; users whose key is gone: {shredded:,}"


def _key_place(settings: Settings) -> str:
    if settings.master_key is not None:
        return "SATCHEL_MASTER_KEY"
    return str(settings.master_key_file or settings.data / "master.key")


def _day(micros: int) -> str:
    return to_datetime(micros).date().isoformat()
