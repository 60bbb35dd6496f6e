"""Turns as bytes that only their user's key opens."""

import json
from typing import Any, NamedTuple

from memory.vault import DataKey


class Said(NamedTuple):
    """What a person wrote, or what names them: the part of a turn that is sealed."""

    content: str
    speaker: str | None
    metadata: dict[str, Any]


BLANK: dict[str, Any] = Said("", None, {})._asdict()


def identity(tenant: str, user: int, session: int, name: str, *, seq: int, role: str, source: str) -> bytes:
    """Return what a sealed turn is bound to: it opens in no other row, nor under another role or source."""
    return f"turn\0{tenant}\0{user}\0{session}\0{name}\0{seq}\0{role}\0{source}".encode()


def sealed(key: DataKey, said: Said, bound: bytes) -> bytes:
    """Return the words of a turn, encrypted."""
    head = ""
    if said.speaker is not None or said.metadata:
        head = json.dumps([said.speaker, said.metadata])
    # JSON holds no NUL, so the first one ends it.
    return key.seal(f"{head}\0{said.content}".encode(), bound)


def opened(key: DataKey, data: bytes, bound: bytes) -> Said:
    """Return the words of a sealed turn; raise `CorruptFileError` where it was altered or moved."""
    head, _, content = key.open(data, bound).decode().partition("\0")
    speaker, metadata = json.loads(head) if head else (None, {})
    return Said(content, speaker, metadata)
