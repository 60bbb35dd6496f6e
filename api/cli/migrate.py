"""`satchel migrate`: the ledger from a data folder to PostgreSQL, and back."""

import time
from typing import Annotated

import typer

from api.cli.shared import AsJson, Data, console, say, settings_with, show
from api.moving import moved_from, moved_to
from api.settings import Settings
from memory.moving import Moved, move


def migrate(
    to: Annotated[str, typer.Option("--to", help="postgresql://user@host/name, or a folder.")],
    owner: Annotated[
        str | None, typer.Option(help="The same database for the role that owns the tables.")
    ] = None,
    data: Data = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Move the ledger to another, empty database: every row, verified. The old one stays as it is.

    Stop the service before; what is cut off leaves nothing behind and is begun again.
    """
    settings = settings_with(data=data)
    begun = time.perf_counter()
    with moved_from(settings) as source, moved_to(to, owner, source.master) as target:
        done = move(source, target, _told)
    seconds = time.perf_counter() - begun
    if as_json:
        show({"rows": done.rows, "users": done.users, "seconds": round(seconds, 3)})
        return
    say(f"{sum(done.rows.values()):,} rows are moved and verified, by table and by user, in {seconds:.1f} s")
    for line in _next(settings, to, done):
        say(line)


def _told(table: str, rows: int) -> None:
    if rows % 100_000 == 0:
        console.print(f"{table}: {rows:,}", highlight=False)


def _next(settings: Settings, to: str, done: Moved) -> list[str]:
    """Return what is left to the operator."""
    here = settings.data if settings.database is None else "the old database"
    lines = [f"{name}: {rows:,}" for name, rows in sorted(done.rows.items()) if rows]
    key = settings.master_key_file or settings.data / "master.key"
    if settings.master_key is None:
        lines.append(f"The master key is still {key}: set SATCHEL_MASTER_KEY_FILE to it, or to a copy.")
    begin = "SATCHEL_DATABASE" if "://" in to else "SATCHEL_DATA"
    lines.append(f"Start the service with {begin} set to the new place; it makes an index where none is.")
    lines.append(f"Then delete the ledger in {here}: no purge reaches it any more.")
    return lines
