"""Requests and responses of version 1, as JSON."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from memory.errors import InvalidInputError
from memory.scope import MAX_NAME, check_name
from memory.text import storable
from memory.turns import MAX_CONTENT, Role


def _named(value: str) -> str:
    try:
        check_name("this", value)
    except InvalidInputError as error:
        raise ValueError(str(error)) from error
    return value


def _storable(value: str) -> str:
    try:
        return storable("this", value)
    except InvalidInputError as error:
        raise ValueError(str(error)) from error


Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME), AfterValidator(_named)]
Trust = Literal["low", "middle", "high"]
Words = Annotated[str, Field(max_length=MAX_CONTENT), AfterValidator(_storable)]


# Not dumped where it isn't sent: the requests of older clients keep their idempotency hashes.
Source = Annotated[
    Name | None,
    Field(
        exclude_if=lambda value: value is None,
        description="Where it comes from: `tool:browser`, `import:crm`; by default the role.",
    ),
]


class Strict(BaseModel):
    """A request: fields that it doesn't know are refused."""

    model_config = ConfigDict(extra="forbid")


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


class Intent(BaseModel):
    """What the session is about."""

    label: str | None = None
    group: str | None = None
    confidence: float = 0.0
    alternatives: list[dict[str, Any]] = Field(default_factory=list)
    abstained: bool = True
    segments: list[dict[str, Any]] = Field(default_factory=list)
    model: str | None = None


class Risk(BaseModel):
    """Signs that a careful reader would worry about."""

    flags: list[dict[str, Any]] = Field(default_factory=list)
    level: str = "none"
    model: str | None = None


class Route(BaseModel):
    """Where the routing policy would send the turn."""

    target: str | None = None
    fallback: str | None = None
    reason: str = "no routing policy is set"


class TurnsOut(BaseModel):
    """What was remembered, in the order of the request."""

    session_id: str
    turns: list[TurnKept]
    intent: Intent = Field(default_factory=Intent)
    risk: Risk = Field(default_factory=Risk)


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


class PurgeOut(BaseModel):
    """A purge was begun: nothing of it is returned any more."""

    receipt_id: str


class Imported(BaseModel):
    """How many turns the lines held; those remembered before are counted, and not kept twice."""

    turns: int


class PreviewOut(BaseModel):
    """What a purge would erase. `held`: a legal hold forbids it."""

    dry_run: Literal[True] = True
    turns: int
    sessions: int
    users: int
    held: bool


class SubjectIn(Strict):
    """What is to be erased: one of these."""

    user_id: Name | None = None
    session_id: Name | None = None
    turn_id: Name | None = None
    source: Name | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if len(self.model_dump(exclude_none=True)) != 1:
            raise ValueError("name one of user_id, session_id, turn_id, source")
        return self

    def named(self) -> tuple[Literal["user", "session", "turn", "source"], str]:
        """Return the kind and the name."""
        if self.user_id is not None:
            return "user", self.user_id
        if self.session_id is not None:
            return "session", self.session_id
        if self.turn_id is not None:
            return "turn", self.turn_id
        return "source", str(self.source)


class PurgesIn(Strict):
    """Many purges at once."""

    subjects: list[SubjectIn] = Field(min_length=1, max_length=1000)
    dry_run: bool = False


class ProblemOut(BaseModel):
    """Why one of many was refused."""

    title: str
    detail: str


class PurgeBegun(BaseModel):
    """One of many purges: its receipt, its preview, or why not."""

    kind: str
    name: str
    receipt_id: str | None = None
    would_erase: PreviewOut | None = None
    error: ProblemOut | None = None


class PurgesOut(BaseModel):
    """What became of each subject, in the order given."""

    purges: list[PurgeBegun]


class ReceiptOut(BaseModel):
    """How far a purge is. `subject` is a hash of the name; `receipt` is the signed document, once done."""

    receipt_id: str
    kind: Literal["user", "session", "turn", "source", "expired"]
    subject: str
    status: Literal["running", "done", "failed"]
    turns: int
    requested_at: datetime
    finished_at: datetime | None
    error: str | None
    attempts: int = 0
    receipt: dict[str, Any] | None = None


class KeyOut(BaseModel):
    """A public key, base64 of 32 bytes (Ed25519)."""

    key_id: str
    public_key: str


class KeysOut(BaseModel):
    """The keys that sign receipts."""

    keys: list[KeyOut]


class HoldIn(Strict):
    """Why memory must be kept."""

    reason: Annotated[str, Field(min_length=1, max_length=1000), AfterValidator(_storable)]


class HoldOut(BaseModel):
    """A legal hold on a user."""

    user_id: str
    reason: str
    actor: str
    since: datetime


class HoldsOut(BaseModel):
    """All holds of a tenant."""

    holds: list[HoldOut]


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
