"""The intent tag: what a session is about, re-judged with every user turn."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from memory.encoders.port import Floats
from memory.intent.model import IntentModel, shipped
from memory.intent.state import SessionState, Tally, turn_weight
from memory.intent.taxonomy import Group, taxonomy

# Best labels beside the chosen one.
_ALTERNATIVES = 3
# A turn leaves its segment when it gives another label this much and the segment's this little.
_SURE, _FOREIGN = 0.6, 0.1
# From this weight on one turn alone begins a segment; a lighter one needs the next to agree.
_ALONE = 0.9
# The ledger's row stays small: older segments are joined.
_MOST_SEGMENTS = 12


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of a session, by the places of its first and last turn, and what it is about."""

    first: int
    last: int
    label: str
    confidence: float


@dataclass(frozen=True, slots=True)
class IntentTag:
    """What a session is about.

    confidence: calibrated probability of `label`, 0 to 1. alternatives: the next best labels with
    theirs. abstained: the confidence is too low to act on `label`. groups: probability of each group;
    `group` needs a higher one to be affective than to be anything else.
    """

    label: str
    group: Group
    confidence: float
    alternatives: tuple[tuple[str, float], ...]
    abstained: bool
    groups: dict[Group, float]
    segments: tuple[Segment, ...]
    model: str

    def to_json(self) -> dict[str, Any]:
        """Return the tag as the API shows it."""
        return {
            "label": self.label,
            "group": self.group,
            "confidence": round(self.confidence, 4),
            "alternatives": [
                {"label": label, "confidence": round(share, 4)} for label, share in self.alternatives
            ],
            "abstained": self.abstained,
            "segments": [
                {
                    "from": part.first,
                    "to": part.last,
                    "label": part.label,
                    "confidence": round(part.confidence, 4),
                }
                for part in self.segments
            ],
            "model": self.model,
        }


class IntentTagger:
    """Tags sessions with the model that it is given; thread-safe, as it keeps nothing."""

    def __init__(self, model: IntentModel | None = None) -> None:
        """Use `model`, or the shipped one."""
        self.model = model or shipped()
        groups = [taxonomy().group(label) for label in self.model.labels]
        self._groups: dict[Group, np.ndarray] = {
            group: np.array([item == group for item in groups]) for group in dict.fromkeys(groups)
        }

    def update(
        self, state: SessionState | None, text: str, role: str, pooled: Floats, place: int | None = None
    ) -> tuple[SessionState | None, IntentTag | None]:
        """Return the session's state and tag after one more turn; None before the first user turn.

        pooled: float32 (dim,), the turn's unit vector. place: its number in the session, counted
        here where None. Turns of other roles than `user` change nothing.
        """
        if role != "user" or not text.strip():
            return state, self.judge(state) if state else None
        scores = self.model.scores(text, pooled)
        weight = turn_weight(text, first=state is None)
        if state is None:
            first = Tally(place or 0, place or 0, np.float32(weight) * scores, weight)
            state = SessionState(1, first, (first,))
        else:
            at = place if place is not None else state.whole.last + 1
            state = self._grown(state, at, scores, weight)
        return state, self.judge(state)

    def tag(self, pooled: Sequence[Floats], texts: Sequence[str], roles: Sequence[str]) -> IntentTag | None:
        """Return the tag of a whole session, turn by turn as `update` does; None without a user turn."""
        state: SessionState | None = None
        tag: IntentTag | None = None
        for place, (vector, text, role) in enumerate(zip(pooled, texts, roles, strict=True)):
            state, tag = self.update(state, text, role, vector, place)
        return tag

    def judge(self, state: SessionState) -> IntentTag:
        """Return the tag of a session as it stands."""
        shares = self.probabilities(state.whole.mean)
        groups = {group: float(shares[mask].sum()) for group, mask in self._groups.items()}
        group = self._group(groups)
        inside = np.where(self._groups[group], shares, -1.0)
        order = [int(inside.argmax())]
        order += [int(place) for place in np.argsort(-shares) if place != order[0]]
        best, *rest = order[: 1 + _ALTERNATIVES]
        labels = self.model.labels
        return IntentTag(
            label=labels[best],
            group=group,
            confidence=float(shares[best]),
            alternatives=tuple((labels[place], float(shares[place])) for place in rest),
            abstained=bool(shares[best] < self.model.unsure),
            groups=dict(groups),
            segments=tuple(self._segment(part) for part in state.segments),
            model=self.model.name,
        )

    def probabilities(self, scores: Floats) -> Floats:
        """Return float32 (labels,): calibrated probabilities for mean scores."""
        scaled = scores / self.model.temperature
        shares = np.exp(scaled - scaled.max())
        found: Floats = (shares / shares.sum()).astype(np.float32)
        return found

    def _group(self, groups: dict[Group, float]) -> Group:
        if groups["affective"] >= self.model.affective:
            return "affective"
        return "productivity" if groups["productivity"] >= groups["other"] else "other"

    def _segment(self, part: Tally) -> Segment:
        shares = self.probabilities(part.mean)
        best = int(shares.argmax())
        return Segment(part.first, part.last, self.model.labels[best], float(shares[best]))

    def _grown(self, state: SessionState, place: int, scores: Floats, weight: float) -> SessionState:
        """Return the state with one more user turn, which may open a segment."""
        whole = state.whole.plus(place, scores, weight)
        *before, last = state.segments
        new = Tally(place, place, np.float32(weight) * scores, weight)
        doubt: Tally | None = None
        if state.doubt is not None:
            joined = Tally(
                state.doubt.first, place, state.doubt.scores + new.scores, state.doubt.weight + weight
            )
            if self._foreign(joined.mean, last):
                segments = (*before, last, joined)
            else:
                segments = (*before, _joined(last, joined))
        elif self._foreign(scores, last) and weight >= _ALONE:
            segments = (*before, last, new)
        elif self._foreign(scores, last):
            segments, doubt = state.segments, new
        else:
            segments = (*before, last.plus(place, scores, weight))
        return SessionState(state.turns + 1, whole, _bounded(segments), doubt)

    def _foreign(self, scores: Floats, segment: Tally) -> bool:
        """Say whether a turn of these scores is about something else than `segment`."""
        here = int(segment.mean.argmax())
        shares = self.probabilities(scores)
        return bool(shares.max() >= _SURE and shares[here] <= _FOREIGN)


def _joined(left: Tally, right: Tally) -> Tally:
    return Tally(left.first, right.last, left.scores + right.scores, left.weight + right.weight)


def _bounded(segments: tuple[Tally, ...]) -> tuple[Tally, ...]:
    if len(segments) <= _MOST_SEGMENTS:
        return segments
    return (_joined(segments[0], segments[1]), *segments[2:])
