"""The ledger alone, for what needs nothing else: keys and export, also beside a running service."""

from collections.abc import Iterator
from contextlib import contextmanager

from api.settings import Settings
from memory.errors import SetupError
from memory.ledger import Ledger, users

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


def _opened(settings: Settings) -> Ledger:
    if settings.database is not None:
        return Ledger.on_server(settings.database.get_secret_value(), pool=settings.database_pool)
    try:
        settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise SetupError(f"can't use the data folder {settings.data}: {error.strerror}") from error
    return Ledger.in_folder(settings.data)
