"""Legal holds, placed and lifted: each is in the audit."""

from memory.ledger import Ledger, audit, holds
from memory.ledger.holds import Hold
from memory.purge.document import subject_hash
from memory.scope import Scope


class Holding:
    """Places and lifts holds."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def put(self, scope: Scope, reason: str, actor: str) -> Hold:
        """Keep the user's memory, whoever asks for it to be erased."""
        with self._ledger.writing(scope.tenant) as tx:
            hold = holds.put(tx, scope, reason, actor)
            audit.record(tx, scope.tenant, actor, "hold.put", subject_hash(scope.tenant, "user", scope.user))
        return hold

    def lift(self, scope: Scope, actor: str) -> None:
        """End the hold; raise `NotFoundError` where there is none."""
        with self._ledger.writing(scope.tenant) as tx:
            holds.lift(tx, scope)
            audit.record(tx, scope.tenant, actor, "hold.lift", subject_hash(scope.tenant, "user", scope.user))
