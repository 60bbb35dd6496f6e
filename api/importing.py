"""Conversations from files: the evidence format, plain messages, and our own export."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from memory.errors import InvalidInputError
from memory.scope import Scope
from memory.times import checked, to_micros
from memory.turns import NewTurn, spoken_by

# What the first line of a tenant's export says.
EXPORT_FORMAT = "satchel-export/1"


@dataclass(frozen=True, slots=True)
class Batch:
    """Turns that follow each other in one session."""

    scope: Scope
    turns: list[NewTurn]


def batches(lines: Iterable[bytes], tenant: str, user: str | None, source: str = "import") -> Iterator[Batch]:
    """Yield what each line holds, in order; `user` is whose it is, and `source` where it comes from, where
    the line doesn't say.

    A line is a conversation in the evidence format (its user is the conversation's name), or
    `{"messages": [{"role", "content"}], "session_id"?, "user_id"?}`, or a turn as exported; the first line of
    a tenant's export says its format. Raises `InvalidInputError` with the line's number.
    """
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            record = orjson.loads(line)
            yield from _of_line(record, line, tenant, user, source)
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise InvalidInputError(f"line {number} can't be imported: {_said(error)}") from error
        except InvalidInputError as error:
            raise type(error)(f"line {number}: {error}") from error


def _of_line(
    record: dict[str, Any], line: bytes, tenant: str, user: str | None, source: str
) -> Iterator[Batch]:
    if "format" in record:
        if record["format"] != EXPORT_FORMAT:
            raise InvalidInputError(f"format {record['format']!r} is not {EXPORT_FORMAT!r}; export it anew")
    elif "units" in record:
        yield from _evidence(record, tenant, user, source)
    elif "messages" in record:
        # Named by what they say, so that importing the same line again adds nothing.
        digest = hashlib.sha256(line).hexdigest()[:16]
        owner = record.get("user_id") or _needed(user)
        name = record.get("session_id") or f"{owner}:{digest}"
        scope = Scope(tenant, owner, name)
        named = ({"id": f"{name}:{place}"} | message for place, message in enumerate(record["messages"]))
        yield Batch(scope, [_message(message, source) for message in named])
    elif "session_id" in record and "content" in record:
        scope = Scope(tenant, record.get("user_id") or _needed(user), record["session_id"])
        turn = _message(record | {"created_at": _time(record.get("created_at"))}, source)
        yield Batch(scope, [turn])
    else:
        raise InvalidInputError(
            'expected a conversation with "units", a line with "messages", or an exported turn'
        )


def _evidence(record: dict[str, Any], tenant: str, user: str | None, source: str) -> Iterator[Batch]:
    """Yield runs of units of one session; unit and session names are made unique by the conversation's."""
    conversation = str(record["conversation"])
    latest: int | None = None
    batch: Batch | None = None
    for unit in record["units"]:
        latest = _time(unit.get("ts")) or latest
        scope = Scope(tenant, user or conversation, f"{conversation}:{unit['session']}")
        if batch is None or batch.scope != scope:
            if batch is not None:
                yield batch
            batch = Batch(scope, [])
        role, speaker = spoken_by(str(unit["role"]))
        batch.turns.append(
            NewTurn(
                role=role,
                content=unit["text"],
                speaker=speaker,
                name=f"{conversation}:{unit['id']}",
                created_at=latest,
                source=source,
            )
        )
    if batch is not None:
        yield batch


def _message(message: dict[str, Any], source: str) -> NewTurn:
    at = message.get("created_at")
    return NewTurn(
        role=message["role"],
        content=message["content"],
        speaker=message.get("name"),
        name=message.get("id"),
        created_at=checked(at) if isinstance(at, int) else _time(at),
        metadata=message.get("metadata") or {},
        source=message.get("source") or source,
    )


def _time(text: str | None) -> int | None:
    """Return ISO 8601 text in microseconds; without a zone it counts as UTC."""
    if text is None:
        return None
    time = datetime.fromisoformat(text)
    return to_micros(time if time.tzinfo else time.replace(tzinfo=UTC))


def _needed(user: str | None) -> str:
    if user is None:
        raise InvalidInputError("the line names no user_id; say whose it is with --user")
    return user


def _said(error: Exception) -> str:
    return f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else str(error)
