"""Which users are in memory, and how the others get there without holding up anybody else."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from memory.errors import RefusedError
from memory.scope import Scope
from retrieval.embedded.hot import HotScope
from retrieval.embedded.store import Store
from retrieval.index.port import IndexedTurn

# Users of more turns than these are read in the background: it takes seconds.
LARGE = 20_000


@dataclass(slots=True, eq=False)
class _Load:
    """One user being read by one thread. late: turns that came after it began. error: whoever sees it first
    raises it, and the next one reads again.
    """

    large: bool
    late: list[IndexedTurn] = field(default_factory=list)
    given_up: bool = False
    error: Exception | None = None
    over: threading.Event = field(default_factory=threading.Event)


class Heat:
    """The users in memory, within a byte limit; thread-safe."""

    def __init__(self, store: Store, empty: Callable[[], HotScope], *, limit: int) -> None:
        """Read cold users from `store`. `limit`: bytes; beyond it users are dropped, oldest use first."""
        self._store = store
        self._empty = empty
        self._limit = limit
        self._hot: OrderedDict[Scope, HotScope] = OrderedDict()
        self._loads: dict[Scope, _Load] = {}
        # One lock: searching takes a few milliseconds, and numpy lets go of nothing that would pay
        # for finer ones on a laptop's cores. Nobody reads from the disk under it.
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._hot)

    @contextmanager
    def of(self, user: Scope) -> Iterator[HotScope]:
        """Hold a user in memory, and all others off.

        Raises `RefusedError` while there is so much of the user that it has to be read in the background,
        `CorruptFileError` where that can't be read.
        """
        while True:
            with self._lock:
                hot = self._hot.get(user)
                if hot is not None:
                    self._hot.move_to_end(user)
                    yield hot
                    return
                load = self._loads.get(user)
            load = load or self._begin(user)
            if load is not None:
                self._wait(user, load)

    def add(self, user: Scope, turns: Sequence[IndexedTurn]) -> None:
        """Add turns, which are on disk by now, to what is in memory of the user or will be."""
        with self._lock:
            if user in self._hot:
                self._hot[user].add(turns)
            elif user in self._loads:
                self._loads[user].late.extend(turns)

    def forget(self, user: Scope) -> None:
        """Drop a user; one that is being read is read again."""
        with self._lock:
            self._hot.pop(user, None)
            self._give_up(user)

    def clear(self) -> None:
        """Drop everybody, and wait until nobody is read."""
        with self._lock:
            self._hot.clear()
            left = list(self._loads.values())
            for user in list(self._loads):
                self._give_up(user)
        for load in left:
            load.over.wait()

    def _give_up(self, user: Scope) -> None:
        load = self._loads.pop(user, None)
        if load is not None:
            load.given_up = True

    def _begin(self, user: Scope) -> _Load | None:
        """Read a user, a large one on another thread; return who does, None where somebody just has."""
        new = _Load(large=self._store.size_of(user) > LARGE)
        with self._lock:
            if user in self._hot:
                return None
            load = self._loads.setdefault(user, new)
        if load is new and load.large:
            threading.Thread(target=self._load, args=(user, load), name="heat", daemon=True).start()
        elif load is new:
            self._load(user, load)
        return load

    def _wait(self, user: Scope, load: _Load) -> None:
        if load.large and not load.over.is_set():
            raise RefusedError("there is so much of this user that it is still being read into memory")
        load.over.wait()
        if load.error is not None:
            with self._lock:
                self._end(user, load)
            raise load.error

    def _load(self, user: Scope, load: _Load) -> None:
        try:
            self._take(user, load, self._whole(user, load))
        except Exception as error:  # noqa: BLE001 - raised again by whoever waits
            load.error = error
        finally:
            load.over.set()

    def _end(self, user: Scope, load: _Load) -> None:
        if self._loads.get(user) is load:
            del self._loads[user]

    def _whole(self, user: Scope, load: _Load) -> HotScope:
        hot = self._empty()
        for part in self._store.parts_of(user):
            if load.given_up:
                break
            hot.add(part)
        return hot

    def _take(self, user: Scope, load: _Load, hot: HotScope) -> None:
        with self._lock:
            if load.given_up:
                return
            self._end(user, load)
            hot.add(load.late)
            self._hot[user] = hot
            held = sum(one.nbytes for one in self._hot.values())
            while held > self._limit and len(self._hot) > 1:
                _, dropped = self._hot.popitem(last=False)
                held -= dropped.nbytes
