"""R10: two workers and a purge over one outbox, in any order, with kills and claims that lapse."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from memory.encoders import SharedEncoder
from memory.encoders.port import Encoding
from memory.errors import NotFoundError
from memory.ledger import EVERY_TENANT, Ledger, outbox, purges, turns
from memory.ledger.outbox import LEASE
from memory.ledger.schema import events
from memory.ledger.schema import turns as turn_table
from memory.ledger.tenancy import Tenancy
from memory.purge import Purge, Signer, Subject
from memory.purge.worker import Worker
from memory.residue import Piece
from memory.scope import Scope
from memory.times import now
from memory.turns import Turn
from retrieval.index.port import IndexedTurn
from retrieval.indexing.indexer import Indexer
from tests.helpers import said
from tests.reliability.conftest import Reached
from tests.reliability.interleaving import Interleaving
from tests.reliability.unscanned import unscanned
from tests.searching import CODEC, COUNTER, DIM, encoding


class SteppedIndex:
    """The index as a set of turns, changed one by one: anything may happen in between."""

    def __init__(self, play: Interleaving) -> None:
        self.kept: dict[str, set[int]] = {}
        self._play = play

    def upsert(self, scope: Scope, turns: Sequence[IndexedTurn]) -> None:
        for turn in turns:
            self._play.point()
            self.kept.setdefault(scope.user, set()).add(turn.key)
        self._play.point()

    def traces(self, scope: Scope, keys: Collection[int]) -> Iterator[Piece]:
        del scope, keys
        return iter(())

    def delete(self, scope: Scope, keys: Collection[int] | None = None) -> None:
        mine = self.kept.setdefault(scope.user, set())
        for key in sorted(mine if keys is None else mine.intersection(keys)):
            self._play.point()
            mine.discard(key)
        self._play.point()


class SteppedLedger(Ledger):
    """The ledger, with a point before and after each transaction, and a risk of death within."""

    def __init__(self, inner: Ledger, play: Interleaving) -> None:
        super().__init__(inner.engine, inner.master)
        self._play = play
        self._held: set[Scope] = set()

    @contextmanager
    def reading(self, tenant: Tenancy) -> Iterator[sa.Connection]:
        self._play.point()
        with super().reading(tenant) as tx:
            yield tx
        self._play.point()

    @contextmanager
    def writing(self, tenant: Tenancy) -> Iterator[sa.Connection]:
        self._play.point()
        with super().writing(tenant) as tx:
            yield tx
            self._play.risk()
        self._play.point()

    @contextmanager
    def alone(self, scope: Scope) -> Iterator[None]:
        """Wait by letting others go on: only one thread runs, so none may wait in the system."""
        while scope.whole_user() in self._held:
            self._play.point()
        self._held.add(scope.whole_user())
        try:
            yield
        finally:
            self._held.discard(scope.whole_user())


class SteppedEncoder(SharedEncoder):
    """Vectors at once, with a point before: here a worker spends most of its time."""

    def __init__(self, play: Interleaving) -> None:
        self._play = play

    @property
    def dim(self) -> int:
        return DIM

    def encode_later(self, texts: Sequence[str]) -> list[Encoding]:
        self._play.point()
        return [encoding(text) for text in texts]

    def close(self) -> None:
        """Nothing runs."""


class AtOnce(Worker):
    """Goes on at once: who asks for a purge carries it through, or is killed over it."""

    def wake(self) -> None:
        self.step()


class World:
    """One user's memory, two workers, a writer, a purger and a clock that makes claims lapse."""

    def __init__(self, ledger: Ledger, seed: int) -> None:
        self.play = Interleaving(seed, deaths=3)
        self.scope = Scope("default", f"user{seed}", f"session{seed}")
        self.ledger = SteppedLedger(ledger, self.play)
        self.index = SteppedIndex(self.play)
        signer = Signer(Ed25519PrivateKey.generate())
        self.purger = AtOnce(self.ledger, self.index, Path(), signer, backups=lambda _: {})  # type: ignore[arg-type]  # of the index, a purge uses `traces` and `delete` here
        self.purge = Purge(self.ledger, self.purger, signer)
        self.late = 0
        self._written = count()

    def now(self) -> int:
        """Return the time, later by what the clock was put forward."""
        return now() + self.late

    def live(self) -> None:
        """Let everybody act until all are done, then what is left be worked off in peace."""
        self.write()
        actors = {"one": self.work, "two": self.work, "writer": self.write}
        self.play.run(actors | {"purger": self.erase, "clock": self.put_forward})
        self.late += LEASE
        with Ledger(self.ledger.engine, self.ledger.master).writing(EVERY_TENANT) as tx:
            purges.at_once(tx)
        self.purger.step()
        worker = self.worker()
        while worker.step():
            pass

    def work(self) -> None:
        worker = self.worker()
        for _ in range(3):
            worker.step()

    def worker(self) -> Indexer:
        return Indexer(self.ledger, self.index, SteppedEncoder(self.play), CODEC, COUNTER, observe=_count)  # type: ignore[arg-type]  # of the index, workers use `upsert` only

    def write(self) -> None:
        for _ in range(2):
            new = [said(f"words {next(self._written)}") for _ in range(2)]
            with self.ledger.writing("default") as tx:
                turns.append(tx, self.scope, new, [2, 2])

    def erase(self) -> None:
        """Ask for a turn, the session or the user to be erased; asked again, it is gone already."""
        self.play.point()
        try:
            match self.play.random.randrange(3):
                case 0:
                    self.purge.begin(Subject("default", "user", self.scope.user), "test")
                case 1:
                    self.purge.begin(Subject("default", "session", str(self.scope.session)), "test")
                case _:
                    kept = self.kept()
                    if kept:
                        name = self.play.random.choice(kept).name
                        self.purge.begin(Subject("default", "turn", name), "test")
        except NotFoundError:
            return

    def put_forward(self) -> None:
        for _ in range(2):
            self.play.point()
            self.late += LEASE

    def kept(self) -> list[Turn]:
        with Ledger(self.ledger.engine, self.ledger.master).reading("default") as tx:
            return list(turns.stream(tx, self.scope))


