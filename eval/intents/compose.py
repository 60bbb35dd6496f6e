"""Our own seed sessions: written ones, and frames filled with material that all intents share."""

import random
import re
import tomllib
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

_SLOT = re.compile(r"\{(\w+)\}")
SEEDS = ("seeds_work.toml", "seeds_make.toml", "seeds_people.toml", "seeds_more.toml", "seeds_third.toml")
# Written later, in other manners: fragments, pastes, background before the request, typing errors.
MESSY = ("messy_code.toml", "messy_text.toml", "messy_people.toml", "messy_long.toml")
# Labelled before any model saw it; nothing is fitted on it.
CHECK = ("check.toml",)


def written(names: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield (label, user turns) of each written session of these files."""
    for name in names:
        for label, sessions in _read(name).items():
            for session in sessions:
                yield label, (session,) if isinstance(session, str) else tuple(session)


def composed(per_label: int = 400, seed: int = 7) -> Iterator[tuple[str, str]]:
    """Yield (label, message): each label's frames in turn, filled at random; no message twice."""
    rng = random.Random(seed)  # noqa: S311 - nothing secret
    slots = _read("slots.toml")
    seen = set()
    for label, frames in _read("frames.toml").items():
        for place in range(per_label):
            text = _SLOT.sub(
                lambda found: rng.choice(slots[found[1]]) if found[1] in slots else found[0],
                frames[place % len(frames)],
            )
            if text not in seen:
                seen.add(text)
                yield label, text


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((files("eval.intents") / "data" / name).read_text("utf-8"))
