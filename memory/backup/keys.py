"""What must happen to the keyrings beside backups when keys change."""

from pathlib import Path
from typing import Any

from memory.backup.keyring import FILE, renew
from memory.errors import SatchelError
from memory.ledger import EVERY_TENANT, Ledger, backups
from memory.times import to_datetime


def renew_all(ledger: Ledger) -> list[Path]:
    """Bring every keyring to what the ledger holds now; return the folders where that failed."""
    with ledger.reading(EVERY_TENANT) as tx:
        folders = backups.folders(tx)
    failed: list[Path] = []
    for folder in folders:
        if not folder.exists():
            failed.append(folder)
            continue
        try:
            renew(ledger, folder)
        except SatchelError:
            failed.append(folder)
    return failed


def after_purge(ledger: Ledger) -> dict[str, Any]:
    """Take what was purged out of the keyrings; return what a receipt says about backups.

    last_expires_at: when the last backup made by this service expires; None where there is none. What a
    purged user said can't be opened in them from now on. Single turns and sessions of a user who stays
    can, by whoever has backup, keyring and master key, until it expires; a restore erases them again.
    """
    failed = renew_all(ledger)
    with ledger.reading(EVERY_TENANT) as tx:
        expires = backups.last_expiry(tx)
    if expires is None:
        note = "none were made by this service; copies made by others are theirs"
    elif failed:
        places = ", ".join(str(folder / FILE) for folder in failed)
        note = f"keys could not be taken out of {places}: do so by `satchel backup keyring`"
    else:
        note = "the keys of purged users are out of them; what was purged is erased again by a restore"
    until = to_datetime(expires).isoformat() if expires is not None else None
    return {"last_expires_at": until, "note": note}
