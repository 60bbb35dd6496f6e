"""The evidence format: JSON Lines, one conversation a line, plain or gzipped.

`{"dataset", "conversation", "units": [{"id", "session", "ts", "role", "text"}], "queries": [{"id",
"type", "text", "ts"?, "gold": [unit ids], "gold_spans"?, "pool_end"}]}`. Further keys, all optional:
`gold_groups`, `gold_level` and `gold_sessions`, `also`, `trap`, `gold_dropped`, `unresolved`.
"""

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from pydantic import BaseModel, Field, ValidationError

from eval.datasets.model import Conversation, Query, Unit
from memory.errors import InvalidInputError


class _Unit(BaseModel):
    id: str
    session: str
    ts: str | None = None
    role: str
    text: str


class _Query(BaseModel):
    id: str
    type: str = "question"
    text: str
    ts: str | None = None
    gold: list[str]
    gold_spans: dict[str, list[tuple[int, int]]] = Field(default_factory=dict)
    gold_groups: list[list[str]] | None = None
    gold_level: str = "turn"
    pool_end: int | None = Field(default=None, ge=1)
    also: list[str] = Field(default_factory=list)
    trap: list[str] = Field(default_factory=list)
    gold_dropped: Any = None
    unresolved: Any = None


class _Line(BaseModel):
    dataset: str
    conversation: str
    units: list[_Unit] = Field(min_length=1)
    queries: list[_Query]


def read_evidence(path: Path) -> Iterator[Conversation]:
    """Yield the conversations of a file; raise `InvalidInputError` naming the line that is wrong."""
    with _opened(path) as file:
        for number, text in enumerate(file, start=1):
            if not text.strip():
                continue
            try:
                yield _conversation(_Line.model_validate_json(text))
            except (ValidationError, InvalidInputError) as error:
                raise InvalidInputError(f"{path.name}, line {number}: {error}") from error


def _opened(path: Path) -> TextIO:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8")
    return path.open(encoding="utf-8")


def _conversation(line: _Line) -> Conversation:
    places = {unit.id: place for place, unit in enumerate(line.units)}
    if len(places) != len(line.units):
        raise InvalidInputError(f"conversation {line.conversation!r} has two units of one id")
    sessions = {unit.id: unit.session for unit in line.units}
    return Conversation(
        dataset=line.dataset,
        id=line.conversation,
        units=tuple(Unit(unit.id, unit.session, unit.ts, unit.role, unit.text) for unit in line.units),
        queries=tuple(_query(query, places, sessions) for query in line.queries),
    )


def _query(query: _Query, places: dict[str, int], sessions: dict[str, str]) -> Query:
    end = len(places) if query.pool_end is None else query.pool_end
    if end > len(places):
        raise InvalidInputError(f"query {query.id!r}: pool_end {end} is beyond the {len(places)} units")
    groups = _groups(query, sessions)
    for unit in (unit for group in groups for unit in group):
        if unit not in places:
            raise InvalidInputError(f"query {query.id!r}: gold unit {unit!r} is not in the conversation")
        if places[unit] >= end:
            raise InvalidInputError(f"query {query.id!r}: gold unit {unit!r} comes after pool_end {end}")
    return Query(
        id=query.id,
        type=query.type,
        text=query.text,
        groups=groups,
        pool_end=end,
        ts=query.ts,
        level=query.gold_level,
        spans={unit: tuple(spans) for unit, spans in query.gold_spans.items()},
        also=frozenset(query.also),
        trap=tuple(query.trap),
        incomplete=bool(query.gold_dropped) or bool(query.unresolved),
    )


def _groups(query: _Query, sessions: dict[str, str]) -> tuple[tuple[str, ...], ...]:
    """Return what must be found: the labelled groups, the sessions of session-level gold, or each turn."""
    if query.gold_groups is not None:
        return tuple(tuple(group) for group in query.gold_groups if group)
    gold = list(dict.fromkeys(query.gold))
    if query.gold_level == "turn":
        return tuple((unit,) for unit in gold)
    by_session: dict[str, list[str]] = {}
    for unit in gold:
        by_session.setdefault(sessions.get(unit, unit), []).append(unit)
    return tuple(tuple(group) for group in by_session.values())
