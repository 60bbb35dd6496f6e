"""The ledger alone, for what needs nothing else: keys and export, also beside a running service."""

from collections.abc import Iterator
from contextlib import contextmanager

from api.settings import Settings
from memory.errors import SetupError
from memory.ledger import Ledger, users

DEFAULT_TENANT = "default"


@contextmanager
def open_ledger(settings: Settings) -> Iterator[Ledger]:
    """Open the ledger in the data folder, made where missing; raise `SetupError` where that can't be."""
    try:
        settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise SetupError(f"can't use the data folder {settings.data}: {error.strerror}") from error
    ledger = Ledger.in_folder(settings.data)
    try:
        with ledger.writing() as tx:
            users.ensure_tenant(tx, DEFAULT_TENANT)
        yield ledger
    finally:
        ledger.close()
