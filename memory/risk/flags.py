"""Risk flags: early, per policy, growing over the conversation; they advise and never block."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from memory.encoders.port import Floats
from memory.errors import CorruptFileError
from memory.risk.model import RiskModel, shipped
from memory.risk.policies import POLICIES, Policy, load_policies

Level = Literal["none", "watch", "elevated", "high"]
_LEVELS: tuple[Level, ...] = get_args(Level)

VERSION = 1
# What was said stays said: a turn later this share of its score still counts.
_KEEP = 0.85
# Below this a turn's score is noise, and must not add up over a long session.
_NOISE = 0.15


@dataclass(frozen=True, slots=True)
class RiskState:
    """A session so far: each policy's present score and the highest that it reached, 0 to 1."""

    turns: int
    now: tuple[float, ...]
    peak: tuple[float, ...]

    def to_json(self) -> dict[str, Any]:
        """Return plain values for a JSON column, under 200 bytes."""
        return {
            "v": VERSION,
            "turns": self.turns,
            "now": [round(score, 4) for score in self.now],
            "peak": [round(score, 4) for score in self.peak],
        }

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> "RiskState":
        """Return the state that `to_json` gave; raise `CorruptFileError` on anything else."""
        try:
            if raw["v"] != VERSION or not len(raw["now"]) == len(raw["peak"]) == len(POLICIES):
                raise CorruptFileError("a risk state of another version can't be read")
            return cls(int(raw["turns"]), tuple(map(float, raw["now"])), tuple(map(float, raw["peak"])))
        except (KeyError, TypeError, ValueError) as error:
            raise CorruptFileError(f"no risk state: {error!r}") from error


@dataclass(frozen=True, slots=True)
class RiskFlag:
    """A policy that was reached: its score, 0 to 1, its level, and the configured advice."""

    policy: str
    score: float
    level: Level
    response_template: str
    escalate: bool


@dataclass(frozen=True, slots=True)
class RiskReport:
    """The flags of a session, strongest first, and the highest level among them."""

    flags: tuple[RiskFlag, ...]
    level: Level
    model: str

    def to_json(self) -> dict[str, Any]:
        """Return the report as the API shows it."""
        flags = [
            {
                "policy": flag.policy,
                "score": round(flag.score, 4),
                "level": flag.level,
                "response_template": flag.response_template,
                "escalate": flag.escalate,
            }
            for flag in self.flags
        ]
        return {"flags": flags, "level": self.level, "model": self.model}


class RiskFlags:
    """Scores turns and adds them up; thread-safe, as it keeps nothing."""

    def __init__(self, policies: dict[str, Policy] | None = None, model: RiskModel | None = None) -> None:
        """Use these policies and this model, or the shipped ones."""
        self.policies = load_policies() if policies is None else policies
        self.model = model or shipped()

    def update(
        self, state: RiskState | None, text: str, role: str, pooled: Floats
    ) -> tuple[RiskState, RiskReport]:
        """Return the session's state and report after one more turn; only users' turns count.

        pooled: float32 (dim,), the turn's unit vector.
        """
        state = state or RiskState(0, (0.0,) * len(POLICIES), (0.0,) * len(POLICIES))
        if role == "user" and text.strip():
            fresh = self.model.probabilities(text, pooled)
            state = grown(state, fresh)
        return state, self.judge(state)

    def report(
        self, pooled: Sequence[Floats], texts: Sequence[str], roles: Sequence[str]
    ) -> list[RiskReport]:
        """Return the report after each turn of a whole session."""
        state: RiskState | None = None
        found = []
        for vector, text, role in zip(pooled, texts, roles, strict=True):
            state, report = self.update(state, text, role, vector)
            found.append(report)
        return found

    def judge(self, state: RiskState) -> RiskReport:
        """Return the report of a session as it stands: a flag stays once it was reached."""
        flags = []
        for place, name in enumerate(POLICIES):
            policy, score = self.policies.get(name), state.peak[place]
            if policy is None:
                continue
            level = self._level(place, policy, score)
            if level != "none":
                flags.append(RiskFlag(name, score, level, policy.response_template, policy.escalate))
        flags.sort(key=lambda flag: (-_LEVELS.index(flag.level), -flag.score))
        return RiskReport(tuple(flags), flags[0].level if flags else "none", self.model.name)

    def _level(self, place: int, policy: Policy, score: float) -> Level:
        flag = policy.flag or float(self.model.flag[place])
        watch = policy.watch or min(float(self.model.watch[place]), flag)
        if score >= flag:
            return "high" if score >= max(policy.high, flag) else "elevated"
        return "watch" if score >= watch else "none"


def grown(state: RiskState, fresh: Floats) -> RiskState:
    """Return the state with one more turn: a noisy-or of its score and what is left of the earlier ones."""
    heard = np.where(fresh > _NOISE, fresh, 0.0)
    now = 1 - (1 - heard) * (1 - _KEEP * np.array(state.now))
    peak = np.maximum(now, state.peak)
    return RiskState(state.turns + 1, tuple(map(float, now)), tuple(map(float, peak)))
