"""Indexed turns as points, and back: one point a passage.

The payload holds no text: whose it is (hashed), numbers, and the entry that the embedded index keeps on
disk too (numbers, pooled vector, hashed terms), under a checksum that covers whose it is.
"""

from base64 import b64decode, b64encode
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any
from uuid import UUID

import numpy as np
from qdrant_client import models as q

from memory.encoders.port import Floats
from memory.errors import CorruptFileError
from memory.scope import Scope
from retrieval.index.entry import checksum, packed, pooled_of, unpacked
from retrieval.index.port import IndexedTurn, Passage
from retrieval.qdrant.collection import DENSE, TOKENS

FIELDS = ("key", "place", "of", "entry", "crc")


def owner_of(scope: Scope) -> str:
    """Return 128 bits, in hex, that stand for a tenant's user."""
    return blake2b(f"{scope.tenant}\0{scope.user}".encode(), digest_size=16).hexdigest()


def point_id(owner: str, *parts: object) -> str:
    """Return the same id for the same parts, so that what is written twice is there once."""
    named = "\0".join([owner, *map(str, parts)])
    return str(UUID(bytes=blake2b(named.encode(), digest_size=16).digest()))


def points_of(scope: Scope, turns: Iterable[IndexedTurn]) -> list[q.PointStruct]:
    """Return a point for every passage."""
    owner = owner_of(scope)
    return [
        q.PointStruct(
            id=point_id(owner, turn.key, place),
            vector=_vectors(passage),
            payload=_payload(scope, owner, turn, place),
        )
        for turn in turns
        for place, passage in enumerate(turn.passages)
    ]


def of_owner(owner: str, *more: q.Condition) -> q.Filter:
    """Return the filter of an owner's passages."""
    return q.Filter(must=[_equals("owner", owner), *more])


def of_session(session: int) -> q.Condition:
    """Return the condition that a point is of this session."""
    return _equals("session", session)


def of_keys(keys: Collection[int]) -> q.Condition:
    """Return the condition that a point is of one of these turns."""
    return q.FieldCondition(key="key", match=q.MatchAny(any=sorted(keys)))


def after(key: int) -> q.Condition:
    """Return the condition that a point is of a turn that came after this one."""
    return q.FieldCondition(key="key", range=q.Range(gt=key))


@dataclass(frozen=True, slots=True)
class Shape:
    """Lengths of the vectors: pooled, and of a token's code."""

    dim: int
    code_dim: int


def turns_of(scope: Scope, found: Iterable[q.Record | q.ScoredPoint], shape: Shape) -> list[IndexedTurn]:
    """Return the turns of these points by key; with token vectors where the points carry them.

    A turn of which a passage is missing, since its points are being written, is left out. Raises
    `CorruptFileError` where a point fails its check.
    """
    parts: dict[int, dict[int, IndexedTurn]] = defaultdict(dict)
    sizes: dict[int, int] = {}
    for point in found:
        turn, place = entry_of(scope, point, shape)
        parts[turn.key][place] = _with_codes(turn, point) if point.vector else turn
        sizes[turn.key] = (point.payload or {})["of"]
    return [_joined(parts[key]) for key in sorted(parts) if len(parts[key]) == sizes[key]]


def entry_of(scope: Scope, point: q.Record | q.ScoredPoint, shape: Shape) -> tuple[IndexedTurn, int]:
    """Return the turn with the one passage that the point is of, and that passage's place."""
    return unpacked(_checked(scope, point), shape.dim, shape.code_dim), int((point.payload or {})["place"])


def vector_of(scope: Scope, point: q.ScoredPoint, shape: Shape) -> Floats:
    """Return the pooled vector of the point's passage."""
    return pooled_of(_checked(scope, point), shape.dim)


def _checked(scope: Scope, point: q.Record | q.ScoredPoint) -> bytes:
    """Return the point's entry; raise `CorruptFileError` where it isn't what was written for this user."""
    payload: dict[str, Any] = point.payload or {}
    key, entry = int(payload["key"]), b64decode(payload["entry"])
    if checksum(scope, key, entry) != payload["crc"]:
        raise CorruptFileError(f"the point of turn {key} fails its checksum")
    return entry


def _with_codes(turn: IndexedTurn, point: q.Record | q.ScoredPoint) -> IndexedTurn:
    (passage,) = turn.passages
    vectors = point.vector if isinstance(point.vector, dict) else {}
    if TOKENS not in vectors:  # a passage without word pieces
        return turn
    return replace(turn, passages=[replace(passage, codes=np.array(vectors[TOKENS], np.int8))])


def _joined(places: dict[int, IndexedTurn]) -> IndexedTurn:
    passages = [places[place].passages[0] for place in sorted(places)]
    return replace(places[0], passages=passages)


def _vectors(passage: Passage) -> dict[str, Any]:
    vectors: dict[str, Any] = {DENSE: passage.pooled.tolist()}
    if len(passage.codes):
        vectors[TOKENS] = passage.codes.tolist()
    return vectors


def _payload(scope: Scope, owner: str, turn: IndexedTurn, place: int) -> dict[str, Any]:
    alone = replace(turn.passages[place], codes=np.zeros((0, 0), np.int8))
    entry = packed(replace(turn, passages=[alone]))
    return {
        "owner": owner,
        "key": turn.key,
        "session": turn.session,
        "place": place,
        "of": len(turn.passages),
        "entry": b64encode(entry).decode(),
        "crc": checksum(scope, turn.key, entry),
    }


def _equals(field: str, value: str | int) -> q.Condition:
    return q.FieldCondition(key=field, match=q.MatchValue(value=value))
