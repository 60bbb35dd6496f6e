"""Reviews of risk flags, and their decisions."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel

from api.http.models.base import Name, Strict


class ReviewOut(BaseModel):
    """A flag that a person should look at; no text. `label` comes with the decision `relabel`."""

    id: int
    session_id: str
    user_id: str
    turn_id: str
    policy: str
    level: str
    score: float
    opened_at: datetime
    decision: Literal["agree", "disagree", "relabel"] | None
    label: str | None
    decided_by: str | None
    decided_at: datetime | None


class ReviewDetail(ReviewOut):
    """A review with the turn at which the flag rose, masked, and the policy's advice."""

    text: str
    response_template: str | None
    escalate: bool


class ReviewsOut(BaseModel):
    """A page of reviews, newest first; `next` is the cursor of the next page."""

    reviews: list[ReviewOut]
    next: str | None


class DecisionIn(Strict):
    """What a reviewer decided. `label` (a policy, or `none`) is sent with `relabel` only."""

    decision: Literal["agree", "disagree", "relabel"]
    label: Name | None = None
