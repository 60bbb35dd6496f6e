"""The nouns of a data set."""

from collections.abc import Mapping
from dataclasses import dataclass, field

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Unit:
    """One turn or record of a conversation, as the source has it.

    ts: ISO-8601 or None. role: user, assistant, a speaker's name, or `record`.
    """

    id: str
    session: str
    ts: str | None
    role: str
    text: str


@dataclass(frozen=True, slots=True)
class Query:
    """A question and where its evidence is.

    groups: what must be found; any unit of a group finds it. Turn-level gold is one unit a group.
    No groups = nothing relevant is there. pool_end: the query sees only this many leading units.
    spans: labelled characters of a gold unit. also: units that are neither rewarded nor punished.
    trap: units that tempt to a wrong answer. incomplete: evidence is known to be missing from the
    label, so "complete" can't be judged. level: what the label points at: turn, session or item.
    """

    id: str
    type: str
    text: str
    groups: tuple[tuple[str, ...], ...]
    pool_end: int
    ts: str | None = None
    level: str = "turn"
    spans: Mapping[str, tuple[Span, ...]] = field(default_factory=dict)
    also: frozenset[str] = frozenset()
    trap: tuple[str, ...] = ()
    incomplete: bool = False

    @property
    def gold(self) -> frozenset[str]:
        """All units that count as evidence."""
        return frozenset(unit for group in self.groups for unit in group)


@dataclass(frozen=True, slots=True)
class Conversation:
    """Everything one user said and heard, in order, and the questions about it."""

    dataset: str
    id: str
    units: tuple[Unit, ...]
    queries: tuple[Query, ...]

    def pool(self, query: Query) -> tuple[Unit, ...]:
        """Return the units that the query may see."""
        return self.units[: query.pool_end]