def _count(tx: sa.Connection, scope: Scope, seen: Sequence[tuple[Turn, object]]) -> None:
    """Note turns as insight counts them in: those behind the session's last; a late one is missed."""
    for turn, _vector in seen:
        last = tx.scalar(sa.select(sa.func.max(events.c.turn_id)).where(events.c.session_id == turn.session))
        if last is None or turn.id > last:
            values = {"session_id": turn.session, "turn_id": turn.id, "type": "counted", "created_at": 0}
            tx.execute(sa.insert(events).values(tenant=scope.tenant, **values))


def interleavings(ledger: Ledger, seeds: range, patch: pytest.MonkeyPatch) -> tuple[int, int]:
    """Play them; return how many kills and how many turns there were."""
    unscanned(patch)
    patch.setattr(
        "retrieval.indexing.indexer._BATCH", 2
    )  # so that workers could each have a part of a session
    deaths = kept = 0
    for seed in seeds:
        world = World(ledger, seed)
        patch.setattr("retrieval.indexing.indexer.now", world.now)
        world.live()
        ids = {turn.id for turn in world.kept()}
        assert world.index.kept.get(world.scope.user, set()) == ids, f"seed {seed}"
        deaths, kept = deaths + world.play.deaths, kept + len(ids)
    with ledger.reading(EVERY_TENANT) as tx:
        assert outbox.depth(tx) == 0
        counted = list(tx.scalars(sa.select(events.c.turn_id).order_by(events.c.turn_id)))
        alive = list(tx.scalars(sa.select(turn_table.c.id).order_by(turn_table.c.id)))
    assert counted == alive, "not every turn was counted in once"
    return deaths, kept


def test_each_operation_takes_effect_once(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, reached: Reached
) -> None:
    """Sixty orders of two workers, a writer and a purge: the index ends as the ledger."""
    deaths, kept = interleavings(ledger, range(60), monkeypatch)

    assert deaths
    reached(
        f"60 interleavings on {ledger.engine.dialect.name}, {deaths} kills: {kept} turns, each once, no ghost"
    )


@pytest.mark.drill
def test_each_operation_takes_effect_once_in_any_order(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, reached: Reached
) -> None:
    """The same, ten thousand times."""
    deaths, kept = interleavings(ledger, range(10_000), monkeypatch)

    reached(
        f"10,000 interleavings on {ledger.engine.dialect.name}, {deaths:,} kills: "
        f"{kept:,} turns, each once, no ghost"
    )
