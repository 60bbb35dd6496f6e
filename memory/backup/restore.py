"""Bringing a backup back: checked, with its keys, without what was purged since."""

import shutil
import sqlite3
import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from memory.backup import keyring as keyring_file
from memory.backup.files import sync, told
from memory.backup.keyring import Keyring
from memory.backup.manifest import LEDGER, Manifest
from memory.errors import CorruptFileError, SatchelError, SetupError
from memory.folder import DataFolder
from memory.ledger import EVERY_TENANT, Ledger, audit, data_keys, numbers, tombstones, turns, users
from memory.ledger.engine import sqlite_engine
from memory.ledger.ledger import FILE
from memory.ledger.schema import tenants
from memory.ledger.upgrade import is_current, upgrade
from memory.scope import Scope
from memory.times import now
from memory.vault import Master

_STALE = "the keyring is older than the backup, and lacks keys of those who came later; take the newest one"
_SUFFIXES = ("", "-wal", "-shm")


@dataclass(frozen=True, slots=True)
class Restored:
    """What came back, and what was erased again: users, sessions and turns that were purged since the
    backup, and users whose keys are gone. turns: that can be read now.
    """

    manifest: Manifest
    turns: int
    purged: dict[tombstones.Kind, int]
    shredded: int


def verify(backup: Path, master: Master) -> Restored:
    """Restore a backup into a folder that is deleted afterwards, and read every turn of it.

    Raises `SetupError` or one of its kinds where that can't be done.
    """
    with tempfile.TemporaryDirectory(prefix="satchel-verify-") as folder:
        ring = Keyring.from_file(backup.absolute().parent / keyring_file.FILE)
        return _staged(backup, Path(folder), ring, master)


def restore(backup: Path, data: Path, master: Master, *, replace: bool = False) -> Restored:
    """Put a backup into a data folder that no process has, in place of the ledger there if `replace`.

    What was purged since the backup is erased before anything can be served. The index is made anew at
    the next start. Raises `SetupError` or one of its kinds, and leaves the folder as it was.
    """
    folder = DataFolder(data)
    stage = data / ".restoring"
    try:
        if (data / FILE).exists() and not replace:
            raise SetupError(f"{data} holds a ledger already; --replace puts the backup in its place")
        with told("restore into", data):
            shutil.rmtree(stage, ignore_errors=True)
            stage.mkdir(mode=0o700)
        restored = _staged(backup, stage, _keyring(backup, data, master), master)
        with told("restore into", data):
            _swap(stage / FILE, data)
        return restored
    finally:
        shutil.rmtree(stage, ignore_errors=True)
        folder.close()


def finish(ledger: Ledger, ring: Keyring, backup: str = "") -> tuple[dict[tombstones.Kind, int], int]:
    """Give a copy of the ledger its keys, and erase what was purged since; one transaction.

    backup: its name, for the audit; none for a copy that was made and put back by other means.
    Returns what was erased: by tombstones, and users whose keys are gone. Raises `SetupError` for a keyring
    from before somebody came who is in the copy: it can't tell who was purged from who is new.
    """
    with ledger.writing(EVERY_TENANT) as tx:
        data_keys.put_back(tx, ring.keys, ring.secrets)
        tombstones.merge(tx, ring.tombstones)
        erased = tombstones.apply(tx)
        shredded = data_keys.keyless(tx)
        if any(came > ring.made_at for came in shredded.values()):
            raise SetupError(_STALE)
        tombstones.erase(tx, "user", shredded)
        numbers.go_on_from(tx, now())
        again = {"purged": sum(erased.values()), "shredded": len(shredded)}
        action = "backup.restore" if backup else "backup.finish"
        audit.record(tx, audit.OPERATOR, "cli", action, backup, **again)
    ledger.unlock()
    return erased, len(shredded)


def _staged(backup: Path, stage: Path, ring: Keyring, master: Master) -> Restored:
    """Return what a backup brings, restored in `stage`."""
    manifest = Manifest.read(backup)
    if ring.made_at < manifest.created_at:
        raise SetupError(_STALE)
    with told("copy the backup to", stage):
        shutil.copyfile(backup / LEDGER, stage / FILE)
    with closing(sqlite3.connect(stage / FILE)) as copy:
        found = copy.execute("PRAGMA integrity_check").fetchone()[0]
    if found != "ok":
        raise CorruptFileError(f"the backup {backup} is damaged: {found}")
    ledger = Ledger(sqlite_engine(stage / FILE), master)
    try:
        if not is_current(ledger.engine):
            upgrade(ledger.engine)
        purged, shredded = finish(ledger, ring, manifest.name)
        readable = _read_all(ledger)
        ledger.compact()
    finally:
        ledger.close()
    sync(stage / FILE)
    return Restored(manifest, readable, purged, shredded)


def _read_all(ledger: Ledger) -> int:
    """Return how many turns there are; each is opened."""
    count = 0
    with ledger.reading(EVERY_TENANT) as tx:
        for tenant in tx.scalars(sa.select(tenants.c.name)).all():
            last = 0
            while page := users.page(tx, tenant, last, 500):
                count += sum(1 for _, name in page for _ in turns.stream(tx, Scope(tenant, name)))
                last = page[-1][0]
    return count


def _keyring(backup: Path, data: Path, master: Master) -> Keyring:
    """Return the backups' keyring, less what was purged since from the ledger that is to be replaced.

    The latter counts only if it is the same one, which its pepper tells.
    """
    beside = Keyring.from_file(backup.absolute().parent / keyring_file.FILE)
    if not (data / FILE).exists():
        return beside
    try:
        live = Ledger.in_folder(data, master)
    except SatchelError:  # damaged, or under another master key: perhaps why it is replaced
        return beside
    try:
        with live.reading(EVERY_TENANT) as tx:
            found = Keyring.of_ledger(tx)
    finally:
        live.close()
    if _pepper(found, master) != _pepper(beside, master):
        return beside
    keys = {user: key for user, key in found.keys.items() if user in beside.keys}
    return Keyring(beside.made_at, keys, found.secrets, [*beside.tombstones, *found.tombstones])


def _pepper(ring: Keyring, master: Master) -> bytes:
    name, wrapped = ring.secrets[tombstones.PEPPER]
    return master.unwrap(name, wrapped, data_keys.secret_context(tombstones.PEPPER))


def _swap(new: Path, data: Path) -> None:
    """Put the new ledger in the place of the old; the old one's log must not be taken for the new one's."""
    for suffix in _SUFFIXES[1:]:
        (data / f"{FILE}{suffix}").unlink(missing_ok=True)
    for suffix in _SUFFIXES:
        (data / f"index.sqlite3{suffix}").unlink(missing_ok=True)
    new.replace(data / FILE)
    sync(data)
