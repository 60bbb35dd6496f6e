"""What a ledger holds, as counts and hashes that any two copies of it share."""

import json
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

import sqlalchemy as sa

from memory.ledger.schema import tables
from memory.moving.rows import Row, stored

# Users have a sum of their own up to this many; beyond, several share one, so that memory stays bounded.
_USERS = 1 << 16
_BYTES = 16
_MODULUS = 1 << (8 * _BYTES)


@dataclass(slots=True)
class Sum:
    """A number of rows, and the sum of their hashes: the same in whatever order they come."""

    rows: int = 0
    hashed: int = 0

    def add(self, hashed: int) -> None:
        """Count a row in."""
        self.rows += 1
        self.hashed = (self.hashed + hashed) % _MODULUS

    def __str__(self) -> str:
        return f"{self.rows} rows, {self.hashed:0{2 * _BYTES}x}"


@dataclass(slots=True)
class Digest:
    """Sums by table, and by user over all tables whose rows hang on one."""

    tables: dict[str, Sum] = field(default_factory=dict)
    users: dict[int, Sum] = field(default_factory=dict)

    def add(self, table: str, row: Row, user: int | None) -> None:
        """Count a row in."""
        hashed = _hash(table, row)
        self.tables.setdefault(table, Sum()).add(hashed)
        if user is not None:
            self.users.setdefault(user % _USERS, Sum()).add(hashed)

    def differences(self, other: "Digest") -> list[str]:
        """Return, in words, in which tables and users the other holds something else."""
        by_table = _different("table", self.tables, other.tables)
        return by_table + _different("user", self.users, other.users)


def digest(tx: sa.Connection) -> Digest:
    """Return the digest of everything in the ledger."""
    made = Digest()
    for table in tables.sorted_tables:
        for row, user in stored(tx, table):
            made.add(table.name, row, user)
    return made


def _different(kind: str, mine: dict[Any, Sum], theirs: dict[Any, Sum]) -> list[str]:
    return [
        f"{kind} {name}: {mine.get(name, Sum())} against {theirs.get(name, Sum())}"
        for name in sorted(mine.keys() | theirs.keys())
        if mine.get(name) != theirs.get(name)
    ]


def _hash(table: str, row: Row) -> int:
    values = {name: _canonical(value) for name, value in row.items()}
    said = json.dumps([table, values], sort_keys=True, separators=(",", ":"))
    return int.from_bytes(blake2b(said.encode(), digest_size=_BYTES).digest())


def _canonical(value: Any) -> Any:
    """Return what JSON can hold, with the type told, so that 1, true and "1" are three things."""
    if isinstance(value, bytes):
        return ["bytes", value.hex()]
    return [type(value).__name__, value]
