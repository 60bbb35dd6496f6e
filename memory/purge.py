"""Purging: erase from the ledger at once, then from all that was derived from it."""

import hashlib
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import sqlalchemy as sa
import structlog

from memory.errors import NotFoundError
from memory.ledger import Ledger, audit, outbox, purges, sessions, turns, users
from memory.ledger.purges import Kind, Receipt
from memory.ledger.tenancy import EVERY_TENANT
from memory.scope import Scope
from memory.times import now

log = structlog.get_logger()


class Derived(Protocol):
    """What is derived from turns, and must go when they go."""

    def delete(self, scope: Scope, keys: Collection[int] | None = None) -> None:
        """Remove what came from these turns, or from all of the user's; durable on return."""


class Purge:
    """Erases memory. From the moment a receipt is given, nothing of it is returned any more.

    The receipt says `done` only once the derived data is gone too, and both files were compacted. A
    purge that was cut off goes on at the next start.
    """

    def __init__(self, ledger: Ledger, derived: Derived) -> None:
        self._ledger = ledger
        self._derived = derived
        self._worker = ThreadPoolExecutor(1, "purge")

    def user(self, scope: Scope, actor: str) -> Receipt:
        """Erase all that is remembered of the scope's user."""
        with self._ledger.writing(scope.tenant) as tx:
            found = users.find(tx, scope)
            if found is None:
                raise NotFoundError(f"nothing is remembered of a user {scope.user!r}")
            gone = purges.erase_user(tx, found.id)
            receipt = self._begin(tx, scope, "user", scope.user, gone=gone, actor=actor)
        return self._go_on(receipt)

    def session(self, tenant: str, name: str, actor: str) -> Receipt:
        """Erase one session."""
        with self._ledger.writing(tenant) as tx:
            found = sessions.find(tx, tenant, name)
            if found is None:
                raise NotFoundError(f"no session {name!r}")
            scope = Scope(tenant, sessions.owner(tx, found))
            gone = purges.erase_session(tx, found.id, found.user_id)
            receipt = self._begin(tx, scope, "session", name, gone=gone, actor=actor)
        return self._go_on(receipt)

    def turn(self, tenant: str, name: str, actor: str) -> Receipt:
        """Erase one turn."""
        with self._ledger.writing(tenant) as tx:
            found = turns.by_name(tx, tenant, name)
            if found is None:
                raise NotFoundError(f"no turn {name!r}")
            turn, user_name = found
            scope = Scope(tenant, user_name)
            purges.erase_turns(tx, turn.session, users.ensure(tx, scope).id, [turn.id])
            receipt = self._begin(tx, scope, "turn", name, gone=[turn.id], actor=actor)
        return self._go_on(receipt)

    def receipt(self, tenant: str, receipt: str) -> Receipt:
        """Return how far a purge is; raise `NotFoundError` where the tenant has none of that id."""
        with self._ledger.reading(tenant) as tx:
            found = purges.find(tx, tenant, receipt)
        if found is None:
            raise NotFoundError(f"no purge {receipt!r}")
        return found

    def resume(self) -> None:
        """Go on with purges that were cut off."""
        with self._ledger.reading(EVERY_TENANT) as tx:
            left = purges.unfinished(tx)
        for receipt in left:
            self._go_on(receipt)

    def close(self) -> None:
        """Finish the purge at hand; the rest goes on at the next start."""
        self._worker.shutdown(cancel_futures=True)

    def _begin(
        self, tx: sa.Connection, scope: Scope, kind: Kind, name: str, *, gone: list[int], actor: str
    ) -> Receipt:
        subject = hashlib.sha256(f"{scope.tenant}\0{kind}\0{name}".encode()).hexdigest()
        receipt = purges.begin(tx, scope, kind, subject, gone)
        audit.record(tx, scope.tenant, actor, f"purge.{kind}", subject, receipt=receipt.id, turns=len(gone))
        return receipt

    def _go_on(self, receipt: Receipt) -> Receipt:
        self._worker.submit(self._finish, receipt)
        return receipt

    def _finish(self, receipt: Receipt) -> None:
        scope = Scope(receipt.tenant, receipt.work["user"])
        try:
            with self._ledger.alone(scope):
                self._derived.delete(scope, receipt.work["turns"])
                if receipt.work["turns"] is None:
                    self._requeue(scope)
            self._ledger.compact()
            error = None
        except Exception as failure:
            log.exception("purge.failed", receipt=receipt.id)
            error = repr(failure)
        with self._ledger.writing(receipt.tenant) as tx:
            purges.finish(tx, receipt.id, error=error)

    def _requeue(self, scope: Scope) -> None:
        """Queue what the user posted since the purge began: it may have been taken out with the rest."""
        with self._ledger.writing(scope.tenant) as tx:
            outbox.requeue(tx, now(), scope)
