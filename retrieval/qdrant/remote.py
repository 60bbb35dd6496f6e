"""One collection on a Qdrant server: few calls, each of one scope, with one kind of error."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import httpx
from qdrant_client import QdrantClient
from qdrant_client import models as q
from qdrant_client.http.exceptions import ApiException, UnexpectedResponse

from memory.errors import RefusedError, UnavailableError

# Points in one request: their token vectors as JSON stay well below the server's limit of 32 MiB.
_BATCH = 64
_PAGE = 512
_WALK = 10_000
# Timed out waiting, too many requests: statuses that another try may not meet.
_OVERLOADED = (408, 429)
_SERVER_ERROR = 500

T = TypeVar("T")


def connect(url: str, api_key: str | None, *, read_timeout: float, write_timeout: float) -> "Clients":
    """Return clients of a server that need not answer yet; timeouts: seconds for it to go on answering."""

    def client(timeout: float) -> QdrantClient:
        def limit(request: httpx.Request) -> None:
            request.extensions["timeout"] = httpx.Timeout(timeout).as_dict()

        # The client would round a timeout of its own up to whole seconds; what else it is given it hands
        # to httpx. Its check of versions would ask the server now, and print where it doesn't answer.
        return QdrantClient(
            url=url, api_key=api_key, check_compatibility=False, event_hooks={"request": [limit]}
        )

    return Clients(client(read_timeout), client(write_timeout))


@contextmanager
def answering() -> Iterator[None]:
    """Raise `UnavailableError` where the server doesn't answer, `RefusedError` where it won't do that."""
    try:
        yield
    except UnexpectedResponse as error:
        if error.status_code in _OVERLOADED or (error.status_code or _SERVER_ERROR) >= _SERVER_ERROR:
            raise UnavailableError(f"Qdrant can't answer now: {error}") from error
        raise RefusedError(f"Qdrant refuses: {error}") from error
    except ApiException as error:
        raise UnavailableError(f"Qdrant does not answer: {error}") from error


@dataclass(frozen=True, slots=True)
class Clients:
    """Two ways to one server: reads give up early, since somebody waits; writes are given time."""

    reads: QdrantClient
    writes: QdrantClient

    def close(self) -> None:
        """Close the connections."""
        self.reads.close()
        self.writes.close()


class Remote:
    """A collection. Every verb names the owner, whose points are in one shard where shards have keys."""

    def __init__(
        self,
        clients: Clients,
        collection: str,
        *,
        shard_keys: int,
        consistency: q.ReadConsistencyType | None,
    ) -> None:
        self._clients = clients
        self.collection = collection
        self._shard_keys = shard_keys
        self._consistency = consistency

    def named(self, collection: str) -> "Remote":
        """Return another collection of the same layout on the same server."""
        return Remote(self._clients, collection, shard_keys=self._shard_keys, consistency=self._consistency)

    def upsert(self, owner: str, points: Sequence[q.PointStruct]) -> None:
        """Write points; they are applied on return."""
        with answering():
            for start in range(0, len(points), _BATCH):
                self._clients.writes.upsert(
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
            self._clients.writes.delete(
                self.collection,
                selector,
                wait=True,
                ordering=q.WriteOrdering.STRONG,
                shard_key_selector=self._shard(owner),
            )

    def count(self, owner: str, where: q.Filter) -> int:
        """Return how many points there are, exactly."""
        with answering():
            found = self._clients.reads.count(
                self.collection, where, exact=True, shard_key_selector=self._shard(owner)
            )
        return found.count

    def scroll(
        self, owner: str, where: q.Filter, payload: Collection[str], vectors: Collection[str] = ()
    ) -> Iterator[q.Record]:
        """Yield all points with these fields of their payload and these vectors."""
        offset = None
        while True:
            with answering():
                page, offset = self._clients.reads.scroll(
                    self.collection,
                    where,
                    limit=_PAGE,
                    offset=offset,
                    with_payload=list(payload),
                    with_vectors=list(vectors) or False,
                    consistency=self._consistency,
                    shard_key_selector=self._shard(owner),
                )
            yield from page
            if offset is None:
                return

    def walk(self, where: q.Filter, payload: Collection[str]) -> Iterator[q.Record]:
        """Yield all points of all owners with these fields of their payload."""
        offset = None
        while True:
            with answering():
                page, offset = self._clients.writes.scroll(
                    self.collection, where, limit=_WALK, offset=offset, with_payload=list(payload)
                )
            yield from page
            if offset is None:
                return

    def query(self, owner: str, requests: Sequence[q.QueryRequest]) -> list[list[q.ScoredPoint]]:
        """Answer several queries in one round trip."""
        shard = self._shard(owner)
        asked = [request.model_copy(update={"shard_key": shard}) for request in requests]
        # A floor below the client's method of the same name, which copies every number of a request first.
        batch = self._clients.reads.http.search_api.query_batch_points
        with answering():
            found = batch(
                self.collection,
                consistency=self._consistency,  # type: ignore[arg-type]  # its default is none
                query_request_batch=q.QueryRequestBatch(searches=asked),
            )
        return [response.points for response in found.result or []]

    def rewrite_from(self, share: float, points: int) -> None:
        """Have segments of so many points rewritten where more than this share of them is deleted."""
        wanted = q.OptimizersConfigDiff(deleted_threshold=share, vacuum_min_vector_number=points)
        with answering():
            self._clients.writes.update_collection(self.collection, optimizers_config=wanted)

    def is_optimized(self) -> bool:
        """Tell whether no segment is to be rewritten, merged or indexed."""
        with answering():
            return self._clients.writes.get_collection(self.collection).status is q.CollectionStatus.GREEN

    def an_owner_each(self) -> list[str]:
        """Return an owner, of no points, for every shard key; one where there are none."""
        return [f"{number:08x}" for number in range(max(self._shard_keys, 1))]

    def _shard(self, owner: str) -> str | None:
        return shard_key(int(owner[:8], 16) % self._shard_keys) if self._shard_keys else None


def shard_key(number: int) -> str:
    """Return the name of a shard key."""
    return f"part-{number}"
