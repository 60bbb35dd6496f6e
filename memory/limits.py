"""How much a key may ask for, and how much may be remembered for it."""

from dataclasses import asdict, dataclass, fields
from typing import Any

import sqlalchemy as sa

from memory.errors import QuotaError
from memory.ledger import users
from memory.scope import Scope


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of a key; None = not limited here.

    rate: requests a second, on average; burst: how many may come at once. user_turns, tenant_turns: how
    many turns may be remembered of one user, and of all users of the tenant.
    """

    rate: float | None = None
    burst: int | None = None
    user_turns: int | None = None
    tenant_turns: int | None = None

    def under(self, general: "Limits") -> "Limits":
        """Return these limits, with the general ones where these say nothing."""
        mine, theirs = asdict(self), asdict(general)
        return Limits(**{name: theirs[name] if mine[name] is None else mine[name] for name in mine})

    def to_json(self) -> dict[str, float]:
        """Return what is limited."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    @classmethod
    def from_json(cls, known: dict[str, Any] | None) -> "Limits":
        """Return the limits that were written down; what this version doesn't know is passed over."""
        return cls(**{field.name: (known or {}).get(field.name) for field in fields(cls)})


NO_LIMITS = Limits()


def check_quota(tx: sa.Connection, scope: Scope, limits: Limits, before: int) -> None:
    """Raise `QuotaError` where the user had `before` turns, has more now, and that is over a limit.

    Called in the transaction that added them: what is over the quota is undone with it. A request that
    adds nothing new passes, however full it is.
    """
    if limits.user_turns is None and limits.tenant_turns is None:
        return
    found = users.find(tx, scope)
    if found is None or found.turns <= before:
        return
    if limits.user_turns is not None and found.turns > limits.user_turns:
        raise QuotaError(f"no more than {limits.user_turns:,} turns may be remembered of one user")
    if limits.tenant_turns is not None and users.turns_of(tx, scope.tenant) > limits.tenant_turns:
        raise QuotaError(f"no more than {limits.tenant_turns:,} turns may be remembered for this tenant")
