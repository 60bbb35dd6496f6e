"""Files in the evidence format, read for training and offline experiments."""

import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from memory.tokens import TokenCounter
from memory.turns import Role, Turn
from retrieval.finder import RECENT

_ROLES: dict[str, Role] = {
    "user": "user",
    "assistant": "assistant",
    "system": "system",
    "tool": "tool",
    "record": "tool",
}

# Units without a date get a nominal one, a minute apart: order is known where time is not.
_NOMINAL_START = 946_684_800.0


@dataclass(frozen=True, slots=True)
class Question:
    """One labelled query. gold: groups of turn keys, any of a group counts; empty = nothing relevant.

    also: keys that are neither rewarded nor punished. pool: how many leading turns it may see. recent:
    what was said just before it, oldest first, where the query is itself a turn of the conversation.
    """

    id: str
    kind: str
    text: str
    at: float | None
    gold: tuple[frozenset[int], ...]
    also: frozenset[int]
    pool: int
    recent: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class History:
    """One conversation; a turn's id is its place in `turns`."""

    dataset: str
    name: str
    kind: str
    turns: list[Turn]
    questions: list[Question]


def read(path: Path, counter: TokenCounter, limit: int | None = None) -> list[History]:
    """Return the conversations of a file, gzipped or not; the first `limit`."""
    raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    lines = raw.decode().split("\n")
    return [_history(json.loads(line), counter) for line in lines[:limit] if line]


def _history(line: dict[str, Any], counter: TokenCounter) -> History:
    key_of = {unit["id"]: key for key, unit in enumerate(line["units"])}
    turns = list(_turns(line["units"], counter))
    questions = [_question(entry, key_of, turns) for entry in line["queries"]]
    return History(line["dataset"], line["conversation"], line.get("kind", ""), turns, questions)


def _turns(units: list[dict[str, Any]], counter: TokenCounter) -> list[Turn]:
    sessions: dict[str, int] = {}
    seqs: dict[str, int] = {}
    turns = []
    latest = _NOMINAL_START
    for key, unit in enumerate(units):
        name = unit["session"]
        session = sessions.setdefault(name, len(sessions))
        seq = seqs[name] = seqs.get(name, -1) + 1
        plain = unit["role"].strip().lower()
        role = _ROLES.get(plain, "user")
        speaker = None if plain in _ROLES else unit["role"].strip()
        latest = unix(unit["ts"]) or latest + 60
        turns.append(
            Turn(
                id=key,
                name=unit["id"],
                session=session,
                session_name=name,
                seq=seq,
                role=role,
                speaker=speaker,
                content=unit["text"],
                created_at=int(latest * 1e6),
                source="import",
                metadata={},
                tokens=counter.count(unit["text"]),
            )
        )
    return turns


def _question(entry: dict[str, Any], key_of: dict[str, int], turns: Sequence[Turn]) -> Question:
    groups = entry.get("gold_groups") or [[unit] for unit in entry["gold"]]
    pool = len(turns) if entry.get("pool_end") is None else int(entry["pool_end"])
    return Question(
        id=entry["id"],
        kind=entry["type"],
        text=entry["text"],
        at=unix(entry.get("ts")),
        gold=tuple(frozenset(key_of[unit] for unit in group) for group in groups),
        also=frozenset(key_of[unit] for unit in entry.get("also", ()) if unit in key_of),
        pool=pool,
        recent=_said_before(entry["text"], turns, pool),
    )


def _said_before(text: str, turns: Sequence[Turn], pool: int) -> tuple[str, ...]:
    """Return the last turns of the session in which a hidden turn says `text`, without that turn.

    Nothing that comes after the query is among them; evidence never is, for it lies in the pool.
    """
    place = next((turn.id for turn in turns[pool:] if turn.content == text), pool)
    session = {turn.session for turn in turns[place : place + 1]}
    return tuple(turn.content for turn in turns[pool:place] if turn.session in session)[-RECENT:]


def unix(text: str | None) -> float | None:
    """Return Unix time of an ISO date or moment, UTC where it names no zone."""
    if not text:
        return None
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
