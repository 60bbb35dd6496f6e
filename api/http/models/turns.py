"""Turns that come in, and what was kept of them."""

from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, Field

from api.http.models.base import Name, Strict, Words
from api.http.models.insight import Intent, Risk
from memory.turns import Role

# Not dumped where it isn't sent: the requests of older clients keep their idempotency hashes.
Source = Annotated[
    Name | None,
    Field(
        exclude_if=lambda value: value is None,
        description="Where it comes from: `tool:browser`, `import:crm`; by default the role.",
    ),
]


class TurnIn(Strict):
    """A turn to remember. `id` makes posting it twice harmless."""

    role: Role
    content: Words
    name: Name | None = None
    created_at: AwareDatetime | None = None
    id: Name | None = None
    metadata: dict[str, Any] = Field(default_factory=dict)
    source: Source = None


class TurnsIn(Strict):
    """Turns for the end of a session, oldest first."""

    user_id: Name
    turns: list[TurnIn] = Field(min_length=1)


class TurnKept(BaseModel):
    """A remembered turn. `indexed` tells whether it is found by meaning yet, or by its words alone."""

    id: str
    seq: int
    indexed: bool


class TurnsOut(BaseModel):
    """What was remembered, in the order of the request."""

    session_id: str
    turns: list[TurnKept]
    intent: Intent = Field(default_factory=Intent)
    risk: Risk = Field(default_factory=Risk)


class Imported(BaseModel):
    """How many turns the lines held; those remembered before are counted, and not kept twice."""

    turns: int
