"""Sessions, their turns, and how they went on."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from api.http.models.base import Name, Strict
from api.http.models.insight import Intent, Risk
from memory.turns import Role


class SessionOut(BaseModel):
    """A session and how much it holds."""

    session_id: str
    user_id: str
    created_at: datetime
    last_at: datetime
    turns: int
    tokens: int
    intent: Intent = Field(default_factory=Intent)
    risk: Risk = Field(default_factory=Risk)


class SessionsOut(BaseModel):
    """A page of sessions, newest first; `next` is the cursor of the next page."""

    sessions: list[SessionOut]
    next: str | None


class TurnOut(BaseModel):
    """A remembered turn, verbatim."""

    id: str
    session_id: str
    seq: int
    role: Role
    name: str | None
    content: str
    created_at: datetime
    source: str
    metadata: dict[str, Any]
    tokens: int


class TurnsPage(BaseModel):
    """A page of a session's turns in order; `next` is the cursor of the next page."""

    turns: list[TurnOut]
    next: str | None


class EventIn(Strict):
    """How it went on: an outcome of the session, or of one turn of it."""

    type: Literal["retry", "abandon", "fallback", "tool_error", "thumbs_up", "thumbs_down"]
    turn_id: Name | None = None


class EventOut(BaseModel):
    """The outcome was noted."""

    session_id: str
    type: str
