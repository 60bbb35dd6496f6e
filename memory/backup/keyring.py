"""The keyring beside the backups: what opens them, as it is now, and what must not come back."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from memory.backup.files import sync, told
from memory.errors import CorruptFileError, SetupError
from memory.ledger import EVERY_TENANT, Ledger, data_keys, tombstones
from memory.ledger.data_keys import Wrapped
from memory.times import now

FILE = "keyring.sqlite3"

_TABLES = """
CREATE TABLE made (at INTEGER);
CREATE TABLE keys (user_id INTEGER PRIMARY KEY, tenant TEXT, created_at INTEGER, master TEXT, wrapped BLOB);
CREATE TABLE secrets (name TEXT PRIMARY KEY, master TEXT, wrapped BLOB);
CREATE TABLE tombstones (hash BLOB PRIMARY KEY, at INTEGER);
"""


@dataclass(frozen=True, slots=True)
class Keyring:
    """Wrapped keys by user number, wrapped secrets by name, and tombstones, as they were at `made_at`."""

    made_at: int
    keys: dict[int, Wrapped]
    secrets: dict[str, tuple[str, bytes]]
    tombstones: list[tuple[bytes, int]]

    @classmethod
    def of_ledger(cls, tx: sa.Connection) -> "Keyring":
        """Return what the ledger holds now."""
        return cls(now(), data_keys.all_of(tx), data_keys.all_secrets(tx), tombstones.all_of(tx))

    @classmethod
    def from_file(cls, path: Path) -> "Keyring":
        """Read a keyring; raise `SetupError` where there is none, `CorruptFileError` where it is damaged."""
        if not path.exists():
            raise SetupError(f"there is no keyring at {path}; without it no backup can be read")
        try:
            with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as file:
                ((at,),) = file.execute("SELECT at FROM made")
                rows = file.execute("SELECT user_id, tenant, created_at, master, wrapped FROM keys")
                keys = {user: Wrapped(*more) for user, *more in rows}
                rows = file.execute("SELECT name, master, wrapped FROM secrets")
                secrets = {name: (master, wrapped) for name, master, wrapped in rows}
                return cls(at, keys, secrets, list(file.execute("SELECT hash, at FROM tombstones")))
        except (sqlite3.DatabaseError, ValueError) as error:
            raise CorruptFileError(f"the keyring {path} is damaged: {error}") from error

    def write(self, path: Path) -> None:
        """Write the keyring in place of the one that is there, durably and at once."""
        beside = path.with_name(f".{path.name}.new")
        with told("write the keyring", path):
            beside.unlink(missing_ok=True)
            beside.touch(0o600)
            with closing(sqlite3.connect(beside)) as file, file:
                file.executescript(_TABLES)
                file.execute("INSERT INTO made VALUES (?)", (self.made_at,))
                rows = [(user, *key) for user, key in self.keys.items()]
                file.executemany("INSERT INTO keys VALUES (?, ?, ?, ?, ?)", rows)
                file.executemany(
                    "INSERT INTO secrets VALUES (?, ?, ?)",
                    [(name, *two) for name, two in self.secrets.items()],
                )
                file.executemany("INSERT INTO tombstones VALUES (?, ?)", self.tombstones)
            sync(beside)
            beside.replace(path)
            sync(path.parent)


def renew(ledger: Ledger, folder: Path) -> None:
    """Bring the keyring in a folder of backups to what the ledger holds now."""
    with ledger.reading(EVERY_TENANT) as tx:
        keyring = Keyring.of_ledger(tx)
    keyring.write(folder / FILE)
