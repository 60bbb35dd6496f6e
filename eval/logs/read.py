"""Logs of conversations: turns and outcome events, JSON Lines in the order in which they happened.

A turn: `{"user", "session", "role", "content", "id"?, "created_at"?, "name"?}`. An event: `{"user",
"session", "event": "retry|abandon|fallback|tool_error|thumbs_up|thumbs_down", "turn"?, "evidence"?}`: what
became of the answer to `turn`, or of the session's last one. `evidence`: ids of earlier turns that a person
or a citation names as needed. `user_id`, `session_id`, `turn_id`, `type` and `text` are understood too.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from memory.errors import InvalidInputError

BAD = frozenset({"retry", "abandon", "fallback", "tool_error", "thumbs_down"})
GOOD = frozenset({"thumbs_up"})


@dataclass(slots=True)
class LoggedTurn:
    """A turn and what became of it."""

    id: str
    session: str
    role: str
    text: str
    ts: str | None
    outcomes: set[str] = field(default_factory=set)
    evidence: list[str] = field(default_factory=list)


def read_log(path: Path) -> dict[str, list[LoggedTurn]]:
    """Return turns by user; raise `InvalidInputError` naming the line that is wrong."""
    users: dict[str, list[LoggedTurn]] = {}
    for number, entry in _entries(path):
        user = str(entry.get("user", entry.get("user_id", "user")))
        session = entry.get("session", entry.get("session_id"))
        if session is None:
            raise InvalidInputError(f"{path.name}, line {number}: no session")
        turns = users.setdefault(user, [])
        event = entry.get("event") or (None if "role" in entry else entry.get("type"))
        if event is None:
            turns.append(_turn(entry, str(session), len(turns), f"{path.name}, line {number}"))
        else:
            _note(turns, str(session), str(event), entry)
    if not users:
        raise InvalidInputError(f"{path.name} holds no turns")
    return users


def _entries(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                entry = json.loads(line)
            except ValueError as error:
                raise InvalidInputError(f"{path.name}, line {number} is not JSON: {error}") from error
            if not isinstance(entry, dict):
                raise InvalidInputError(f"{path.name}, line {number} is not an object")
            yield number, entry


def _turn(entry: dict[str, Any], session: str, place: int, where: str) -> LoggedTurn:
    text = entry.get("content", entry.get("text"))
    if not isinstance(text, str) or "role" not in entry:
        raise InvalidInputError(f"{where}: a turn needs `role` and `content`")
    role = str(entry.get("name") or entry["role"]) if entry["role"] == "user" else str(entry["role"])
    return LoggedTurn(
        id=str(entry.get("id", entry.get("turn_id", f"t{place}"))),
        session=session,
        role=role,
        text=text,
        ts=entry.get("created_at", entry.get("ts")),
    )


def _note(turns: list[LoggedTurn], session: str, event: str, entry: dict[str, Any]) -> None:
    """Tell the turn that the event is about; an event about nothing known is left out."""
    wanted = entry.get("turn", entry.get("turn_id"))
    for turn in reversed(turns):
        if turn.session == session and (wanted is None or turn.id == str(wanted)):
            turn.outcomes.add(event)
            turn.evidence.extend(str(name) for name in entry.get("evidence", ()))
            return
