"""The Qdrant adapter of the index port."""

import threading
from collections import OrderedDict, defaultdict
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from qdrant_client import models as q

from memory.errors import RefusedError, UnavailableError
from memory.residue import Piece
from memory.scope import Scope
from retrieval.index.port import Found, IndexedTurn, IndexSettings, Ints, Limits, QueryView
from retrieval.passages.codec import TokenCodec
from retrieval.qdrant import collection, marks
from retrieval.qdrant.collection import TOKENS, QdrantOptions
from retrieval.qdrant.points import FIELDS, Shape, of_keys, of_owner, owner_of, points_of, turns_of
from retrieval.qdrant.remote import Clients, Remote
from retrieval.qdrant.replica import Replica
from retrieval.qdrant.source import Source, nearest
from retrieval.qdrant.vacuum import rewrite
from retrieval.scoring.search import search

_KEYS = 1000

# Seconds to wait for another request of the same user, who may be reading all of it for the first time.
_PATIENCE = 0.1


class QdrantIndex:
    """A collection that many processes share; each holds the outlines of the users searched last."""

    def __init__(
        self,
        clients: Clients,
        encoder: str,
        dim: int,
        codec: TokenCodec,
        *,
        hot_bytes: int,
        options: QdrantOptions | None = None,
        beside: bool = False,
    ) -> None:
        """Open the alias's collection; outlines beyond `hot_bytes` in all are dropped, oldest use first.

        `beside`: the collection of these settings, whichever the alias is of. The clients are closed with
        the index.
        """
        self._clients = clients
        self._options = options or QdrantOptions()
        self._settings = IndexSettings(encoder, dim, codec.id)
        self._shape = Shape(dim, codec.dim)
        self._remote = collection.open_collection(
            clients, self._settings, codec.dim, self._options, beside=beside
        )
        self._hot: OrderedDict[Scope, tuple[threading.Lock, Replica]] = OrderedDict()
        self._hot_bytes = hot_bytes
        self._lock = threading.Lock()

    @property
    def settings(self) -> IndexSettings:
        return self._settings

    @property
    def published(self) -> bool:
        """Whether the alias is there. One that is not was never filled from the ledger."""
        return collection.is_published(self._clients.writes, self._options)

    def publish(self) -> None:
        """Make this collection the alias's."""
        collection.publish(self._clients.writes, self._remote.collection, self._options)

    def remove(self) -> None:
        """Delete the collection and all that is in it."""
        collection.remove(self._clients.writes, self._remote.collection)

    def upsert(self, scope: Scope, turns: Sequence[IndexedTurn]) -> None:
        owner = owner_of(scope)
        # Backwards: where it is cut off, a turn whose first passage is there is there whole.
        self._remote.upsert(owner, points_of(scope, turns)[::-1])
        marks.stamp_written(self._remote, owner)

    def preview(self, scope: Scope, turns: Sequence[IndexedTurn]) -> None:
        with self._held(scope) as replica:
            replica.preview(turns)

    def delete(self, scope: Scope, keys: Collection[int] | None = None) -> None:
        owner = owner_of(scope)
        for name in (self.collection, *self.others()):
            _delete(self._remote.named(name), owner, keys)
        with self._lock:
            self._hot.pop(scope.whole_user(), None)

    def traces(self, scope: Scope, keys: Collection[int]) -> Iterator[Piece]:
        """Yield nothing: the files are the server's, where no scan of ours can look."""
        del scope, keys
        return iter(())

    def held(self) -> Iterator[bytes]:
        """Yield nothing: no local file holds any of it."""
        return iter(())

    def compact(self, *, thorough: bool = False) -> str:
        """Have the server rewrite what deleted points are in; say whether it was done in the time given."""
        del thorough  # there is but one way
        names = (self.collection, *self.others())
        try:
            rewritten = [rewrite(self._remote.named(name), self._options.shards) for name in names]
        except RefusedError:  # the key may write points, but not change a collection
            return "deleted and counted; the server took no orders to rewrite segments, and will in its time"
        if all(rewritten):
            return "deleted and counted, segments rewritten; the server's log is dropped at its next flush"
        return "deleted and counted; the server has yet to rewrite segments that hold deleted vectors"

    def search(
        self, scope: Scope, views: Sequence[QueryView], limits: Limits, *, session: int | None = None
    ) -> Found:
        with self._held(scope) as replica:
            asked = [marks.request(replica.owner), *nearest(replica.owner, views, limits, session)]
            stamps, *near = self._remote.query(replica.owner, asked)
            replica.follow(marks.read(stamps))
            return search(replica.outline, Source(replica, near), views, limits, session)

    def missing(self, scope: Scope, keys: Collection[int]) -> set[int]:
        with self._held(scope) as replica:
            (stamps,) = self._remote.query(replica.owner, [marks.request(replica.owner)])
            replica.follow(marks.read(stamps))
            return set(keys).difference(replica.keys)

    @property
    def collection(self) -> str:
        """The name of the collection."""
        return self._remote.collection

    def others(self) -> list[str]:
        """Return the other collections of this alias: one that is being built, or was in use before."""
        return collection.others(self._clients.writes, self.collection, self._options)

    def drop_others(self) -> list[str]:
        """Delete the other collections of this alias; return which they were."""
        gone = self.others()
        for name in gone:
            collection.drop(self._clients.writes, name)
        return gone

    def numbers(self) -> Ints:
        """Return the numbers of all turns that are here, int64 ascending."""
        first = q.FieldCondition(key="place", match=q.MatchValue(value=0))
        points = self._remote.walk(q.Filter(must=[first]), ["key"])
        return np.unique(np.fromiter(((point.payload or {})["key"] for point in points), np.int64))

    def turns(self, scope: Scope, keys: Collection[int]) -> list[IndexedTurn]:
        """Return those of the user's turns that are here; raise `CorruptFileError` where one is damaged."""
        user = scope.whole_user()
        owner = owner_of(user)
        found = (
            point
            for part in _parts(keys)
            for point in self._remote.scroll(owner, of_owner(owner, of_keys(part)), FIELDS, [TOKENS])
        )
        return turns_of(user, found, self._shape)

    def drop(self, keys: Collection[int]) -> None:
        """Remove turns, whoever's they are; durable on return."""
        for part in _parts(keys):
            owners: defaultdict[str, set[int]] = defaultdict(set)
            for point in self._remote.walk(q.Filter(must=[of_keys(part)]), ["owner", "key"]):
                payload = point.payload or {}
                owners[payload["owner"]].add(payload["key"])
            for owner, mine in owners.items():
                _delete(self._remote, owner, mine)

    def close(self) -> None:
        with self._lock:
            self._hot.clear()
        self._clients.close()

    @contextmanager
    def _held(self, scope: Scope) -> Iterator[Replica]:
        """Hold what is in memory of the user for one caller at a time; users don't wait for each other."""
        user = scope.whole_user()
        with self._lock:
            if user not in self._hot:
                self._hot[user] = (threading.Lock(), Replica(self._remote, user, self._shape))
            self._hot.move_to_end(user)
            lock, replica = self._hot[user]
        if not lock.acquire(timeout=_PATIENCE):
            raise RefusedError("another request is still loading what is remembered of this user")
        try:
            yield replica
        finally:
            lock.release()
        with self._lock:
            self._cool()

    def _cool(self) -> None:
        held = sum(replica.nbytes for _, replica in self._hot.values())
        while held > self._hot_bytes and len(self._hot) > 1:
            _, (_, dropped) = self._hot.popitem(last=False)
            held -= dropped.nbytes


def _delete(remote: Remote, owner: str, keys: Collection[int] | None) -> None:
    """Delete an owner's points, of these turns or all, and look whether they are gone."""
    parts = [of_owner(owner)] if keys is None else [of_owner(owner, of_keys(part)) for part in _parts(keys)]
    with marks.erasing(remote, owner, keys):
        for where in parts:
            remote.delete(owner, where)
            if left := remote.count(owner, where):
                raise UnavailableError(f"{left} points are still there after their deletion")


def _parts(keys: Collection[int]) -> list[list[int]]:
    named = sorted(keys)
    return [named[start : start + _KEYS] for start in range(0, len(named), _KEYS)]
