"""One collection on a Qdrant server: few calls, each of one scope, with one kind of error."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from qdrant_client import QdrantClient
from qdrant_client import models as q
from qdrant_client.http.exceptions import ApiException

from memory.errors import UnavailableError

# Points in one request: their token vectors as JSON stay well below the server's limit of 32 MiB.
_BATCH = 64
_PAGE = 512

T = TypeVar("T")


def connect(url: str, api_key: str | None, timeout: float) -> QdrantClient:
    """Return a client of a server that need not answer yet; timeout: seconds a call may take."""
    # The client's own check of versions would ask the server now, and print where it doesn't answer.
    return QdrantClient(url=url, api_key=api_key, timeout=timeout, check_compatibility=False)  # type: ignore[arg-type]  # httpx takes fractions


@contextmanager
def answering() -> Iterator[None]:
    """Raise `UnavailableError` where the server doesn't answer, or not with what was asked for."""
    try:
        yield
    except ApiException as error:
        raise UnavailableError(f"Qdrant does not answer: {error}") from error


class Remote:
    """A collection. Every verb names the owner, whose points are in one shard where shards have keys."""

    def __init__(
        self,
        client: QdrantClient,
        collection: str,
        *,
        shard_keys: int,
        consistency: q.ReadConsistencyType | None,
    ) -> None:
        self._client = client
        self.collection = collection
        self._shard_keys = shard_keys
        self._consistency = consistency

    def upsert(self, owner: str, points: Sequence[q.PointStruct]) -> None:
        """Write points; they are applied on return."""
        with answering():
            for start in range(0, len(points), _BATCH):
                self._client.upsert(
                    self.collection,
                    list(points[start : start + _BATCH]),
                    wait=True,
                    ordering=q.WriteOrdering.STRONG,
                    shard_key_selector=self._shard(owner),
                )

    def delete(self, owner: str, points: q.Filter | Sequence[str]) -> None:
        """Delete points by filter or id; it is done on return."""
        selector: q.PointsSelector = (
            q.FilterSelector(filter=points)
            if isinstance(points, q.Filter)
            else q.PointIdsList(points=list(points))
        )
        with answering():
            self._client.delete(
                self.collection,
                selector,
                wait=True,
                ordering=q.WriteOrdering.STRONG,
                shard_key_selector=self._shard(owner),
            )

    def count(self, owner: str, where: q.Filter) -> int:
        """Return how many points there are, exactly."""
        with answering():
            found = self._client.count(
                self.collection, where, exact=True, shard_key_selector=self._shard(owner)
            )
        return found.count

    def scroll(self, owner: str, where: q.Filter, payload: Collection[str]) -> Iterator[q.Record]:
        """Yield all points with these fields of their payload."""
        offset = None
        while True:
            with answering():
                page, offset = self._client.scroll(
                    self.collection,
                    where,
                    limit=_PAGE,
                    offset=offset,
                    with_payload=list(payload),
                    consistency=self._consistency,
                    shard_key_selector=self._shard(owner),
                )
            yield from page
            if offset is None:
                return

    def query(self, owner: str, requests: Sequence[q.QueryRequest]) -> list[list[q.ScoredPoint]]:
        """Answer several queries in one round trip."""
        shard = self._shard(owner)
        asked = [request.model_copy(update={"shard_key": shard}) for request in requests]
        with answering():
            found = self._client.query_batch_points(self.collection, asked, consistency=self._consistency)
        return [response.points for response in found]

    def _shard(self, owner: str) -> str | None:
        return shard_key(int(owner[:8], 16) % self._shard_keys) if self._shard_keys else None


def shard_key(number: int) -> str:
    """Return the name of a shard key."""
    return f"part-{number}"
