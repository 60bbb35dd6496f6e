"""What one process holds of a scope that lives on the server, and how it keeps up with it."""

import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from qdrant_client import models as q

from memory.scope import Scope
from retrieval.index.port import IndexedTurn
from retrieval.qdrant import marks
from retrieval.qdrant.moments import Moments
from retrieval.qdrant.points import FIELDS, Shape, after, of_owner, owner_of, turns_of
from retrieval.qdrant.remote import Remote
from retrieval.scoring.outline import Outline, vectors_of
from retrieval.scoring.vectors import Vectors

# Seconds for which a previewed turn outlives a deletion elsewhere: long enough for the search that it
# was previewed for. Later it may be what was deleted.
_PREVIEW_OUTLIVES = 1.0


_UNTRUSTED = marks.Marks(None, None, erasing=True)


@dataclass(frozen=True, slots=True)
class Preview:
    """A turn that the server doesn't have yet; since: when, and after which deletion it was shown."""

    turn: IndexedTurn
    since: float
    erased: str | None


class Replica:
    """A user's outline, and the vectors of turns that are not on the server yet. Not thread-safe."""

    def __init__(self, remote: Remote, scope: Scope, shape: Shape) -> None:
        self.scope = scope
        self.owner = owner_of(scope)
        self.shape = shape
        self.remote = remote
        self._marks = _UNTRUSTED
        self._previews: dict[int, Preview] = {}
        self._forget()

    def _forget(self) -> None:
        self.outline = Outline(self.shape.dim)
        self.moments = Moments(self.shape.dim)
        self.local = Vectors(self.shape.dim, self.shape.code_dim)
        # Rows whose vectors are in `local`, and where.
        self.places: dict[int, int] = {}
        self._points = 0
        self._newest = -1

    @property
    def keys(self) -> Collection[int]:
        """The turns that are here."""
        return self.outline.keys

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return self.outline.nbytes + self.moments.nbytes + self.local.nbytes

    def follow(self, now: marks.Marks) -> None:
        """Make this what the server has, whose stamps are `now`."""
        doubtful = self._doubtful(now)
        if now == self._marks and not now.erasing and not doubtful:
            return
        for key in doubtful:
            del self._previews[key]
        trusted = not (now.erasing or self._marks.erasing or now.erased != self._marks.erased or doubtful)
        self._marks = _UNTRUSTED  # until all below has succeeded
        if not (trusted and self._catch_up()):
            self._reload()
        self._marks = now

    def preview(self, turns: Sequence[IndexedTurn]) -> None:
        """Hold turns that the server doesn't have yet."""
        new = [turn for turn in turns if turn.key not in self.keys]
        since = time.monotonic()
        self._previews |= {turn.key: Preview(turn, since, self._marks.erased) for turn in new}
        self._hold(new)

    def _doubtful(self, now: marks.Marks) -> list[int]:
        """Return the previews that a deletion since then may have been about."""
        late = time.monotonic() - _PREVIEW_OUTLIVES
        return [
            key for key, each in self._previews.items() if each.erased != now.erased and each.since < late
        ]

    def _catch_up(self) -> bool:
        """Add what came after the newest turn here; return whether that was all."""
        self._take(turns_of(self.scope, self._scroll(self._newest), self.shape))
        return self._points == self.remote.count(self.owner, of_owner(self.owner))

    def _reload(self) -> None:
        self._forget()
        self._take(turns_of(self.scope, self._scroll(None), self.shape))
        self._hold([each.turn for each in self._previews.values()])

    def _scroll(self, newest: int | None) -> Iterator[q.Record]:
        where = of_owner(self.owner) if newest is None else of_owner(self.owner, after(newest))
        return self.remote.scroll(self.owner, where, FIELDS)

    def _take(self, turns: Sequence[IndexedTurn]) -> None:
        """Count in turns that the server has."""
        if not turns:
            return
        for turn in turns:
            if turn.key in self._previews:
                self._arrived(turn)
        new = [turn for turn in turns if turn.key not in self.keys]
        if new:
            self.outline.add(new)
            self.moments.add(vectors_of(new))
        self._points += sum(len(turn.passages) for turn in turns)
        self._newest = turns[-1].key

    def _arrived(self, turn: IndexedTurn) -> None:
        """Let the server's vectors stand for those of a preview."""
        del self._previews[turn.key]
        if turn.key not in self.keys:
            return
        row = self.outline.row_of(turn.key)
        places = [self.places.pop(row + place) for place in range(len(turn.passages))]
        old, new = self.local.pooled[places], vectors_of([turn])
        self.outline.sessions.fill(row, new - old)
        self.moments.remove(old)
        self.moments.add(new)

    def _hold(self, turns: Sequence[IndexedTurn]) -> None:
        """Keep turns here with their vectors."""
        if not turns:
            return
        rows = range(len(self.outline), len(self.outline) + sum(len(turn.passages) for turn in turns))
        first = len(self.local.pooled)
        self.outline.add(turns)
        self.moments.add(vectors_of(turns))
        self.local.add([passage for turn in turns for passage in turn.passages])
        self.places |= {row: first + place for place, row in enumerate(rows)}
