"""How long turns are kept."""

from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, Field

from api.http.models.base import Name, Strict

Days = Annotated[float, Field(gt=0, le=36_500)]


class RetentionIn(Strict):
    """How many days turns are kept, null for ever; `sources` goes before it, for each source named."""

    days: Days | None = None
    sources: dict[Name, Days] = Field(default_factory=dict)


class SweepOut(BaseModel):
    """One look for expired turns. `held`: kept by a legal hold; `more`: the next sweep goes on."""

    started_at: datetime
    finished_at: datetime
    turns: int
    held: int
    more: bool
    receipts: list[str]


class RetentionOut(BaseModel):
    """The rules and the last sweep."""

    days: float | None
    sources: dict[str, float]
    last_sweep: SweepOut | None


class SessionExpiry(Strict):
    """When a session is to be erased."""

    expires_at: AwareDatetime | None
