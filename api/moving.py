"""The two ends of a move: a ledger that nobody writes to, and an empty one."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from api.settings import Settings
from api.stores import master_key
from memory.backup.files import sync, told
from memory.errors import SetupError
from memory.folder import DataFolder
from memory.ledger import Ledger
from memory.ledger.engine import sqlite_engine
from memory.ledger.ledger import FILE, prepare
from memory.ledger.postgres import postgres_engine
from memory.ledger.upgrade import upgrade
from memory.vault import Master

_STAGE = ".moving"


@contextmanager
def moved_from(settings: Settings) -> Iterator[Ledger]:
    """Open the ledger that the settings name, which must be there, and no service on its folder."""
    with ExitStack() as stack:
        if settings.database is not None:
            url = settings.database.get_secret_value()
            owner = settings.database_owner.get_secret_value() if settings.database_owner else None
            ledger = Ledger.on_server(url, master_key(settings), owner=owner, pool=2)
        else:
            if not (settings.data / FILE).exists():
                raise SetupError(f"there is no ledger in {settings.data}; say where it is with --data")
            stack.callback(DataFolder(settings.data).close)
            ledger = Ledger.in_folder(settings.data, master_key(settings))
        stack.callback(ledger.close)
        yield ledger


@contextmanager
def moved_to(target: str, owner: str | None, master: Master) -> Iterator[Ledger]:
    """Make the ledger at a `postgresql://` URL or in a folder; a clean exit puts it there.

    owner: a URL for the role that the tables belong to, where the service's is another. Raises
    `SetupError` where something is there already.
    """
    opened = _on_server(target, owner, master) if "://" in target else _in_folder(Path(target), master)
    with opened as ledger:
        yield ledger


@contextmanager
def _on_server(url: str, owner: str | None, master: Master) -> Iterator[Ledger]:
    service = postgres_engine(url, pool=1)
    try:
        prepare(service, owner)
    finally:
        service.dispose()
    # As the owner: no other role may say from where numbers go on.
    ledger = Ledger(postgres_engine(owner or url, pool=2), master)
    try:
        yield ledger
    finally:
        ledger.close()


@contextmanager
def _in_folder(folder: Path, master: Master) -> Iterator[Ledger]:
    """Make the ledger in a folder of its own, and rename it at the end: it is there whole or not at all."""
    with ExitStack() as stack:
        stack.callback(DataFolder(folder).close)
        if (folder / FILE).exists():
            raise SetupError(f"{folder} holds a ledger already; choose a folder without one")
        stage = folder / _STAGE
        with told("move into", folder):
            shutil.rmtree(stage, ignore_errors=True)
            stage.mkdir(mode=0o700)
        stack.callback(shutil.rmtree, stage, ignore_errors=True)
        ledger = Ledger(sqlite_engine(stage / FILE), master)
        stack.callback(ledger.close)
        upgrade(ledger.engine)
        yield ledger
        ledger.compact()
        ledger.close()
        with told("move into", folder):
            sync(stage / FILE)
            (stage / FILE).replace(folder / FILE)
            sync(folder)
