"""What is kept of a session between two turns: sums of scores, small enough for a ledger row."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from memory.encoders.port import Floats
from memory.errors import CorruptFileError

VERSION = 1
# Turns of fewer words than this say less about the session than others do.
_FULL_WORDS = 12
# The first message names the matter more often than later ones do.
_FIRST = 1.5
_WORDS = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Tally:
    """A run of turns: places of the first and last, their weighted scores, the weights' sum."""

    first: int
    last: int
    scores: Floats
    weight: float

    @property
    def mean(self) -> Floats:
        """Return float32 (labels,): the run's mean scores."""
        mean: Floats = self.scores / np.float32(max(self.weight, 1e-6))
        return mean

    def plus(self, place: int, scores: Floats, weight: float) -> "Tally":
        """Return the run with one more turn."""
        return Tally(self.first, place, self.scores + np.float32(weight) * scores, self.weight + weight)

    def to_json(self) -> dict[str, Any]:
        return {
            "from": self.first,
            "to": self.last,
            "scores": [round(float(score), 3) for score in self.scores],
            "weight": round(self.weight, 4),
        }


@dataclass(frozen=True, slots=True)
class SessionState:
    """A session so far. turns: user turns seen. whole: all of them; segments: its pieces of work.

    doubt: the turn that seemed to belong elsewhere, which the next one confirms or not.
    """

    turns: int
    whole: Tally
    segments: tuple[Tally, ...]
    doubt: Tally | None = None

    def to_json(self) -> dict[str, Any]:
        """Return plain values for a JSON column: about 150 bytes and as much for each segment."""
        return {
            "v": VERSION,
            "turns": self.turns,
            "whole": self.whole.to_json(),
            "segments": [segment.to_json() for segment in self.segments],
            "doubt": self.doubt.to_json() if self.doubt else None,
        }

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> "SessionState":
        """Return the state that `to_json` gave; raise `CorruptFileError` on anything else."""
        try:
            if raw["v"] != VERSION:
                raise CorruptFileError(f"an intent state of version {raw['v']} can't be read")
            return cls(
                int(raw["turns"]),
                _tally(raw["whole"]),
                tuple(_tally(item) for item in raw["segments"]),
                _tally(raw["doubt"]) if raw["doubt"] else None,
            )
        except (KeyError, TypeError, ValueError) as error:
            raise CorruptFileError(f"no intent state: {error!r}") from error


def turn_weight(text: str, *, first: bool) -> float:
    """Return how much a turn says about its session, up to 1 and half as much again for the first."""
    words = 0
    for words, _ in enumerate(_WORDS.finditer(text), 1):
        if words >= _FULL_WORDS:
            break
    weight = min(1.0, (2 + words) / (2 + _FULL_WORDS))
    return weight * _FIRST if first else weight


def _tally(raw: Mapping[str, Any]) -> Tally:
    return Tally(int(raw["from"]), int(raw["to"]), np.array(raw["scores"], np.float32), float(raw["weight"]))
