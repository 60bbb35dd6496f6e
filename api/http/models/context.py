"""Context and search: what is asked for and what comes back."""

from datetime import datetime
from typing import Any, Literal, Self

from pydantic import AwareDatetime, BaseModel, Field, model_validator

from api.http.models.base import Name, Strict, Trust, Words
from api.http.models.insight import Intent, Risk, Route
from memory.turns import Role


class MessageIn(Strict):
    """A message of the conversation at hand."""

    role: Role
    content: Words
    name: Name | None = None


class ContextIn(Strict):
    """What context is asked for: by `query`, or by `messages` whose last is the new turn."""

    user_id: Name
    session_id: Name | None = None
    query: Words | None = None
    messages: list[MessageIn] | None = Field(default=None, min_length=1, max_length=1000)
    max_tokens: int = Field(ge=1, le=1_000_000)
    recent: int = Field(default=0, ge=0, le=100)
    scope: Literal["user", "session"] = "user"
    exclude_turn_ids: list[Name] = Field(default_factory=list, max_length=1000)
    at: AwareDatetime | None = None
    min_relevance: float | None = Field(default=None, ge=0, le=1)
    explain: bool = False

    @model_validator(mode="after")
    def _one_question(self) -> Self:
        if (self.query is None) == (self.messages is None):
            raise ValueError("send either query or messages")
        if self.scope == "session" and self.session_id is None:
            raise ValueError('scope "session" needs session_id')
        return self


class ItemOut(BaseModel):
    """A record of the context and why it is there. `tokens` counts its line."""

    turn_id: str
    session_id: str
    role: Role
    name: str | None
    created_at: datetime
    text: str
    source: str
    trust: Trust
    tokens: int
    relevance: float
    reason: str
    excerpt: bool


class Tokens(BaseModel):
    """`available` = all that is remembered of the user; `saved` = available less used."""

    budget: int
    used: int
    available: int
    saved: int
    encoding: str


class Quality(BaseModel):
    """How good the context is, as calibrated estimates from 0 to 1."""

    expected_recall: float
    expected_precision: float
    sufficient: float
    abstained: bool
    degraded: bool
    model: str


class MessageOut(BaseModel):
    """The context as a message: data for the model, so never in the system role."""

    role: Literal["user"] = "user"
    content: str


class ContextOut(BaseModel):
    """The prior turns that the new turn needs. `note` says why where there are none."""

    context: str
    messages: list[MessageOut]
    items: list[ItemOut]
    tokens: Tokens
    quality: Quality
    note: str | None
    intent: Intent = Field(default_factory=Intent)
    route: Route = Field(default_factory=Route)
    risk: Risk = Field(default_factory=Risk)
    timings_ms: dict[str, float]
    considered: list[dict[str, Any]] | None = None


class Filters(Strict):
    """Which turns may be found."""

    session_id: Name | None = None


class SearchIn(Strict):
    """What is searched for in a user's memory."""

    user_id: Name
    query: Words
    top_k: int = Field(default=10, ge=1, le=200)
    filters: Filters = Field(default_factory=Filters)
    explain: bool = False


class Result(BaseModel):
    """A turn found. `score` is the chance that the query needs it; `details` come with `explain`."""

    turn_id: str
    session_id: str
    role: Role
    name: str | None
    created_at: datetime
    text: str
    source: str
    trust: Trust
    score: float
    details: dict[str, float] | None = None


class SearchOut(BaseModel):
    """Turns found, best first."""

    results: list[Result]
    degraded: bool
    timings_ms: dict[str, float]
