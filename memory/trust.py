"""Where a turn came from, and how far it is trusted."""

import re
from collections.abc import Collection
from enum import IntEnum
from typing import Literal, get_args

from memory.errors import InvalidInputError
from memory.scope import check_name

Kind = Literal["user", "assistant", "system", "tool", "import"]

_NAMED = re.compile(r"(?:tool|import):[^\s:].*")


class Tier(IntEnum):
    """How far a turn's words are trusted. What is `LOW` is capped in every context, and gives way to the
    user's own statements; see docs/trust.md.
    """

    LOW = 0
    MIDDLE = 1
    HIGH = 2


_TIERS: dict[str, Tier] = {
    "user": Tier.HIGH,
    "assistant": Tier.MIDDLE,
    "system": Tier.MIDDLE,
    "tool": Tier.LOW,
    "import": Tier.LOW,
}


def check_source(source: str, role: str) -> None:
    """Raise `InvalidInputError` unless a turn of this role may say that it comes from `source`.

    A source is a kind, or `tool:` or `import:` with a name. Trust can be lowered, never raised: only a
    turn of the role `user` is the user's own, and a tool's turn is nobody else's.
    """
    check_name("source", source)
    if source not in get_args(Kind) and not _NAMED.fullmatch(source):
        raise InvalidInputError(
            f"source must be one of {', '.join(get_args(Kind))}, or tool:NAME or import:NAME, not {source!r}"
        )
    if _TIERS[kind(source)] > _TIERS[role]:
        raise InvalidInputError(
            f"a turn of the role {role!r} can't come from {source!r}:"
            " a source may lower trust, never raise it"
        )


def kind(source: str) -> str:
    """Return the kind of a source: what stands before the first colon."""
    return source.partition(":")[0]


def covers(source: str, other: str) -> bool:
    """Say whether `other` is `source` or under it: `tool` has `tool:web`, which hasn't `tool:webcam`."""
    return other == source or other.startswith(f"{source}:")


def tier(role: str, source: str, trusted: Collection[str] = ()) -> Tier:
    """Return how far a turn is trusted; `trusted`: sources that the operator vouches for.

    A history brought along (`import`, without a name) stands as its roles do. A source that is vouched
    for is never more than `MIDDLE`: nobody speaks for the user.
    """
    own = tier_of_role(role) if source == "import" else _TIERS[kind(source)]
    if own is Tier.LOW and any(covers(one, source) for one in trusted):
        return Tier.MIDDLE
    return own


def tier_of_role(role: str) -> Tier:
    """Return how far a turn is trusted that comes from what its role says."""
    return _TIERS[role]
