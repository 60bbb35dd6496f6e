"""The register of purges: what each still has to do, and the receipt once it is done."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from memory.ledger.erasing import Kind
from memory.ledger.schema import purges

Status = Literal["running", "done", "failed"]

# Tries after which a purge is called failed; it is tried on all the same.
_PATIENCE = 5
# Microseconds before the next try, doubled each time up to the longest.
_FIRST_DELAY = 500_000
_LONGEST_DELAY = 600_000_000


@dataclass(frozen=True, slots=True)
class Receipt:
    """A purge and how far it is. Times in microseconds. subject: a hash, no name.

    work: what is left to do, by name, until the derived data is gone. receipt: the signed document.
    """

    id: str
    tenant: str
    kind: Kind
    subject: str
    status: Status
    turns: int
    requested_at: int
    finished_at: int | None = None
    error: str | None = None
    work: dict[str, Any] | None = None
    receipt: dict[str, Any] | None = None
    attempts: int = 0


_COLUMNS = tuple(purges.c[name] for name in Receipt.__dataclass_fields__)


def begin(tx: sa.Connection, purge: Receipt, sought: bytes) -> None:
    """Note a purge whose ledger rows are gone and whose derived data still has to go."""
    values = {name: getattr(purge, name) for name in Receipt.__dataclass_fields__}
    tx.execute(sa.insert(purges).values(**values, sought=sought, due_at=0))


def find(tx: sa.Connection, tenant: str, receipt: str) -> Receipt | None:
    """Return the tenant's purge of that id."""
    row = tx.execute(sa.select(*_COLUMNS).where(purges.c.tenant == tenant, purges.c.id == receipt)).first()
    return None if row is None else Receipt(*row)


def sought(tx: sa.Connection, receipt: str) -> bytes:
    """Return the fingerprints of what the purge erased."""
    return bytes(tx.scalar(sa.select(purges.c.sought).where(purges.c.id == receipt)) or b"")


def due(tx: sa.Connection, at: int, limit: int) -> list[Receipt]:
    """Return purges that are to be gone on with, oldest first."""
    query = sa.select(*_COLUMNS).where(purges.c.status != "done", purges.c.due_at <= at)
    return [Receipt(*row) for row in tx.execute(query.order_by(purges.c.requested_at).limit(limit))]


def unfinished(tx: sa.Connection) -> int:
    """Return how many purges are not done yet."""
    query = sa.select(sa.func.count()).select_from(purges).where(purges.c.status != "done")
    return int(tx.scalar(query) or 0)


def derived_gone(tx: sa.Connection, receipt: str, fingerprints: bytes) -> None:
    """Note that the derived data is gone: no name is needed from here on."""
    tx.execute(sa.update(purges).where(purges.c.id == receipt).values(work={}, sought=fingerprints))


def sought_grown(tx: sa.Connection, receipt: str, fingerprints: bytes) -> None:
    """Keep more fingerprints."""
    tx.execute(sa.update(purges).where(purges.c.id == receipt).values(sought=fingerprints))


def wait(tx: sa.Connection, receipt: str, work: dict[str, Any], until: int) -> None:
    """Note what is left to do, and go on with it at a time."""
    tx.execute(sa.update(purges).where(purges.c.id == receipt).values(work=work, due_at=until))


def done(tx: sa.Connection, receipt: str, document: dict[str, Any], at: int) -> None:
    """Close a purge that was proved; it forgets its fingerprints. What was signed first stands."""
    values = {"status": "done", "finished_at": at, "error": None, "receipt": document}
    open_still = (purges.c.id == receipt, purges.c.status != "done")
    tx.execute(sa.update(purges).where(*open_still).values(**values, work={}, sought=None))


def put_off(tx: sa.Connection, ids: Sequence[str], at: int, error: str) -> None:
    """Try purges again later, and longer each time; what is done stays done."""
    open_still = (purges.c.id.in_(ids), purges.c.status != "done")
    rows = tx.execute(sa.select(purges.c.id, purges.c.attempts).where(*open_still).with_for_update()).all()
    for row in rows:
        tries = row.attempts + 1
        delay = min(_FIRST_DELAY * 2 ** min(row.attempts, 16), _LONGEST_DELAY)
        status = "failed" if tries >= _PATIENCE else "running"
        values = {"attempts": tries, "due_at": at + delay, "error": error[:500], "status": status}
        tx.execute(sa.update(purges).where(purges.c.id == row.id).values(**values))


def at_once(tx: sa.Connection) -> None:
    """Let every unfinished purge be gone on with now."""
    tx.execute(sa.update(purges).where(purges.c.status != "done").values(due_at=0))
