"""The layout of the embedded index's file, and what is said of one that doesn't have it."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zlib import crc32

import sqlalchemy as sa

from memory.errors import CorruptFileError, EncoderMismatchError

tables = sa.MetaData()
settings_rows = sa.Table(
    "settings",
    tables,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)
entries = sa.Table(
    "turns",
    tables,
    sa.Column("tenant", sa.Text, primary_key=True),
    sa.Column("user", sa.Text, primary_key=True),
    sa.Column("key", sa.BigInteger, primary_key=True),
    sa.Column("crc", sa.BigInteger, nullable=False),
    sa.Column("entry", sa.LargeBinary, nullable=False),
)
# What each user has: how many turns, and the sum of their checksums.
sums = sa.Table(
    "scopes",
    tables,
    sa.Column("tenant", sa.Text, primary_key=True),
    sa.Column("user", sa.Text, primary_key=True),
    sa.Column("turns", sa.BigInteger, nullable=False),
    sa.Column("sum", sa.BigInteger, nullable=False),
)
TOTALS = (sa.func.count(), sa.func.coalesce(sa.func.sum(entries.c.crc), 0))

# A row of the settings that is none: the checksum of the others.
_CHECKSUM = "checksum"
# What SQLite says of a file that makes no sense.
_DAMAGE = {
    sqlite3.SQLITE_ERROR,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_SCHEMA,
    sqlite3.SQLITE_TOOBIG,
    sqlite3.SQLITE_CONSTRAINT,
    sqlite3.SQLITE_MISMATCH,
    sqlite3.SQLITE_FORMAT,
    sqlite3.SQLITE_NOTADB,
}


def prepare(tx: sa.Connection, path: Path, wanted: dict[str, str]) -> None:
    """Make what is missing in the file; raise where it is damaged, or was built with other settings."""
    tables.create_all(tx)
    found = {row.name: row.value for row in tx.execute(sa.select(settings_rows))}
    noted = found.pop(_CHECKSUM, None)
    if not found and tx.scalar(sa.select(entries.c.key).limit(1)) is not None:
        raise CorruptFileError(f"{path.name} says nothing of how it was built")
    if not found or (noted is None and found == wanted):  # new, or made before users were summed up
        made = {**({} if found else wanted), _CHECKSUM: _sum_of(wanted)}
        tx.execute(sa.insert(settings_rows), [{"name": name, "value": value} for name, value in made.items()])
        each = sa.select(entries.c.tenant, entries.c.user, *TOTALS).group_by(entries.c.tenant, entries.c.user)
        tx.execute(sa.insert(sums).from_select(list(sums.c.keys()), each))
    elif noted is not None and noted != _sum_of(found):
        raise CorruptFileError(f"the settings in {path.name} fail their checksum")
    elif found != wanted:
        raise EncoderMismatchError(_difference(path, found, wanted))


def _sum_of(settings: dict[str, str]) -> str:
    return str(crc32(repr(sorted(settings.items())).encode()))


def _difference(path: Path, found: dict[str, str], wanted: dict[str, str]) -> str:
    parts = [
        f"{name} {found.get(name)!r} instead of {value!r}"
        for name, value in wanted.items()
        if found.get(name) != value
    ]
    return (
        f"{path.name} was built with {', '.join(parts)}. Start with the encoder it was built with, and run "
        f"`satchel reindex` with these settings beside the service: it builds the new index, and the next "
        "start with these settings takes it"
    )


@contextmanager
def damage_told() -> Iterator[None]:
    """Raise `CorruptFileError` where SQLite can't make sense of a file that it has written itself.

    A bit in the schema, in a type or in the header makes it complain of anything: missing columns, texts
    that are none, an unknown format.
    """
    try:
        yield
    except sa.exc.DBAPIError as error:
        code = getattr(error.orig, "sqlite_errorcode", None)  # None: the driver itself couldn't read a text
        if code is not None and code & 0xFF not in _DAMAGE:
            raise
        raise CorruptFileError(f"the index file is damaged: {error.orig}") from error
