"""Whoever sent a request, as far as the service knows and trusts it."""

from dataclasses import dataclass

from memory.errors import AccessError
from memory.ledger.keys import Right
from memory.limits import NO_LIMITS, Limits
from memory.scope import Scope


@dataclass(frozen=True, slots=True)
class Caller:
    """A key's or a token's reach. actor: its name in the audit. user: the only one it reaches, if any."""

    tenant: str
    actor: str
    rights: frozenset[Right]
    user: str | None = None
    limits: Limits = NO_LIMITS

    def needs(self, right: Right) -> None:
        """Raise `AccessError` unless the caller has the right."""
        if right not in self.rights:
            has = ", ".join(sorted(self.rights)) or "do nothing"
            raise AccessError(f"this key may {has}; this needs {right!r}")

    def scope(self, user: str, session: str | None = None) -> Scope:
        """Return the user's scope in the caller's tenant; raise `AccessError` where it is out of reach.

        The answer is the same whether anything is remembered of the other user or not.
        """
        if self.user is not None and user != self.user:
            raise AccessError("this key is for one user, and user_id names another")
        return Scope(self.tenant, user, session)

    def reaches(self, user: str) -> bool:
        """Return whether what is remembered of the user is within reach."""
        return self.user is None or user == self.user
