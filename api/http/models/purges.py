"""Purges, their receipts, and the holds that forbid them."""

from datetime import datetime
from typing import Any, Literal, Self

from pydantic import BaseModel, Field, model_validator

from api.http.models.base import Name, Reason, Strict


class PurgeOut(BaseModel):
    """A purge was begun: nothing of it is returned any more."""

    receipt_id: str


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

    reason: Reason


class HoldOut(BaseModel):
    """A legal hold on a user."""

    user_id: str
    reason: str
    actor: str
    since: datetime


class HoldsOut(BaseModel):
    """All holds of a tenant."""

    holds: list[HoldOut]
