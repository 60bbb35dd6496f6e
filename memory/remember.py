"""Remembering: turns go into the ledger, durable before anybody is told so."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from memory.errors import InvalidInputError
from memory.ledger import Ledger, idempotency, outbox, turns, users
from memory.ledger.idempotency import Once
from memory.limits import NO_LIMITS, Limits, check_quota
from memory.scope import Scope
from memory.tokens import TokenCounter
from memory.turns import NewTurn, Turn


@dataclass(frozen=True, slots=True)
class Remembered:
    """What was remembered, or the answer that an earlier request of the same key was given.

    queued: numbers of the turns that the index doesn't have yet.
    """

    turns: list[Turn]
    queued: Collection[int] = ()
    answer: bytes | None = None


class Remember:
    """The use case behind `POST turns` and import."""

    def __init__(self, ledger: Ledger, counter: TokenCounter, queued: Callable[[], None]) -> None:
        """`queued` is called after turns were queued for the index."""
        self._ledger = ledger
        self._counter = counter
        self._queued = queued

    def __call__(
        self,
        scope: Scope,
        new: Sequence[NewTurn],
        *,
        once: Once | None = None,
        answer: Callable[[Remembered], bytes] | None = None,
        limits: Limits = NO_LIMITS,
    ) -> Remembered:
        """Remember turns at the end of the scope's session, all or none.

        With `once`, `answer` makes the response that is kept in the same transaction. Raises
        `ConflictError` and `InvalidInputError` as `memory.ledger.turns.append` does, `IdempotencyError` as
        `idempotency.reserve` does, and `QuotaError` where more would be remembered than `limits` allow.
        """
        if scope.session is None:
            raise InvalidInputError("a session is needed to remember turns")
        tokens = self._counter.count_all([turn.content for turn in new])

        def append(tx: sa.Connection) -> Remembered:
            if once is not None and (given := idempotency.reserve(tx, once)) is not None:
                return Remembered([], answer=given)
            known = users.find(tx, scope)
            kept = turns.append(tx, scope, new, tokens)
            remembered = Remembered(kept, outbox.waiting(tx, [turn.id for turn in kept]))
            check_quota(tx, scope, limits, known.turns if known else 0)
            if once is not None and answer is not None:
                idempotency.keep(tx, once, answer(remembered), users.ensure(tx, scope).id)
            return remembered

        remembered = self._ledger.repeating(scope.tenant, append)
        self._queued()
        return remembered
