"""A new master key under all data keys, while the service runs."""

from memory.backup.keys import renew_all
from memory.errors import MasterKeyError
from memory.ledger import EVERY_TENANT, Ledger, audit, data_keys
from memory.vault import KeyFile
from memory.vault.master import new_key, replace

_BATCH = 500


def rotate(ledger: Ledger) -> int:
    """Wrap all data keys by the master key in use; return how many weren't.

    With a key file, a new key is made first, put before the old one, and the old one dropped at the end;
    services that read the file see both at once. One that was cut off goes on. Otherwise the new key is
    put before the old one by hand, and may replace it when this is done.
    """
    file = begin(ledger)
    done = 0
    while moved := step(ledger):
        done += moved
    if failed := renew_all(ledger):
        raise MasterKeyError(
            f"can't reach the backups in {', '.join(map(str, failed))}, which still need the old master key; "
            "bring them back, or say that they are gone by `satchel backup forget`; then run this again"
        )
    _finish(ledger, file, done)
    return done


def begin(ledger: Ledger) -> KeyFile | None:
    """Put a new key first in the key file, unless it has one whose rotation was cut off; return the file."""
    file = ledger.master if isinstance(ledger.master, KeyFile) else None
    if file is not None and len(keys := file.keys()) == 1:
        replace(file.path, [new_key(), *keys])
    return file


def step(ledger: Ledger) -> int:
    """Wrap some data keys anew; return how many."""
    with ledger.writing(EVERY_TENANT) as tx:
        return data_keys.rewrap(tx, _BATCH)


def _finish(ledger: Ledger, file: KeyFile | None, done: int) -> None:
    """Write down that it was done; drop the old keys from the file, when nobody makes a data key."""
    with ledger.writing(EVERY_TENANT) as tx:
        data_keys.lock(tx)
        while data_keys.rewrap(tx, _BATCH):
            pass
        audit.record(tx, audit.OPERATOR, "cli", "master.rotate", ledger.master.current, keys=done)
        if file is not None:
            replace(file.path, file.keys()[:1])
