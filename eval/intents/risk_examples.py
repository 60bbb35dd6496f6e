"""Messages and sessions with and without risk."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from eval.intents.examples import Example, read_jsonl, training, user_turns
from memory.risk.policies import POLICIES

# Categories of the moderation set that say something about a policy of ours.
_MODERATED = {"self_harm": "self_harm"}
# Messages that we wrote, each with hard negatives; each file is left out in turn when the flags are judged.
WRITTEN = ("risk_seeds", "risk_veiled", "risk_plain")
_NEVER_NEGATIVE = {"counsel_chat", "realmem_dev_sessions", "rpbench"}


@dataclass(frozen=True, slots=True)
class RiskTurn:
    """A user's message; risks: for each policy True, False or None where nobody judged."""

    text: str
    risks: Mapping[str, bool | None]
    source: str


@dataclass(frozen=True, slots=True)
class RiskSession:
    """A session's user turns, the policies that apply, and the place of the first worrying user turn."""

    turns: tuple[str, ...]
    risks: tuple[str, ...]
    first: int | None
    source: str
    hard: bool


def turns_to_learn(folder: Path) -> list[RiskTurn]:
    """Return every message that a shipped model may learn from."""
    return [*_seeds(), *_own(folder), *_moderation(folder), *_safety(folder), *_ordinary(folder)]


def own_sessions(folder: Path, split: str) -> list[RiskSession]:
    """Return a split of our own sessions, as sessions."""
    found = []
    for row in read_jsonl(folder / "own" / "sessions.jsonl"):
        if row["split"] != split:
            continue
        places = [place for place, item in enumerate(row["messages"]) if item["role"] == "user"]
        first = places.index(row["risk_turn"]) if row.get("risk") else None
        hard = str(row["id"]).startswith("neg")
        found.append(RiskSession(user_turns(row), tuple(row.get("risk") or ()), first, "own", hard))
    return found


def simulated(folder: Path, source: str) -> list[dict[str, Any]]:
    """Return the raw rows of a simulated set: `vera_mh` or `spiral_bench`."""
    rows = read_jsonl(folder / "intent" / "risk_dev.jsonl")
    return [row for row in rows if row["source"] == source]


def _seeds() -> list[RiskTurn]:
    found = []
    for name in WRITTEN:
        raw = tomllib.loads((files("eval.intents") / "data" / f"{name}.toml").read_text("utf-8"))
        for policy, items in raw.items():
            for item in items:
                *before, last = [item] if isinstance(item, str) else item
                found.append(RiskTurn(last, _risks(policy), name))
                found += [RiskTurn(text, _risks("none"), name) for text in before]
    return found


def _own(folder: Path) -> list[RiskTurn]:
    found = []
    for session in own_sessions(folder, "train"):
        for place, text in enumerate(session.turns):
            if session.first is None or place < session.first:
                found.append(RiskTurn(text, _risks("none"), "own"))
            elif place == session.first:
                found.append(
                    RiskTurn(text, dict.fromkeys(POLICIES, False) | dict.fromkeys(session.risks, True), "own")
                )
    return found


def _moderation(folder: Path) -> list[RiskTurn]:
    found = []
    for row in simulated(folder, "openai_moderation"):
        risks = {policy: row["flags"].get(flag) for policy, flag in _MODERATED.items()}
        found.append(RiskTurn(row["text"], dict.fromkeys(POLICIES) | risks, "openai_moderation"))
    return found


def _safety(folder: Path) -> list[RiskTurn]:
    safe = [
        RiskTurn(row["text"], _risks("none"), "xstest")
        for row in simulated(folder, "xstest")
        if row["label"] == "safe"
    ]
    unsafe = [
        RiskTurn(row["text"], dict.fromkeys(POLICIES) | {"self_harm": True}, "simple_safety_tests")
        for row in simulated(folder, "simple_safety_tests")
        if row["category"].startswith("Suicide")
    ]
    return safe + unsafe


def _ordinary(folder: Path) -> list[RiskTurn]:
    """Return ordinary sessions' turns: tasks, small talk, grief and worry without danger."""
    examples: Sequence[Example] = training(folder)
    kept = [item for item in examples if item.source not in _NEVER_NEGATIVE | {"own_train", "own_dev"}]
    return [RiskTurn(text, _risks("none"), item.source) for item in kept for text in item.turns[:3]]


def _risks(policy: str) -> dict[str, bool | None]:
    return {name: name == policy for name in POLICIES}
