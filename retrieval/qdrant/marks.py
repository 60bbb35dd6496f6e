"""Stamps of a scope's state, kept beside its points: what is in memory is used only under the same stamps.

Every write ends by putting a new random stamp. A reader looks at the stamps before it reads anything
else, so what it holds under a stamp has at least every write that had returned when that stamp was put.
Stamps are compared, never counted: two writers can't lose each other's. While points are being deleted a
mark of that deletion stands, and nobody trusts memory; one that was cut off leaves its mark until it is
carried through.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from uuid import uuid4

from qdrant_client import models as q

from retrieval.qdrant.points import point_id
from retrieval.qdrant.remote import Remote

# Deletions of one user that may be under way at once, and two stamps.
_MOST = 64


@dataclass(frozen=True, slots=True)
class Marks:
    """A scope's stamps: of the last write and the last deletion; erasing: one is under way."""

    written: str | None
    erased: str | None
    erasing: bool


def request(owner: str) -> q.QueryRequest:
    """Return the query whose answer `read` takes."""
    condition = q.FieldCondition(key="marks", match=q.MatchValue(value=owner))
    return q.QueryRequest(filter=q.Filter(must=[condition]), limit=_MOST, with_payload=True)


def read(points: Collection[q.ScoredPoint]) -> Marks:
    """Return the stamps that the points of an answer are."""
    stamps = {payload["kind"]: payload["stamp"] for payload in (point.payload or {} for point in points)}
    return Marks(stamps.get("written"), stamps.get("erased"), "erasing" in stamps)


def stamp_written(remote: Remote, owner: str) -> None:
    """Say that points were written."""
    remote.upsert(owner, [_mark(owner, "written", point_id(owner, "written"))])


@contextmanager
def erasing(remote: Remote, owner: str, keys: Collection[int] | None) -> Iterator[None]:
    """Mark a deletion as under way; where it fails, the mark stays until the same one succeeds."""
    named = "all" if keys is None else blake2b(repr(sorted(keys)).encode()).hexdigest()
    mark = point_id(owner, "erasing", named)
    remote.upsert(owner, [_mark(owner, "erasing", mark)])
    yield
    remote.upsert(owner, [_mark(owner, "erased", point_id(owner, "erased"))])
    remote.delete(owner, [mark])


def _mark(owner: str, kind: str, mark: str) -> q.PointStruct:
    return q.PointStruct(id=mark, vector={}, payload={"marks": owner, "kind": kind, "stamp": uuid4().hex})
