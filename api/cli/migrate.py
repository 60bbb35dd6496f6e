"""`satchel migrate`: a memory from a data folder to PostgreSQL and Qdrant, and back."""

import time
from pathlib import Path
from typing import Annotated

import typer
from pydantic import SecretStr

from api.cli.progress import indexing
from api.cli.shared import AsJson, Data, console, say, settings_with, show
from api.moving import moved_from, moved_to
from api.reindexing import carry
from api.settings import Settings
from memory.ledger.ledger import KEY_FILE
from memory.moving import Moved, move


def migrate(
    to: Annotated[str, typer.Option("--to", help="postgresql://user@host/name, or a folder.")],
    owner: Annotated[
        str | None, typer.Option(help="The same database for the role that owns the tables.")
    ] = None,
    qdrant: Annotated[str | None, typer.Option(help="URL of the Qdrant that is to hold the index.")] = None,
    data: Data = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Move the ledger to another, empty database: every row, verified. The old one stays as it is.

    The index follows by copy, to Qdrant with --qdrant or from Qdrant into the folder, and is compared turn
    by turn. Stop the service before. A ledger that is cut off leaves nothing behind and is begun again; an
    index that is cut off is finished by `satchel reindex` with the new settings.
    """
    settings = settings_with(data=data)
    begun = time.perf_counter()
    with moved_from(settings) as source, moved_to(to, owner, source.master) as target:
        done = move(source, target, _told)
    there = _there(settings, to, owner, qdrant)
    copied = _index(settings, there) if there.qdrant_url != settings.qdrant_url else None
    seconds = time.perf_counter() - begun
    if as_json:
        show({"rows": done.rows, "users": done.users, "copied": copied, "seconds": round(seconds, 3)})
        return
    say(f"{sum(done.rows.values()):,} rows are moved and verified, by table and by user, in {seconds:.1f} s")
    if copied is not None:
        say(f"{copied:,} turns are the same in the old index and the new one, byte by byte")
    for line in _next(settings, there, done):
        say(line)


def _there(settings: Settings, to: str, owner: str | None, qdrant: str | None) -> Settings:
    """Return the settings of a service at the new place."""
    place: dict[str, object] = {"data": Path(to), "database": None, "database_owner": None}
    if "://" in to:
        place = {"database": SecretStr(to), "database_owner": SecretStr(owner) if owner else None}
    return settings.model_copy(update={**place, "qdrant_url": qdrant, "master_key_file": _key_file(settings)})


def _key_file(settings: Settings) -> Path | None:
    if settings.master_key is not None:
        return None
    return settings.master_key_file or settings.data / KEY_FILE


def _index(settings: Settings, there: Settings) -> int:
    with indexing() as progress:
        return carry(settings, there, progress)


def _told(table: str, rows: int) -> None:
    if rows % 100_000 == 0:
        console.print(f"{table}: {rows:,}", highlight=False)


def _next(settings: Settings, there: Settings, done: Moved) -> list[str]:
    """Return what is left to the operator."""
    here = settings.data if settings.database is None else "the old database"
    lines = [f"{name}: {rows:,}" for name, rows in sorted(done.rows.items()) if rows]
    if key := _key_file(settings):
        lines.append(f"The master key is still {key}: set SATCHEL_MASTER_KEY_FILE to it, or to a copy.")
    names = ["SATCHEL_DATA" if there.database is None else "SATCHEL_DATABASE"]
    if there.qdrant_url is not None:
        names.append("SATCHEL_QDRANT_URL")
    lines.append(f"Start the service with {' and '.join(names)} set to the new place.")
    lines.append(f"Then delete the ledger in {here}: no purge reaches it any more.")
    return lines
