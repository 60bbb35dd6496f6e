"""Words that speak for a risk, and words that speak for fiction, study, work or a manner of speaking."""

import re
import tomllib
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray


def _load() -> tuple[list[str], list[str]]:
    raw = tomllib.loads((files("memory.risk") / "cues.toml").read_text("utf-8"))
    speaks_for, against = (["|".join(rules) for rules in raw[key].values()] for key in ("for", "against"))
    return speaks_for, against


_FOR, _AGAINST = _load()
_RULES = [re.compile(rule, re.IGNORECASE) for rule in (*_FOR, *_AGAINST)]
CUES = len(_RULES) + 3
# Where a text is longer, what lies beyond is read by other turns' excerpts or not at all.
_CHARS = 4000
_SELF = re.compile(r"\b(?:i|i'm|im|me|my|myself)\b", re.IGNORECASE)


def cues(text: str) -> NDArray[np.float32]:
    """Return float32 (CUES,): which kinds of words occur, 0 or 1, and how much the text is about "me"."""
    part = text[:_CHARS]
    seen = [float(rule.search(part) is not None) for rule in _RULES]
    risky, innocent = any(seen[: len(_FOR)]), any(seen[len(_FOR) :])
    words = max(len(part.split()), 1)
    self_share = min(sum(1 for _ in _SELF.finditer(part)) / words * 4, 1.0)
    return np.array([*seen, self_share, float(risky and innocent), float(risky) * self_share], np.float32)
