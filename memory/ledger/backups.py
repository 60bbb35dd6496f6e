"""The register of backups: where copies of the ledger are, and when the last of them expires."""

from pathlib import Path

import sqlalchemy as sa

from memory.ledger.schema import backups


def add(tx: sa.Connection, name: str, folder: Path, created_at: int, expires_at: int) -> None:
    """Note a backup, before it is made: none may exist that isn't known."""
    tx.execute(
        sa.insert(backups).values(name=name, folder=str(folder), created_at=created_at, expires_at=expires_at)
    )


def last_expiry(tx: sa.Connection) -> int | None:
    """Return when the last backup expires, microseconds; None where there is none."""
    found: int | None = tx.scalar(sa.select(sa.func.max(backups.c.expires_at)))
    return found


def folders(tx: sa.Connection) -> list[Path]:
    """Return the folders that hold backups."""
    return [Path(name) for name in tx.scalars(sa.select(backups.c.folder).distinct())]


def forget(tx: sa.Connection, name: str) -> None:
    """Take a backup that was deleted off the register."""
    tx.execute(sa.delete(backups).where(backups.c.name == name))


def expired(tx: sa.Connection, folder: Path, at: int) -> list[str]:
    """Return the backups in a folder that should be deleted by now."""
    query = sa.select(backups.c.name).where(backups.c.folder == str(folder), backups.c.expires_at <= at)
    return list(tx.scalars(query))


def forget_folder(tx: sa.Connection, folder: Path) -> int:
    """Take all backups in a folder off the register, as they are gone; return how many."""
    return tx.execute(sa.delete(backups).where(backups.c.folder == str(folder))).rowcount
