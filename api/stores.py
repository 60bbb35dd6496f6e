"""The ledger alone, for what needs nothing else: keys and export, also beside a running service."""

from collections.abc import Iterator
from contextlib import contextmanager

from api.settings import Settings
from memory.errors import SetupError
from memory.ledger import Ledger, users
from memory.ledger.ledger import KEY_FILE, prepare
from memory.ledger.postgres import postgres_engine
from memory.vault import KeyFile, LocalMaster, Master

DEFAULT_TENANT = "default"


@contextmanager
def open_ledger(settings: Settings) -> Iterator[Ledger]:
    """Open the ledger on the database that is set, else in the data folder, made where missing.

    Raises `SetupError` where it can't be used, `UnavailableError` where the database doesn't answer.
    """
    ledger = _opened(settings)
    try:
        with ledger.writing(DEFAULT_TENANT) as tx:
            users.ensure_tenant(tx, DEFAULT_TENANT)
        yield ledger
    finally:
        ledger.close()


@contextmanager
def unfinished_ledger(settings: Settings) -> Iterator[Ledger]:
    """Open a ledger that was restored by other means and has no keys yet; nothing can be read from it."""
    if settings.database is None:
        raise SetupError("a ledger in the data folder is restored by `satchel backup restore`")
    url = (settings.database_owner or settings.database).get_secret_value()
    ledger = Ledger(postgres_engine(url, pool=1), master_key(settings))
    try:
        prepare(ledger.engine, None)
        yield ledger
    finally:
        ledger.close()


def _opened(settings: Settings) -> Ledger:
    if settings.database is not None:
        url = settings.database.get_secret_value()
        owner = settings.database_owner.get_secret_value() if settings.database_owner else None
        return Ledger.on_server(url, master_key(settings), owner=owner, pool=settings.database_pool)
    try:
        settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise SetupError(f"can't use the data folder {settings.data}: {error.strerror}") from error
    return Ledger.in_folder(settings.data, master_key(settings))


def master_key(settings: Settings) -> Master:
    """Return the source of the master key that the settings name; `SetupError` where one must be named."""
    if settings.master_key is not None:
        return LocalMaster.from_text(settings.master_key.get_secret_value(), "SATCHEL_MASTER_KEY")
    if settings.database is not None and settings.master_key_file is None:
        raise SetupError(
            "memory on PostgreSQL is encrypted under a master key that all replicas share and that must "
            "outlive their disks: make one with `satchel vault new-key`, keep it safe, and set "
            "SATCHEL_MASTER_KEY or SATCHEL_MASTER_KEY_FILE"
        )
    return KeyFile(settings.master_key_file or settings.data / KEY_FILE)
