"""Labelled sessions from the data folder and from our own seeds."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from eval.datasets.evidence import read_evidence
from eval.intents.compose import CHECK, MESSY, SEEDS, composed, written

# A session's later turns add little and cost much.
MOST_TURNS = 12
_HASH = 16
# Turns by which a whole chat is labelled.
_FIRST = 3
# How sources are called that somebody labelled for an assistant of their own: this and the file's name.
YOURS = "yours: "


@dataclass(frozen=True, slots=True)
class Example:
    """A session's user turns, its label, other labels that are fair, and where it is from."""

    turns: tuple[str, ...]
    label: str
    alt: tuple[str, ...]
    source: str


def read_jsonl(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a JSON Lines file."""
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def training(folder: Path) -> list[Example]:
    """Return everything that a shipped model may learn from; `folder` holds the shared data."""
    return [
        *own_sessions(folder, "train"),
        *own_sessions(folder, "dev"),
        *histories(folder),
        *permissive(folder),
        *labelled_chats(folder),
        *labelled_asides(folder),
        *seed_examples(),
    ]


def seed_examples() -> list[Example]:
    """Return the sessions that are kept in the repository."""
    return [
        *(Example((turn,), label, (), "frames") for label, turn in composed()),
        *(Example(turns, label, (), "seeds") for label, turns in written(SEEDS)),
        *(Example(turns, label, (), "messy") for label, turns in written(MESSY)),
    ]


def check() -> list[Example]:
    """Return the sessions that nothing is fitted on and settings may be judged by."""
    return [Example(turns, label, (), "check") for label, turns in written(CHECK)]


def own_sessions(folder: Path, split: str) -> list[Example]:
    """Return one split, `train` or `dev`, of the sessions that were written for this project."""
    rows = read_jsonl(folder / "own" / "sessions.jsonl")
    return [
        Example(user_turns(row), row["intent"], _alt(row), f"own_{split}")
        for row in rows
        if row["split"] == split
    ]


def histories(folder: Path) -> list[Example]:
    """Return the sessions of the long histories that have a user and an assistant."""
    found = []
    for row in read_jsonl(folder / "own" / "histories.jsonl"):
        turns: dict[str, list[str]] = defaultdict(list)
        for unit in row["units"]:
            if unit["role"] == "user":
                turns[unit["session"]].append(unit["text"])
        found += [
            Example(tuple(turns[item["session"]][:MOST_TURNS]), item["intent"], (), "histories")
            for item in row["sessions"]
            if turns[item["session"]]
        ]
    return found


def permissive(folder: Path) -> list[Example]:
    """Return the rows whose licences allow learning from them."""
    rows = read_jsonl(folder / "intent" / "train_permissive.jsonl")
    return [
        Example(user_turns(row), row["label"], _alt(row), row["source"]) for row in rows if user_turns(row)
    ]


def labelled_chats(folder: Path) -> list[Example]:
    """Return the public chats that we labelled by reading; only hashes and labels are ours to keep."""
    rows = read_jsonl(folder / "intent" / "unlabelled_chats.jsonl")
    return _read_labels("chat_labels.tsv", map(user_turns, rows), "chats")


def labelled_asides(folder: Path) -> list[Example]:
    """Return what RealMem's personas ask outside of their projects, where we labelled it by reading.

    These sessions are real messages of strangers to an assistant, often from the middle of a chat.
    """
    said: dict[tuple[str, str], list[str]] = defaultdict(list)
    for conversation in read_evidence(folder / "evidence" / "realmem_dev.jsonl.gz"):
        for unit in conversation.units:
            if unit.role == "User":
                said[conversation.id, unit.session].append(unit.text)
    return _read_labels("aside_labels.tsv", map(tuple, said.values()), "asides")


def _read_labels(file: str, sessions: Iterable[tuple[str, ...]], source: str) -> list[Example]:
    """Return the sessions whose messages have a label in `file`, by the hash of the message.

    A session by its first turns; what is asked later on, where it can be told alone, as a message of its own.
    """
    listed = (files("eval.intents") / "data" / file).read_text("utf-8").splitlines()
    labels = {key: names for key, *names in (line.split("\t") for line in listed if line[0] != "#")}
    found = {}
    for turns in sessions:
        for place, turn in enumerate(turns):
            key = hashlib.sha256(turn.encode()).hexdigest()[:_HASH]
            if key in labels and key not in found:
                label, alt = labels[key]
                said = (turn,) if place else turns[:_FIRST]
                found[key] = Example(said, label, (alt,) if alt else (), source)
    return list(found.values())


def held_out(folder: Path) -> list[Example]:
    """Return the rows that are for scoring only; those that no label fits are `other` by definition."""
    rows = read_jsonl(folder / "intent" / "dev_eval.jsonl")
    return [Example(user_turns(row), row["label"], _alt(row), row["source"]) for row in rows]


def user_turns(row: dict[str, Any]) -> tuple[str, ...]:
    """Return what the user says in a row of any of the files."""
    return tuple(_turns(row))[:MOST_TURNS]


def _turns(row: dict[str, Any]) -> Iterator[str]:
    if row.get("text"):
        yield row["text"]
        return
    yield from (item["content"] for item in row["messages"] if item["role"] == "user")


def _alt(row: dict[str, Any]) -> tuple[str, ...]:
    alt = row.get("alt") or ()
    return (alt,) if isinstance(alt, str) else tuple(alt)
