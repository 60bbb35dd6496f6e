"""Turns: what is remembered, verbatim and immutable."""

from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from memory.errors import InvalidInputError, TooLargeError
from memory.scope import check_name
from memory.text import storable
from memory.trust import check_source

Role = Literal["user", "assistant", "system", "tool"]

MAX_CONTENT = 1_048_576


def spoken_by(said: str) -> tuple[Role, str | None]:
    """Return the role, and the speaker's name where `said` is a person rather than a role.

    A `record` (a calendar entry, a message on a phone) is the user's own, and nobody's words.
    """
    name = said.strip()
    for role in get_args(Role):
        if name.lower() == role:
            return role, None
    return "user", None if name.lower() == "record" else name or None


@dataclass(frozen=True, slots=True)
class NewTurn:
    """A turn that is to be remembered; checked when made.

    name: the turn's id for the outside, unique in the tenant; made by the ledger where None.
    speaker: who spoke, where the role alone doesn't tell. created_at: microseconds, None = now.
    source: where it comes from, see `memory.trust`; None = its role.
    Raises `InvalidInputError` on an unknown role, a source that the role may not claim, or a text that
    can't be stored.
    """

    role: Role
    content: str
    speaker: str | None = None
    name: str | None = None
    created_at: int | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    source: str | None = None

    def __post_init__(self) -> None:
        if self.role not in get_args(Role):
            raise InvalidInputError(f"role must be one of {', '.join(get_args(Role))}, not {self.role!r}")
        if self.name is not None:
            check_name("id", self.name)
        if self.source is not None:
            check_source(self.source, self.role)
        if self.speaker is not None:
            check_name("name", self.speaker)
        if len(self.content) > MAX_CONTENT:
            raise TooLargeError(
                f"content has {len(self.content):,} characters, more than {MAX_CONTENT:,}; send it in parts"
            )
        storable("content", self.content)
        _storable_json("metadata", self.metadata)


@dataclass(frozen=True, slots=True)
class Turn:
    """A remembered turn. id, session, name: the ledger's numbers and the names known outside."""

    id: int
    name: str
    session: int
    session_name: str
    seq: int
    role: Role
    speaker: str | None
    content: str
    created_at: int
    source: str
    metadata: dict[str, Any]
    tokens: int


def _storable_json(field_name: str, value: object) -> None:
    if isinstance(value, str):
        storable(field_name, value)
    elif isinstance(value, dict):
        for key, item in value.items():
            storable(field_name, str(key))
            _storable_json(field_name, item)
    elif isinstance(value, list):
        for item in value:
            _storable_json(field_name, item)
