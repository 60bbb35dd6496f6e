"""Making a backup, beside a service that writes."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import sqlalchemy as sa

from memory.backup.files import digest, sync, told
from memory.backup.keyring import renew
from memory.backup.manifest import LEDGER, Manifest
from memory.errors import SetupError
from memory.ledger import EVERY_TENANT, Ledger, audit, backups
from memory.ledger.schema import turns
from memory.times import now, to_datetime

DAY = 86_400_000_000


def create(ledger: Ledger, folder: Path, days: int) -> Manifest:
    """Copy the ledger as it is at one moment into a new folder within `folder`; delete what has expired.

    days: how long it is kept. Raises `SetupError` where that can't be done.
    """
    _check(ledger)
    at = now()
    name = to_datetime(at).strftime("%Y%m%dT%H%M%S.%fZ")
    partial = folder / f".{name}.partial"
    with ledger.writing(EVERY_TENANT) as tx:
        backups.add(tx, name, folder.absolute(), at, at + days * DAY)
        audit.record(tx, audit.OPERATOR, "cli", "backup.create", name, days=days)
    with told("write a backup to", folder):
        partial.mkdir(parents=True, mode=0o700)
        try:
            _copy(ledger, partial / LEDGER)
            # After the copy: it must hold the keys of all who are in it.
            renew(ledger, folder)
            manifest = _manifest(partial / LEDGER, name, at, at + days * DAY)
            manifest.write(partial)
            sync(partial)
            partial.rename(folder / name)
            sync(folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    _drop_expired(ledger, folder, at)
    return manifest


def _check(ledger: Ledger) -> None:
    if ledger.engine.dialect.name != "sqlite":
        raise SetupError(
            "this ledger is on PostgreSQL: copy it by pg_dump without the data of data_keys and secrets, "
            "then run `satchel backup keyring`; docs/backups.md has the steps"
        )
    with ledger.reading(EVERY_TENANT) as tx:
        if tx.scalar(sa.select(turns.c.id).where(turns.c.sealed.is_(None)).limit(1)) is not None:
            raise SetupError("some turns are not encrypted yet; run `satchel vault seal` first")


def _copy(ledger: Ledger, path: Path) -> None:
    """Copy the database as it is at one moment, by SQLite's own means, and take the keys out of the copy."""
    path.touch(0o600)
    with (
        closing(sqlite3.connect(str(ledger.engine.url.database))) as source,
        closing(sqlite3.connect(path, isolation_level=None)) as copy,
    ):
        source.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")
        copy.execute("PRAGMA secure_delete=ON")
        copy.execute("DELETE FROM data_keys")
        copy.execute("DELETE FROM secrets")
        copy.execute("VACUUM")  # so that no free page has them either
    sync(path)


def _manifest(path: Path, name: str, at: int, expires_at: int) -> Manifest:
    with closing(sqlite3.connect(path)) as copy:
        tables = ("users", "sessions", "turns")
        counts = {table: copy.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables}  # noqa: S608 - our own names
        schema = copy.execute("SELECT version_num FROM alembic_version").fetchone()[0]
    return Manifest(
        name=name,
        created_at=at,
        expires_at=expires_at,
        schema=schema,
        bytes=path.stat().st_size,
        sha256=digest(path),
        **counts,
    )


def _drop_expired(ledger: Ledger, folder: Path, at: int) -> None:
    """Delete this folder's backups that are past their time, files before register."""
    with ledger.reading(EVERY_TENANT) as tx:
        expired = backups.expired(tx, folder.absolute(), at)
    for name in expired:
        shutil.rmtree(folder / name, ignore_errors=True)
        if not (folder / name).exists():
            with ledger.writing(EVERY_TENANT) as tx:
                backups.forget(tx, name)
                audit.record(tx, audit.OPERATOR, "satchel", "backup.expire", name)
