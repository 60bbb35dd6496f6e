"""What a session is about, what to worry about in it, and where its turn would be sent."""

from typing import Any

from pydantic import BaseModel, Field


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
