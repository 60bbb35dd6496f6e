"""Who did what to whose memory, without content: lines that are added, chained, and never changed.

Each line holds the hash of its content and of the line before it in its tenant's chain, so that a line
changed, taken out or put in between is found by `verify`. A chain a tenant: tenants don't wait for each
other, and one can check its own. Its last line is held in a row of its own, whose lock lets any number of
replicas write in turn. Whoever can write to the database can make a whole new chain: against that,
keep the head that `verify` returns somewhere else.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from memory.ledger.insert import insert_missing
from memory.ledger.schema import audit, audit_heads
from memory.times import now

# The chain of what an operator did to the memory of all: no tenant has an empty name.
OPERATOR = ""
# What the first line of a chain follows.
_NOTHING = b"\0" * 32
_CHUNK = 1000


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the log. at: microseconds. subject: a hash, no name. seq: its place, from 1."""

    tenant: str
    seq: int
    at: int
    actor: str
    action: str
    subject: str
    detail: dict[str, Any]
    previous: bytes
    hash: bytes

    def hashed(self) -> bytes:
        """Return the hash that the line should have."""
        said = [self.tenant, self.seq, self.at, self.actor, self.action, self.subject, self.detail]
        canonical = json.dumps(said, sort_keys=True, separators=(",", ":")).encode()
        return hashlib.sha256(self.previous + canonical).digest()


@dataclass(frozen=True, slots=True)
class Verdict:
    """A chain checked. broken: the place of the first line that isn't as it was written, and why.

    head: the hash of the last line. unchained: lines of before there were chains; they join the chain with
    the tenant's next line.
    """

    tenant: str
    lines: int
    head: bytes
    broken: int | None = None
    why: str = ""
    unchained: int = 0


def subject(tenant: str, kind: str, name: str) -> str:
    """Return the hash by which the log names a user, session or turn, so that a purge leaves no name."""
    return hashlib.sha256(f"{tenant}\0{kind}\0{name}".encode()).hexdigest()


def record(tx: sa.Connection, tenant: str, actor: str, action: str, subject: str, **detail: Any) -> None:
    """Add a line; it stands or falls with the transaction that does what it says."""
    tx.execute(
        sa.insert(audit).values(
            tenant=tenant, at=now(), actor=actor, action=action, subject=subject, detail=detail
        )
    )
    _chain(tx, tenant)


def lines(tx: sa.Connection, tenant: str, *, after: int = 0, limit: int = _CHUNK) -> list[Line]:
    """Return the tenant's chained lines in order, from the one behind place `after`."""
    query = sa.select(*(audit.c[name] for name in Line.__dataclass_fields__))
    rows = tx.execute(
        query.where(audit.c.tenant == tenant, audit.c.seq > after).order_by(audit.c.seq).limit(limit)
    )
    return [Line(*row) for row in rows]


def tenants(tx: sa.Connection) -> list[str]:
    """Return the tenants that have lines or a head, sorted."""
    every = sa.union(sa.select(audit.c.tenant), sa.select(audit_heads.c.tenant)).subquery()
    return list(tx.scalars(sa.select(every.c.tenant).order_by(every.c.tenant)))


def verify(tx: sa.Connection, tenant: str) -> Verdict:
    """Check every line of a tenant's chain, and that it ends where its head says."""
    place, before = 0, _NOTHING
    for line in _all(tx, tenant):
        why = _wrong(line, place + 1, before)
        if why:
            return Verdict(tenant, place, before, broken=place + 1, why=why)
        place, before = line.seq, line.hash
    head = tx.execute(sa.select(audit_heads).where(audit_heads.c.tenant == tenant)).first()
    if place and head is None:
        return Verdict(tenant, place, before, broken=place, why="the head of the chain is gone")
    if head is not None and (head.seq, bytes(head.hash)) != (place, before):
        why = f"the chain should end at line {head.seq}; lines behind this place are gone"
        return Verdict(tenant, place, before, broken=place + 1, why=why)
    loose = sa.select(sa.func.count()).where(audit.c.tenant == tenant, audit.c.hash.is_(None))
    return Verdict(tenant, place, before, unchained=int(tx.scalar(loose) or 0))


def _wrong(line: Line, place: int, before: bytes) -> str:
    if line.seq != place:
        return f"line {place} is gone"
    if bytes(line.previous) != before:
        return "it doesn't follow the line before it"
    return "" if bytes(line.hash) == line.hashed() else "its content is not what was written"


def _all(tx: sa.Connection, tenant: str) -> Iterator[Line]:
    after = -(2**62)
    while page := lines(tx, tenant, after=after):
        yield from page
        after = page[-1].seq


def _chain(tx: sa.Connection, tenant: str) -> None:
    """Put the tenant's loose lines behind its last one, in the order in which they were written."""
    insert_missing(tx, audit_heads, tenant=tenant, seq=0, hash=_NOTHING)
    held = sa.select(audit_heads).where(audit_heads.c.tenant == tenant).with_for_update()
    head = tx.execute(held).one()
    place, before = int(head.seq), bytes(head.hash)
    loose = audit.c.tenant == tenant, audit.c.hash.is_(None)
    for row in tx.execute(sa.select(audit).where(*loose).order_by(audit.c.id)).all():
        place += 1
        line = Line(tenant, place, row.at, row.actor, row.action, row.subject, row.detail, before, b"")
        before = line.hashed()
        linked = {"seq": place, "previous": line.previous, "hash": before}
        tx.execute(sa.update(audit).where(audit.c.id == row.id).values(**linked))
    tx.execute(sa.update(audit_heads).where(audit_heads.c.tenant == tenant).values(seq=place, hash=before))
