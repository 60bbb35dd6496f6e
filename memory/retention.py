"""Retention: turns that are older than they may be are purged, a bounded batch at a time."""

import time

from memory.errors import NotFoundError
from memory.ledger import EVERY_TENANT, Ledger, audit, idempotency, retention
from memory.ledger.erasing import Subject
from memory.ledger.retention import Rules, Sweep
from memory.loop import Loop
from memory.purge import Purge
from memory.times import now

# Turns of one purge, and seconds that one sweep of a tenant may take: others wait for neither.
_BATCH = 1000
_SECONDS = 30.0


class Keeping:
    """How long a tenant's turns are kept."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def rules(self, tenant: str) -> Rules:
        """Return a tenant's rules."""
        with self._ledger.reading(tenant) as tx:
            return retention.rules(tx, tenant)

    def set_rules(self, tenant: str, days: float | None, sources: dict[str, float], actor: str) -> None:
        """Replace a tenant's rules; the next sweep goes by them."""
        with self._ledger.writing(tenant) as tx:
            retention.set_rules(tx, tenant, days, sources)
            audit.record(tx, tenant, actor, "retention.set", tenant, days=days, sources=len(sources))

    def expire_session(self, tenant: str, session: str, at: int | None, actor: str) -> None:
        """Say when a session is to be erased, None = by the rules; raise `NotFoundError` without one."""
        with self._ledger.writing(tenant) as tx:
            if not retention.expire_session(tx, tenant, session, at):
                raise NotFoundError(f"no session {session!r}")
            audit.record(tx, tenant, actor, "retention.session", tenant, expires_at=at)

    def last_sweep(self, tenant: str) -> Sweep | None:
        """Return a tenant's newest sweep."""
        with self._ledger.reading(tenant) as tx:
            return retention.last_sweep(tx, tenant)


class Retention(Keeping):
    """Keeps the rules, and sweeps by them on a thread of its own."""

    def __init__(self, ledger: Ledger, purge: Purge, *, seconds: float) -> None:
        """`seconds` lie between two sweeps."""
        super().__init__(ledger)
        self._purge = purge
        self._loop = Loop("retention", self._swept, pause=seconds, at_once=False)

    def start(self) -> None:
        """Begin to sweep."""
        self._loop.start()

    def close(self) -> None:
        """Stop after the batch at hand."""
        self._loop.close()

    def sweep(self, tenant: str) -> Sweep:
        """Purge a tenant's expired turns, as many as the time allows, a receipt a batch."""
        started, deadline = now(), time.monotonic() + _SECONDS
        erased, receipts, more = 0, [], True
        while more and time.monotonic() < deadline and not self._loop.stopping:
            with self._ledger.reading(tenant) as tx:
                ids = retention.expired(tx, tenant, started, _BATCH)
            if ids:
                subject = Subject(tenant, "expired", f"sweep {started}", tuple(ids))
                receipt = self._purge.begin(subject, "retention")
                erased += receipt.turns
                receipts.append(receipt.id)
            more = len(ids) == _BATCH
        with self._ledger.writing(tenant) as tx:
            held = retention.held_back(tx, tenant, started)
            done = Sweep(started, now(), erased, held, int(more), receipts)
            retention.keep_sweep(tx, tenant, done)
        return done

    def sweep_all(self) -> None:
        """Sweep every tenant that has something to expire, and forget answers kept for repeated requests."""
        with self._ledger.writing(EVERY_TENANT) as tx:
            idempotency.sweep(tx)
            tenants = retention.every_tenant(tx)
        for tenant in tenants:
            self.sweep(tenant)

    def _swept(self) -> bool:
        self.sweep_all()
        return False
